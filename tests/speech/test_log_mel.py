"""Log-mel frames: their shape, what changes them and what does not, and that they carry pitch and level."""

from collections.abc import Callable

import numpy as np
import pytest
from speech_kit import RATE, noise, tone

from prc_emo.errors import PrcEmoError
from prc_emo.speech.encoder import encoder
from prc_emo.speech.log_mel import HIGHEST, LOWEST, SCALE, LogMel, filterbank


def frames(wave: np.ndarray, **options: object) -> np.ndarray:
    (found,) = LogMel(**{"trim": None, "normalise": "recorded", **options})([wave])
    return found


@pytest.mark.parametrize("seconds", [0.01, 0.1, 1.0, 3.3])
@pytest.mark.parametrize("options", [{}, {"stack": 1}, {"stack": 3, "bands": 40}, {"pitch": False}], ids=str)
def test_frames_have_the_width_and_the_rate_that_are_promised(seconds: float, options: dict) -> None:
    made = LogMel(trim=None, **options)
    (found,) = made([noise(seconds)])
    assert found.dtype == np.float32 and found.shape[1] == made.width
    assert len(found) >= 1 and abs(len(found) - seconds * made.frames_per_second) <= 2
    assert np.isfinite(found).all()


def test_a_neighbour_changes_nothing() -> None:
    short, long = tone(0.5), noise(4.0)
    np.testing.assert_array_equal(LogMel()([short, long])[0], LogMel()([short])[0])
    assert LogMel()([]) == []


def test_a_tone_stands_in_its_band() -> None:
    wave = (0.3 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)).astype(np.float32)
    loudest = frames(wave, stack=1, pitch=False).mean(axis=0).argmax()
    assert loudest == filterbank(40)[round(1000 / RATE * 512)].argmax()


def test_every_band_hears_something_between_the_borders() -> None:
    for bands in (1, 40, 64, 80, 100):
        weights = filterbank(bands)
        heard = np.flatnonzero(weights.any(axis=1)) * RATE / 512
        assert (weights.sum(axis=0) > 0).all()
        assert heard.min() > LOWEST and heard.max() < HIGHEST


def test_twice_as_loud_is_six_decibels_in_every_band() -> None:
    wave = noise(1.0, level=0.05)
    gain = frames(2 * wave, pitch=False) - frames(wave, pitch=False)
    np.testing.assert_allclose(gain, 20 * np.log10(2) / SCALE, atol=1e-3)


@pytest.mark.parametrize("hertz", [90.0, 150.0, 220.0, 380.0])
def test_pitch_is_in_octaves_and_no_voice_has_none(hertz: float) -> None:
    pitch, voicing = frames(tone(1.0, hertz), stack=1)[5:-5, -2:].T
    assert np.median(voicing) > 0.9
    assert np.median(pitch) == pytest.approx(np.log2(hertz / 150), abs=0.12)
    pitch, voicing = frames(noise(1.0), stack=1)[:, -2:].T
    assert np.median(voicing) < 0.4 and np.abs(np.median(pitch)) < 0.3


def test_stacked_frames_are_the_steps_in_a_row() -> None:
    wave = tone(0.5)
    steps, stacked = frames(wave, stack=1), frames(wave, stack=4)
    np.testing.assert_array_equal(stacked[3], steps[12:16].reshape(-1))


def test_silence_around_the_speech_is_left_out_and_silence_within_is_kept() -> None:
    quiet = noise(0.5, level=1e-5)
    speech = np.concatenate([tone(0.3), quiet, tone(0.3)])
    around = np.concatenate([quiet, speech, quiet, quiet])
    assert abs(len(LogMel(stack=1)([around])[0]) - 110) <= 6
    assert len(LogMel(stack=1, trim=None)([around])[0]) == pytest.approx(260, abs=3)


def test_normalised_by_utterance_no_level_is_left_in_the_bands_and_pitch_stays() -> None:
    wave = tone(1.0) + noise(1.0, level=0.05)
    loud, soft = (frames(gain * wave, stack=1, normalise="utterance") for gain in (4, 1))
    np.testing.assert_allclose(loud, soft, atol=0.02)
    np.testing.assert_allclose(loud[:, :-2].mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(loud[:, :-2].std(axis=0), 1, atol=0.1)
    np.testing.assert_array_equal(loud[:, -2:], frames(4 * wave, stack=1)[:, -2:])


def test_the_id_tells_all_settings_apart() -> None:
    made: list[Callable[[], LogMel]] = [
        LogMel,
        lambda: LogMel(bands=64),
        lambda: LogMel(stack=2),
        lambda: LogMel(pitch=False),
        lambda: LogMel(trim=None),
        lambda: LogMel(trim=30),
        lambda: LogMel(normalise="recorded"),
    ]
    assert len({make().id for make in made}) == len(made)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": 0}, "expected 1 to 100 bands, got 0"),
        ({"bands": 128}, "expected 1 to 100 bands, got 128"),
        ({"stack": 0}, "expected to stack 1 step or more, got 0"),
        ({"normalise": "speaker"}, "expected normalise to be recorded or utterance, got 'speaker'"),
        ({"band": 40}, "Encoder 'log_mel': .* unexpected keyword argument 'band'"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict, message: str) -> None:
    with pytest.raises(PrcEmoError, match=message):
        encoder("log_mel", **options)
