"""Batches of frames for training: what is hidden, and that it is drawn from the place alone."""

import numpy as np

from prc_emo.speech.listen import mask_some


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
