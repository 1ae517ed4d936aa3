"""Recordings of every kind: what is heard of them, and what is said where nothing is."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from speech_kit import RATE, noise, tone, write

from prc_emo.errors import PrcEmoError
from prc_emo.speech.audio import Limits, Sound, Variant, listen
from prc_emo.speech.heard import Unheard


def loudest_hertz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * RATE / len(samples))


def heard(path: Path, limits: Limits | None = None) -> Sound:
    sound = listen(path, limits)
    assert isinstance(sound, Sound), sound
    return sound


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_every_form_is_heard_as_16_khz_float32(tmp_path: Path, suffix: str) -> None:
    samples = heard(write(tmp_path / f"a.{suffix}", tone(1.0))).samples
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert abs(len(samples) - RATE) <= 0.1 * RATE  # mp3 and ogg pad a little
    assert loudest_hertz(samples) == pytest.approx(220, abs=3)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_changes_neither_length_nor_pitch(tmp_path: Path, rate: int) -> None:
    samples = heard(write(tmp_path / "a.wav", tone(1.0, rate=rate), rate)).samples
    assert abs(len(samples) - RATE) <= 2
    assert loudest_hertz(samples) == pytest.approx(220, abs=2)


def test_two_channels_become_their_mean(tmp_path: Path) -> None:
    left, right = tone(0.5), noise(0.5)
    both = heard(write(tmp_path / "a.wav", np.stack([left, right], axis=1), subtype="FLOAT")).samples
    np.testing.assert_allclose(both, (left + right) / 2, atol=1e-6)


def test_a_quiet_recording_is_heard_at_the_level_it_has(tmp_path: Path) -> None:
    """RAVDESS's quietest clip peaks at 0.0045; the level is a part of the emotion."""
    quiet = heard(write(tmp_path / "a.wav", tone(0.5, level=0.0045))).samples
    assert np.abs(quiet).max() == pytest.approx(0.0045, rel=0.02)


def test_a_path_that_cannot_be_looked_at_is_a_reason_and_no_exception(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert listen(tmp_path / f"{'a' * 300}.wav") == Unheard("missing", "File name too long")
    path = write(tmp_path / "a.wav", tone(0.5))

    def closed(self: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", closed)  # the tests may run as somebody who may enter every folder
    assert listen(path) == Unheard("missing", "Permission denied")


def broken_flac(path: Path) -> Path:
    data = write(path, noise(1.0)).read_bytes()
    path.write_bytes(data[:40] + bytes(reversed(data[40:80])))
    return path


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: path, Unheard("missing", "no such file")),
        (lambda path: path.touch(), Unheard("empty", "0 bytes")),
        (lambda path: write(path, np.zeros(0, np.float32)), Unheard("empty", "no samples")),
        (lambda path: write(path, tone(0.05)), Unheard("too short", "0.05 s, expected at least 0.10 s")),
        (
            lambda path: write(path, np.zeros(RATE)),
            Unheard("silent", "no sample reaches 0.0001 of full scale"),
        ),
        (
            lambda path: write(path, np.where(np.arange(RATE) % 4000, tone(1.0), np.nan), subtype="FLOAT"),
            Unheard("not finite", "4 of 16000 samples are NaN or infinite"),
        ),
        (
            lambda path: write(path, noise(600), 16_000),
            Unheard("too long", "600.0 s, expected at most 300 s"),
        ),
    ],
    ids=["missing", "0 bytes", "no samples", "50 ms", "silence", "NaN", "10 minutes"],
)
def test_a_recording_that_says_nothing_is_a_reason_and_no_exception(tmp_path, make, expected) -> None:
    make(tmp_path / "a.wav")
    assert listen(tmp_path / "a.wav") == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b"this is no sound at all"),
        lambda path: path.write_bytes(b"RIFF\xff\xff\xff\x7fWAVEfmt "),
        broken_flac,
    ],
    ids=["text", "half a header", "damaged flac"],
)
def test_a_corrupt_file_is_a_reason_and_no_exception(tmp_path: Path, make) -> None:
    path = tmp_path / "a.flac"
    make(path)
    why = listen(path)
    assert isinstance(why, Unheard) and why.reason == "corrupt" and why.detail
    assert str(tmp_path) not in why.detail


def test_a_wav_that_ends_early_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1.0))
    path.write_bytes(path.read_bytes()[: 44 + RATE])
    assert len(heard(path).samples) == RATE // 2


def test_what_is_longer_than_thirty_seconds_is_cut_and_says_so(tmp_path: Path) -> None:
    sound = heard(write(tmp_path / "a.wav", noise(31.0)))
    assert (len(sound.samples), sound.cut) == (30 * RATE, True)
    assert not heard(write(tmp_path / "b.wav", noise(29.0))).cut


def test_limits_are_a_setting(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(2.0))
    assert heard(path, Limits(heard=1.0)).cut
    assert listen(path, Limits(longest=1.5)) == Unheard("too long", "2.0 s, expected at most 1.5 s")
    assert listen(path, Limits(shortest=3.0)) == Unheard("too short", "2.00 s, expected at least 3.00 s")


@pytest.mark.parametrize("address", ["https://example.org/a.wav", "s3://bucket/a.wav", "//server/a.wav"])
def test_an_address_is_refused_and_never_fetched(address: str) -> None:
    for path in (address, Path(address)):
        with pytest.raises(PrcEmoError, match=r"is an address; recordings are read from local files only"):
            listen(path)


def test_a_missing_library_is_answered_with_its_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.wav", tone(0.5))
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(PrcEmoError, match=r"Do `pip install 'prc-emo\[speech\]'`"):
        listen(path)


@pytest.mark.parametrize("speed", [0.9, 1.1])
def test_speed_changes_length_and_pitch_together(speed: float) -> None:
    changed = Variant(speed=speed).of(tone(1.0), "key")
    assert abs(len(changed) - RATE / speed) <= 2
    assert loudest_hertz(changed) == pytest.approx(220 * speed, abs=3)


@pytest.mark.parametrize("decibels", [0.0, 10.0, 20.0])
def test_noise_is_as_loud_as_it_says(decibels: float) -> None:
    clean = tone(2.0)
    added = Variant(noise=decibels).of(clean, "key") - clean
    ratio = 20 * np.log10(np.std(clean) / np.std(added))
    assert ratio == pytest.approx(decibels, abs=0.2)


def test_noise_depends_on_seed_and_recording_and_on_nothing_else() -> None:
    clean = tone(0.5)
    first = Variant(noise=15, seed=1).of(clean, "a")
    np.testing.assert_array_equal(first, Variant(noise=15, seed=1).of(clean, "a"))
    for other in (Variant(noise=15, seed=2).of(clean, "a"), Variant(noise=15, seed=1).of(clean, "b")):
        assert np.abs(first - other).max() > 1e-3


def test_as_recorded_changes_nothing() -> None:
    clean = tone(0.5)
    np.testing.assert_array_equal(Variant().of(clean, "a"), clean)


def test_a_speed_that_is_no_speech_any_more_is_refused() -> None:
    with pytest.raises(PrcEmoError, match=r"Expected a speed from 0\.5 to 2 \(1 is as recorded\), got 0"):
        Variant(speed=0)


def test_the_tests_hear_with_the_library_that_users_have() -> None:
    assert {"WAV", "FLAC", "OGG", "MP3"} <= soundfile.available_formats().keys()
