"""What a training is given: labelled conversations, weights, a share of utterances."""

import pytest

from prc_emo.fitting import some

IDS = [f"talk/{number}" for number in range(2000)]


def test_about_the_share_is_taken_and_the_ends_are_exact() -> None:
    assert some(IDS, 0.0, seed=1) == frozenset()
    assert some(IDS, 1.0, seed=1) == frozenset(IDS)
    assert len(some(IDS, 0.3, seed=1)) == pytest.approx(600, abs=80)


def test_an_id_is_taken_whatever_stands_beside_it_but_not_by_every_seed() -> None:
    taken = some(IDS, 0.3, seed=1)
    assert some(IDS[::2], 0.3, seed=1) == taken & set(IDS[::2])
    assert some(IDS, 0.3, seed=2) != taken
