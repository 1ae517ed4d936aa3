import numpy as np

from prc_emo.llm.calibrate import fit_prior_correction, fit_temperature, probabilities


def test_probabilities_are_a_softmax_and_heat_flattens_them() -> None:
    scores = np.log(np.array([[0.7, 0.2, 0.1]]))
    assert np.allclose(probabilities(scores), [[0.7, 0.2, 0.1]])
    assert probabilities(scores, 4.0).max() < 0.7
    assert np.allclose(probabilities(scores - 50), probabilities(scores))  # only differences count


def test_the_temperature_that_spoiled_the_scores_is_found_again() -> None:
    """Draw labels from known probabilities, sharpen the scores by 2.5, and see 2.5 come back."""
    generator = np.random.default_rng(0)
    honest = generator.normal(size=(20_000, 5))
    drawn = np.array([generator.choice(5, p=row) for row in probabilities(honest)])
    assert abs(fit_temperature(honest * 2.5, drawn) - 2.5) < 0.1


def test_a_prior_that_drowned_the_evidence_is_taken_back_as_far_as_it_pays() -> None:
    """Add the whole log-prior to clear evidence: only with some of it taken back is the rare label ever chosen."""
    generator = np.random.default_rng(0)
    gold = (generator.random(4000) < 0.1).astype(int)  # one in ten
    evidence = np.where(np.eye(2)[gold] > 0, 1.0, 0.0) + generator.normal(scale=0.3, size=(4000, 2))
    scores = evidence + 2 * np.log([0.9, 0.1])

    def rare_recall(chosen: np.ndarray) -> float:
        return float((chosen[gold == 1] == 1).mean())

    offsets = fit_prior_correction(scores, (0.9, 0.1), rare_recall)
    assert offsets[1] > offsets[0] >= 0
    assert rare_recall((scores + offsets).argmax(1)) > rare_recall(scores.argmax(1))


def test_where_no_correction_pays_none_is_made() -> None:
    scores, gold = np.eye(3) * 9, np.arange(3)
    offsets = fit_prior_correction(scores, (0.8, 0.1, 0.1), lambda chosen: float((chosen == gold).mean()))
    assert offsets == (0.0, 0.0, 0.0)
