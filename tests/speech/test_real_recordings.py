"""RAVDESS itself, where it is at hand: everything is heard, and what the voice does survives in the frames."""

from pathlib import Path

import benchmark_speech
import numpy as np
import pytest

from prc_emo.corpora import load_corpus
from prc_emo.speech.frames import Frames
from prc_emo.speech.log_mel import LogMel

pytestmark = pytest.mark.data


def test_every_clip_is_heard_and_anger_is_louder_and_higher_than_calm(data_root: Path) -> None:
    """For each of the twenty actors: levels, where they are kept, and pitch survive."""
    turns = [turn for talk in load_corpus("ravdess", data_root / "ravdess").all() for turn in talk.utterances]
    wanted = [turn for turn in turns if turn.gold in ("angry", "calm")]
    heard = Frames(LogMel(stack=1, normalise="recorded")).of(wanted)
    assert heard.counts() == {"heard": 320, "cut": 0}

    def mean(actor: str, emotion: str) -> tuple[float, float]:
        frames = [heard.frames[turn.id] for turn in wanted if (turn.speaker, turn.gold) == (actor, emotion)]
        steps = np.concatenate(frames)  # (T, 40 bands + pitch + voicing)
        return float(steps[:, :40].mean()), float(steps[:, 40].mean())

    actors = sorted({turn.speaker for turn in wanted})
    assert len(actors) == 20
    for actor in actors:
        (loud, high), (soft, low) = mean(actor, "angry"), mean(actor, "calm")
        assert loud > soft and high > low, actor


def test_the_benchmark_measures_what_it_says(data_root: Path) -> None:
    folder = data_root / "ravdess"
    turns = [turn for talk in load_corpus("ravdess", folder).all() for turn in talk.utterances]
    assert "look up and read back" in benchmark_speech.speed(turns[:10])
    frames = dict(Frames(LogMel(bands=20, stack=2, normalise="recorded")).of(turns).frames)
    corpus = load_corpus("ravdess", folder, dev_fold=None)
    assert 0.2 < benchmark_speech.linear(corpus, frames) < 0.6  # chance is 0.125
