"""Batches of frames for training: what is hidden, and that it is drawn from the place alone."""

from typing import Any

import numpy as np
import pytest

from prc_emo.speech.heard import Lazily
from prc_emo.speech.listen import Lessons, Listener, mask_some


def test_a_hidden_band_is_hidden_in_all_steps_of_a_frame() -> None:
    frames = np.random.default_rng(0).standard_normal((20, 4 * 10)).astype(np.float32)
    whole = []
    for seed in range(50):
        steps = mask_some(frames, np.random.default_rng(seed), stack=4).reshape(80, 10)
        hidden = steps == frames.mean()
        whole += [band for band in range(10) if hidden[:, band].all()]
        rows, bands = hidden.all(axis=1), hidden.all(axis=0)
        assert (hidden == (rows[:, None] | bands)).all()  # spans of steps and bands, and nothing else
    assert len(set(whole)) == 10


def test_what_is_hidden_depends_on_chance_alone_and_the_frames_stay() -> None:
    frames = np.random.default_rng(0).standard_normal((3, 30, 8)).astype(np.float32)
    before = frames.copy()
    one, again = (mask_some(frames, np.random.default_rng(7)) for _ in range(2))
    assert one.shape == frames.shape and (one == again).all() and (frames == before).all()
    assert (one != frames).any()


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_what_is_too_short_for_a_span_is_not_hidden_whole(steps: int) -> None:
    """Features of a whole utterance are one frame: a span of it would be all that is known of the voice."""
    frames = np.random.default_rng(0).standard_normal((steps, 88)).astype(np.float32)
    hidden = np.stack(
        [mask_some(frames, np.random.default_rng(seed)) == frames.mean() for seed in range(200)]
    )
    assert not hidden.all(axis=-1).any() and hidden.any()


@pytest.mark.parametrize("shape", [(7, 7), (30, 8), (3, 30, 88), (1, 40)])
def test_what_else_is_hidden_is_what_always_was(shape: tuple[int, ...]) -> None:
    """Results are published with these draws; those of a short axis are made, too, since others come after them."""

    def published(frames: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        masked, mean = frames.copy(), frames.mean()
        for axis in (-2, -1):
            long = masked.shape[axis]
            for _ in range(2):
                size = int(chance.integers(0, max(1, int(0.15 * long)) + 1))
                start = int(chance.integers(0, long - size + 1))
                if long >= 7:
                    masked.swapaxes(axis, 0)[start : start + size] = mean
        return masked

    frames = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for seed in range(50):
        one, other = (np.random.default_rng(seed) for _ in range(2))
        np.testing.assert_array_equal(mask_some(frames, one), published(frames, other))
        assert one.random() == other.random()


def kept(loaded: list[str]) -> Lazily:
    """Two voices that tell when they are read from the disk."""

    def load(id: str) -> np.ndarray:
        loaded.append(id)
        return np.ones((lengths[id], 4), np.float32)

    lengths = {"a": 9, "b": 30}
    return Lazily(lengths, load)


def test_who_is_heard_and_how_many_slots_that_takes_is_known_without_loading() -> None:
    loaded: list[str] = []
    frames = kept(loaded)
    assert "a" in frames and "c" not in frames
    assert [Listener(2, frames=frames).slots(id) for id in frames] == [2, 2]
    assert [Listener(lambda long: -(-long // 4), frames=frames).slots(id) for id in frames] == [3, 8]
    assert loaded == []


def test_a_lesson_loads_each_of_its_voices_once() -> None:
    loaded: list[str] = []
    lessons = Lessons(Listener(2, frames=kept(loaded)), {"a": 1, "b": 0}, also=[kept(loaded)])
    rows: list[dict[str, Any]] = [{"id": "b", "heard": ["a", "b"], "place": place} for place in range(3)]
    assert lessons(rows)["speech"]["emotions"].tolist() == [-1, 0] * 3
    assert loaded == ["a", "b"] * 3
