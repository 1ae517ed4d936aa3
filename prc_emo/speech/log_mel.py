"""Log-mel energies with pitch: what a voice does with loudness, timbre and melody, without any weights. The default.

Knows numpy and samples only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from prc_emo.errors import PrcEmoError
from prc_emo.speech.audio import RATE, Samples

Array = NDArray[np.float32]
Normalise = Literal["recorded", "utterance"]

VERSION = 1  # raise it with any change of what comes out: features kept under the old one are then made again
WINDOW, STEP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms
FLOOR = 1e-8  # below what 16 bit can hold, so that digital silence is not infinitely far from a quiet room
LOUD, SCALE = -20.0, 20.0  # dB: what becomes 0, and what becomes 1
LOWEST, HIGHEST = 60.0, 7600.0  # Hz, of the bands
PITCH_WINDOW, PITCH_FFT = 640, 1024  # 40 ms: two periods of 50 Hz; no period wraps around
PITCH = (65.0, 500.0)  # Hz
OCTAVE_COST = 0.03


@dataclass(frozen=True, slots=True)
class LogMel:
    """Frames (T, D) of `stack` steps of 10 ms, D = stack x (bands + 2), or stack x bands without pitch.

    A frame is its steps one after the other, each with its bands from low to high, then pitch (octaves above 150 Hz, as
    far as there is voice) and voicing (0 to 1). An utterance's frames come from its own samples only.

    >>> LogMel(bands=40, stack=3).width, LogMel(stack=4).frames_per_second
    (126, 25.0)

    Attributes:
        trim: Steps before and after the speech, this many dB below the loudest step, are left out; None keeps all.
        normalise: `utterance` gives each band of each utterance mean 0 and deviation 1, so that neither the recording's level
            nor the speaker's timbre is heard, but what the voice does; pitch and voicing stay as they are. `recorded` keeps
            levels, scaled by fixed numbers.
    """

    bands: int = 40
    stack: int = 4
    pitch: bool = True
    trim: float | None = 40.0
    normalise: Normalise = "utterance"

    def __post_init__(self) -> None:
        if self.stack < 1:
            raise PrcEmoError(f"log_mel: expected to stack 1 step or more, got {self.stack}.")
        if not 1 <= self.bands <= 100:  # with more, the lowest are narrower than the spectrum is fine
            raise PrcEmoError(f"log_mel: expected 1 to 100 bands, got {self.bands}.")
        if self.normalise not in get_args(Normalise):
            raise PrcEmoError(
                f"log_mel: expected normalise to be {' or '.join(get_args(Normalise))}, got {self.normalise!r}."
            )

    @property
    def id(self) -> str:
        parts = [f"log_mel {VERSION}", f"{self.bands} bands", f"stack {self.stack}"]
        parts += ["pitch"] if self.pitch else []
        parts += [f"trim {self.trim:g} dB"] if self.trim is not None else []
        return ", ".join([*parts, self.normalise])

    @property
    def width(self) -> int:
        return self.stack * (self.bands + 2 * self.pitch)

    @property
    def layers(self) -> None:
        return None

    @property
    def frames_per_second(self) -> float:
        return RATE / STEP / self.stack

    def __call__(self, waves: Sequence[Samples]) -> list[Array]:
        """Each (N,) at 16 kHz becomes (T, D)."""
        return [self._frames(wave) for wave in waves]

    def _frames(self, wave: Samples) -> Array:
        wave = np.pad(wave, (0, max(0, WINDOW - len(wave))))
        power = np.square(np.abs(_spectrum(wave, WINDOW, FFT))) @ filterbank(self.bands)  # (T, bands)
        steps = 10 * np.log10(power + FLOOR)  # dB
        speech = slice(None) if self.trim is None else _speech(power, self.trim)
        steps = (steps[speech] - LOUD) / SCALE
        if self.normalise == "utterance":
            steps = (steps - steps.mean(axis=0)) / (steps.std(axis=0) + 1e-3)
        if self.pitch:
            steps = np.concatenate([steps, melody(wave, len(power))[speech]], axis=1)  # (T, bands + 2)
        steps = np.pad(steps, ((0, -len(steps) % self.stack), (0, 0)), mode="edge")
        return np.ascontiguousarray(steps.reshape(-1, self.width), dtype=np.float32)


def melody(wave: Samples, steps: int) -> Array:
    """Pitch and voicing (steps, 2): the highest peak of each step's autocorrelation."""
    from scipy.fft import irfft

    around = PITCH_WINDOW - WINDOW  # so that step t has the same middle as its spectrum
    spectrum = _spectrum(np.pad(wave, (around // 2, around // 2)), PITCH_WINDOW, PITCH_FFT)[:steps]
    shortest, longest = int(RATE / PITCH[1]), int(RATE / PITCH[0])
    similar = irfft(np.square(np.abs(spectrum)))[:, : longest + 1]  # (T, lags)
    similar = similar / (similar[:, :1] + 1e-6) / _overlap()[: longest + 1]
    # twice a period is a period as well: of nearly equal peaks the shorter one is meant
    favour = similar - OCTAVE_COST * np.log2(np.arange(longest + 1).clip(1) / shortest)
    lag = shortest + favour[:, shortest:].argmax(axis=1)
    voicing = np.clip(similar[np.arange(len(similar)), lag], 0, 1)
    octaves = np.log2(RATE / lag / 150)
    return np.stack([octaves * voicing**2, voicing], axis=1).astype(np.float32)


@lru_cache
def filterbank(bands: int) -> Array:
    """Triangles evenly spaced on the mel scale: (FFT / 2 + 1, bands)."""
    lowest, highest = (2595 * math.log10(1 + hertz / 700) for hertz in (LOWEST, HIGHEST))
    mels = np.linspace(lowest, highest, bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    hertz = np.arange(FFT // 2 + 1)[:, None] * RATE / FFT
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _spectrum(wave: Samples, window: int, fft: int) -> NDArray[np.complex64]:
    from scipy.fft import rfft  # numpy's is double precision

    windows = sliding_window_view(wave, window)[::STEP]
    return rfft((windows - windows.mean(axis=1, keepdims=True)) * _hann(window), fft)


@lru_cache
def _hann(window: int) -> Array:
    return np.hanning(window).astype(np.float32)


@lru_cache
def _overlap() -> Array:
    """How much of a window is left under itself, lag by lag; without it, low voices would seem to have no pitch."""
    own = np.fft.irfft(np.square(np.abs(np.fft.rfft(_hann(PITCH_WINDOW), PITCH_FFT))))
    return (own / own[0]).astype(np.float32)


def _speech(power: Array, below: float) -> slice:
    loudness = 10 * np.log10(power.sum(axis=1) + FLOOR)
    heard = np.flatnonzero(loudness >= loudness.max() - below)
    return slice(heard[0], heard[-1] + 1)
