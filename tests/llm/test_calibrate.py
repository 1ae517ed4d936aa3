import numpy as np

from prc_emo.llm.calibrate import fit_temperature, probabilities


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
