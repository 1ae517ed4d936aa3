"""Intervals and p-values: known answers, invariants, and coverage in small."""

import time

import numpy as np
import pytest
from bench_builders import judged_run, line

from prc_emo.bench.metrics import score
from prc_emo.bench.significance import accuracy_of, bootstrap, mcnemar, paired_bootstrap
from prc_emo.errors import PrcEmoError


def test_the_figure_itself_is_the_one_that_scoring_gives():
    """Two routes to wF1, scikit-learn's and the vectorised one, must never part."""
    run = judged_run(np.random.default_rng(1), 0.4)
    run[0] = line(run[0].gold, None, "d0", 0)
    assert bootstrap([run], seed=0).value == pytest.approx(score(run).wf1)
    assert bootstrap([run], seed=0, statistic=accuracy_of).value == pytest.approx(score(run).accuracy)


def test_a_perfect_run_has_no_width():
    interval = bootstrap([judged_run(np.random.default_rng(1), 1.0)], seed=0)
    assert (interval.value, interval.low, interval.high) == (1, 1, 1)


def test_the_seed_decides_everything():
    run = judged_run(np.random.default_rng(1), 0.5)
    assert bootstrap([run], seed=3) == bootstrap([run], seed=3)
    assert bootstrap([run], seed=3) != bootstrap([run], seed=4)


def test_dialogues_are_drawn_and_not_utterances():
    """Where a dialogue is right or wrong as a whole, eight copies of a turn carry no more news than one."""
    rng = np.random.default_rng(0)
    right = rng.random(60) < 0.5
    runs = []
    for turns in (1, 8):
        runs.append(
            [line("joy", "joy" if right[d] else "anger", f"d{d}", t) for d in range(60) for t in range(turns)]
        )
    short, long = (bootstrap([run], seed=0, statistic=accuracy_of) for run in runs)
    assert (long.low, long.high) == (short.low, short.high)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """300 made-up test sets whose true accuracy is known: 0.6 + 0.4 / 3."""
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(300):
        found = bootstrap(
            [judged_run(rng, 0.6, dialogues=30, turns=4, gold_seed=trial)],
            seed=trial, statistic=accuracy_of, resamples=300,
        )  # fmt: skip
        covered += found.low <= 0.6 + 0.4 / 3 <= found.high
    assert 0.88 <= covered / 300 <= 0.98


def test_two_equally_good_recognizers_seldom_look_different():
    rng = np.random.default_rng(0)
    small = 0
    for trial in range(200):
        a, b = (judged_run(rng, 0.5, dialogues=30, turns=4, gold_seed=trial) for _ in range(2))
        small += paired_bootstrap([a], [b], seed=trial, resamples=300).p < 0.05
    assert small / 200 <= 0.10


def test_a_clear_difference_is_found_and_turns_its_sign():
    rng = np.random.default_rng(0)
    good, bad = judged_run(rng, 0.8), judged_run(rng, 0.3)
    forth, back = paired_bootstrap([good], [bad], seed=0), paired_bootstrap([bad], [good], seed=0)
    assert forth.p < 0.001 and forth.low > 0
    assert (back.value, back.low, back.high) == pytest.approx((-forth.value, -forth.high, -forth.low))


def test_a_run_does_not_differ_from_itself():
    run = judged_run(np.random.default_rng(1), 0.5)
    same = paired_bootstrap([run], [run], seed=0)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert mcnemar(run, run) == 1


def test_the_figure_of_several_seeds_is_their_mean():
    rng = np.random.default_rng(0)
    seeds = [judged_run(rng, skill) for skill in (0.4, 0.5, 0.6)]
    assert bootstrap(seeds, seed=0).value == pytest.approx(np.mean([score(run).wf1 for run in seeds]))


def test_mcnemar_is_the_exact_binomial_test():
    """Of 6 utterances on which only one of the two is right, a has all: p = 2 / 2^6."""
    a = [line("joy", "joy", position=at) for at in range(10)]
    b = [line("joy", "anger" if at < 6 else "joy", position=at) for at in range(10)]
    assert mcnemar(a, b) == pytest.approx(2 / 64)


def test_runs_on_different_utterances_are_refused():
    run = judged_run(np.random.default_rng(1), 0.5)
    for refuse in (lambda: paired_bootstrap([run], [run[1:]], seed=0), lambda: mcnemar(run, run[1:])):
        with pytest.raises(PrcEmoError, match="not scored on the same utterances"):
            refuse()


def test_two_thousand_resamples_of_a_corpus_like_meld_take_less_than_a_second():
    run = judged_run(np.random.default_rng(1), 0.5, dialogues=280, turns=10)
    before = time.perf_counter()
    paired_bootstrap([run], [run], seed=0, resamples=2000)
    assert time.perf_counter() - before < 1
