"""A recording as the encoders want it: one channel, 16 kHz, float32; or the reason why nothing can be heard.

Knows files and samples, no encoder. Whatever a file holds is an answer and never an exception, so that one broken clip
does not end a night's work; who wants it otherwise is `strict` one floor up, in `frames`.
"""

import hashlib
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prc_emo.errors import PrcEmoError
from prc_emo.files import is_address
from prc_emo.speech.heard import Unheard

RATE = 16_000
_UNKNOWN = 2**60  # frames: more than any file has, less than what stands for "not said"
MOST_SAMPLES = 20_000_000  # of all channels, in memory: a few bytes of silence can unpack to 255 channels

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sound:
    """What is heard: samples (N,) at 16 kHz, and whether the recording went on after them."""

    samples: Samples
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as the recording of one utterance; lengths in seconds.

    IEMOCAP has utterances of 34 s and MELD clips that run on for minutes, and both begin where they should: so what is
    longer than `heard` is cut. A file longer than `longest` is the recording of a whole conversation, given by mistake.

    Attributes:
        shortest: Below it there is no frame to hear anything in.
        silence: A recording whose loudest sample is below it (1 is full scale; 1e-4 is three steps of 16 bit) is empty.
    """

    shortest: float = 0.1
    heard: float = 30.0
    longest: float = 300.0
    silence: float = 1e-4


def listen(path: Path | str, limits: Limits | None = None) -> Sound | Unheard:
    """Reads wav, flac, mp3 or ogg; several channels become their mean, other rates are resampled.

    Levels stay as recorded, quiet recordings too; encoders that need a level set it themselves.

    Raises:
        PrcEmoError: The path is an address on the net, or the extra `speech` is not installed.
    """
    limits, path = limits or Limits(), Path(path)
    if why := unreadable(path):
        return why
    soundfile = _installed("soundfile")
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            # a stream that was never closed does not say how long it is
            seconds = file.frames / rate if file.frames < _UNKNOWN else limits.longest
            if seconds > limits.longest:
                return Unheard("too long", f"{seconds:.1f} s, expected at most {limits.longest:g} s")
            if (size := round(min(seconds, limits.heard) * rate) * file.channels) > MOST_SAMPLES:
                return Unheard("too long", f"{size:,} samples, expected at most {MOST_SAMPLES:,}")
            samples = file.read(round(limits.heard * rate), dtype="float32", always_2d=True).mean(axis=1)
            cut = bool(len(file.read(1)))
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError) as error:
        return Unheard("corrupt", str(getattr(error, "error_string", error)))
    if not len(samples):
        return Unheard("empty", "no samples")
    if len(samples) / rate < limits.shortest:
        return Unheard("too short", f"{len(samples) / rate:.2f} s, expected at least {limits.shortest:.2f} s")
    if odd := int((~np.isfinite(samples)).sum()):
        return Unheard("not finite", f"{odd} of {len(samples)} samples are NaN or infinite")
    if np.abs(samples).max() < limits.silence:
        return Unheard("silent", f"no sample reaches {limits.silence:g} of full scale")
    return Sound(resampled(samples, rate, RATE), cut=cut)


def seconds_in(path: Path, limits: Limits | None = None) -> float:
    """How much sound `listen` would hear in a file, as its head says; 0 where it would hear nothing."""
    soundfile, limits = _installed("soundfile"), limits or Limits()
    try:
        seconds = soundfile.info(path).duration
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError):
        return 0.0
    return 0.0 if seconds > limits.longest else min(seconds, limits.heard)


def unreadable(path: Path) -> Unheard | None:
    """What the file system alone says against a recording.

    Raises:
        PrcEmoError: The path is an address on the net.
    """
    if is_address(str(path)):
        raise PrcEmoError(
            f"{path} is an address; recordings are read from local files only. Download it first."
        )
    try:
        if not path.is_file():
            return Unheard("missing", "no such file")
        if not os.access(path, os.R_OK):
            return Unheard("corrupt", "may not be read")
        return None if path.stat().st_size else Unheard("empty", "0 bytes")
    except OSError as error:  # a name that is too long, a folder that may not be entered
        return Unheard("missing", str(error.strerror))


def resampled(samples: Samples, rate: float, to: float) -> Samples:
    """The same sound at another rate."""
    if rate == to:
        return samples
    return np.asarray(_installed("soxr").resample(samples, rate, to), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Variant:
    """A recording heard otherwise, to have more to train on: faster or slower, with noise; the same seed, the same noise.

    >>> Variant().id, Variant(speed=0.9, noise=15).id
    ('as recorded', 'speed 0.9, noise 15 dB (seed 0)')

    Attributes:
        speed: 1.1 is shorter and higher, as a tape that runs faster; 0.9 longer and lower.
        noise: White noise, this many dB below the recording (its signal-to-noise ratio); None adds none.
    """

    speed: float = 1.0
    noise: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.speed <= 2:
            raise PrcEmoError(f"Expected a speed from 0.5 to 2 (1 is as recorded), got {self.speed!r}.")

    @property
    def id(self) -> str:
        changes = [f"speed {self.speed:g}"] if self.speed != 1 else []
        changes += [f"noise {self.noise:g} dB (seed {self.seed})"] if self.noise is not None else []
        return ", ".join(changes) or "as recorded"

    def of(self, samples: Samples, key: str) -> Samples:
        """The variant of a sound.

        Args:
            samples: (N,), at 16 kHz.
            key: Tells this sound from others, so that each has noise of its own: the hash of its file.
        """
        changed = resampled(samples, RATE * self.speed, RATE)
        if self.noise is not None:
            seed = hashlib.sha256(f"{self.seed} {key}".encode()).digest()
            noise = np.random.default_rng(list(seed)).standard_normal(len(changed), dtype=np.float32)
            loudness = float(np.sqrt(np.mean(np.square(changed, dtype=np.float64))))
            changed = changed + noise * np.float32(loudness * 10 ** (-self.noise / 20))
        return changed


def _installed(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except (ImportError, OSError):  # OSError: the package is there, the library below it is not
        raise PrcEmoError(
            f"Recordings are read with {module}, which is not installed. Do `pip install 'prc-emo[speech]'`."
        ) from None
