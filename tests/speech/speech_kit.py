"""Sounds that the tests of this folder write themselves."""

from pathlib import Path

import numpy as np
import soundfile

from prc_emo.conversation import Utterance

RATE = 16_000


def tone(seconds: float = 1.0, hertz: float = 220.0, rate: int = RATE, level: float = 0.3) -> np.ndarray:
    """A voice-like tone with ten overtones, in float32."""
    time = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 11) if hertz * k < rate / 2)
    return (level * sound / np.abs(sound).max()).astype(np.float32)


def noise(seconds: float = 1.0, seed: int = 0, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate: int = RATE, **form: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **form)
    return path


def said(id: str, audio: Path | None = None) -> Utterance:
    return Utterance(id, speaker="Ada", text="Hm.", audio=audio)
