"""Differences between arms: known answers, and what the intervals and tests do when the truth is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from prc_emo.bench.contrast import contrast, holm, seeds_needed, sign_permutation
from prc_emo.bench.significance import accuracy_of, wf1_of
from prc_emo.errors import PrcEmoError

Confusions = NDArray[np.float64]  # (D, S, K, K + 1)
LABELS, TURNS = 4, 10


def draw(
    chance: np.random.Generator,
    dialogues: int,
    seeds: int,
    *,
    effect: float,
    of_seeds: float = 0.15,
    of_dialogues: float = 0.6,
) -> tuple[Confusions, Confusions]:
    """Two arms' answers: dialogues differ in difficulty, training seeds in luck, and both in how they meet."""
    gold = chance.choice(LABELS, size=(dialogues, 1, TURNS), p=[0.45, 0.25, 0.2, 0.1])
    hard = chance.normal(0, of_dialogues, (dialogues, 1, 1))
    arms = []
    for better in (effect, 0.0):
        skill = 0.6 + better + hard + chance.normal(0, 0.3, (dialogues, 1, 1))
        skill = (
            skill + chance.normal(0, of_seeds, (1, seeds, 1)) + chance.normal(0, 0.3, (dialogues, seeds, 1))
        )
        right = chance.random((dialogues, seeds, TURNS)) < 1 / (1 + np.exp(-skill))
        other = (gold + chance.integers(1, LABELS, right.shape)) % LABELS
        shown = np.broadcast_to(gold, right.shape)
        confusion = np.zeros((dialogues, seeds, LABELS, LABELS + 1))
        at, seed, _ = np.indices(right.shape)
        np.add.at(confusion, (at, seed, shown, np.where(right, shown, other)), 1)
        arms.append(confusion)
    return arms[0], arms[1]


def test_accuracy_of_one_seed_is_the_paired_t_test_over_dialogues() -> None:
    a, b = draw(np.random.default_rng(0), 40, 1, effect=0.3)
    found = contrast(a, b, statistic=accuracy_of)
    by_dialogue = (accuracy_of(a) - accuracy_of(b))[:, 0]  # all dialogues are equally long
    expected = stats.ttest_1samp(by_dialogue, 0)
    assert found.value == pytest.approx(by_dialogue.mean())
    assert found.p == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p_seeds is None and found.effect_size is None


def test_arms_that_answer_alike_do_not_differ() -> None:
    a, _ = draw(np.random.default_rng(1), 30, 6, effect=0)
    found = contrast(a, a)
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert found.p_seeds is None and found.effect_size is None
    b, _ = draw(np.random.default_rng(2), 30, 1, effect=0)
    found = contrast(
        a[:, :1].repeat(6, 1), b.repeat(6, 1)
    )  # two baselines without chance, as if of six seeds
    assert found.value != 0 and found.seed_sd == 0 and found.p_seeds is None and found.effect_size is None


def test_one_dialogue_says_nothing_of_others() -> None:
    a, b = draw(np.random.default_rng(1), 1, 6, effect=0)
    with pytest.raises(PrcEmoError, match="two dialogues or more"):
        contrast(a, b)


def test_seeds_that_swing_together_widen_the_interval() -> None:
    chance = np.random.default_rng(2)
    steady = contrast(*draw(chance, 100, 6, effect=0.3, of_seeds=0.0))
    swinging = contrast(*draw(chance, 100, 6, effect=0.3, of_seeds=0.8))
    assert swinging.se > 2 * steady.se and swinging.detectable > 2 * steady.detectable
    assert steady.seed_sd is not None and swinging.seed_sd is not None
    assert swinging.seed_sd > steady.seed_sd


@pytest.mark.parametrize(
    ("dialogues", "seeds", "least"), [(60, 6, 0.93), (114, 10, 0.93), (114, 3, 0.91), (60, 2, 0.88)]
)
def test_a_null_is_not_found_and_intervals_cover_it(dialogues: int, seeds: int, least: float) -> None:
    """Within two points of what they promise from six seeds on; fewer make them too narrow, and the report says so."""
    chance = np.random.default_rng(3)
    found = [contrast(*draw(chance, dialogues, seeds, effect=0.0)) for _ in range(1000)]
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert least <= covered <= 0.97, covered
    assert np.mean([one.p <= 0.05 for one in found]) <= 1 - least
    assert np.mean([(one.p_seeds or 1) <= 0.05 for one in found]) <= 0.09  # dialogues are fixed to it


@pytest.mark.parametrize(("seeds", "of_seeds"), [(2, 0.15), (2, 0.4), (3, 0.15), (6, 0.15)])
def test_a_study_of_nulls_seldom_claims_anything(seeds: int, of_seeds: float) -> None:
    """The chance of one false claim or more among three, adjusted: the few seeds whose luck looks like none at all."""
    chance, claims, studies = np.random.default_rng(6), 0, 300
    for _ in range(studies):
        arms = (draw(chance, 114, seeds, effect=0.0, of_seeds=of_seeds) for _ in range(3))
        claims += bool((holm(np.array([contrast(*arm).p for arm in arms])) <= 0.05).any())
    assert claims / studies <= 0.08


def test_a_planted_effect_is_found_as_often_as_the_design_says_and_intervals_cover_it() -> None:
    chance = np.random.default_rng(4)
    large = [draw(chance, 500, 200, effect=0.4) for _ in range(8)]
    truth = float(np.mean([wf1_of(a.sum(0)).mean() - wf1_of(b.sum(0)).mean() for a, b in large]))
    found = [contrast(*draw(chance, 114, 6, effect=0.4)) for _ in range(1000)]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.93 <= covered <= 0.97, (covered, truth)
    power = np.mean([one.p <= 0.05 for one in found])
    # the power that the mean standard error promises for this truth
    se, df = np.mean([one.se for one in found]), np.median([one.df for one in found])
    promised = stats.nct.sf(stats.t.ppf(0.975, df), df, truth / se)
    assert power == pytest.approx(promised, abs=0.05)


@pytest.mark.parametrize("comparisons", [1, 3])
def test_a_difference_of_the_detectable_size_is_found_four_times_out_of_five(comparisons: int) -> None:
    """Beside nulls, with Holm's adjustment. The pseudo-effect is added to what was observed: only its size matters here."""
    chance, hits, draws = np.random.default_rng(5), 0, 600
    for _ in range(draws):
        arms = [draw(chance, 114, 6, effect=0.0) for _ in range(comparisons)]
        found = [contrast(*arm, comparisons=comparisons) for arm in arms]
        first = found[0]
        moved = abs(first.value + first.detectable) / first.se
        p = [2 * stats.t.sf(moved, first.df), *(one.p for one in found[1:])]
        hits += bool(holm(np.array(p))[0] <= 0.05)
    assert 0.75 <= hits / draws <= 0.88, hits / draws


def test_permutation_and_holm_give_known_answers() -> None:
    up = np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.4])
    assert sign_permutation(up) == 2 / 2**6 and sign_permutation(up[:5]) == 2 / 2**5
    assert sign_permutation(np.array([0.1, -0.2, 0.3])) == 0.75
    assert seeds_needed(0.05) == 6 and seeds_needed(0.01) == 8
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.6, 0.9])).tolist() == [1, 1] and holm(np.array([])).tolist() == []
