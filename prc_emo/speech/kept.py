"""Features on disk, each in a file of its own that is named by the content of its recording. Knows no encoder.

One safetensors file holds the frames of one recording, or the reason why nothing is heard of it, with a checksum. It is
written under another name and renamed, so that a process that is killed, or two at once, leave whole files only; one that
is damaged later is as good as none and is made again.
"""

import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from prc_emo import files
from prc_emo.errors import PrcEmoError
from prc_emo.speech.heard import Array, Reason, Unheard

Precision = Literal["float32", "float16"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a recording: frames, or why there are none; and whether it was cut."""

    frames: Array | None
    why: Unheard | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """The features of one encoder, one variant and one set of limits; `root` may hold many of them.

    Args:
        made_by: All that decides what the frames are; another text is another folder.
        precision: float16 takes half the room.
    """

    root: Path
    made_by: str
    precision: Precision = "float32"

    @property
    def folder(self) -> Path:
        name = re.sub(r"[^A-Za-z0-9.]+", "-", self.made_by).strip("-")[:60]
        return self.root / f"{name}-{files.fingerprint((self.made_by, self.precision))}"

    def path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.safetensors"

    def write(self, key: str, entry: Entry) -> None:
        """Keeps an entry.

        Raises:
            PrcEmoError: A number is not finite, or is too large for float16; or the folder cannot be written.
        """
        from safetensors.numpy import save

        # always one array, of no frames where nothing is heard, so that there is one form to check
        frames = np.zeros((0, 0)) if entry.frames is None else entry.frames
        stored = in_precision(frames, self.precision, self.made_by)
        about = {
            "crc": zlib.crc32(stored.tobytes()),
            "cut": entry.cut,
            "reason": entry.why.reason if entry.why else None,
            "detail": entry.why.detail if entry.why else "",
        }
        data = save({"frames": stored}, {"about": json.dumps(about)})
        try:
            files.write_bytes(self.path(key), data, lasting=False)
        except PrcEmoError as error:
            raise PrcEmoError(
                f"{error} What is heard is kept there: let $PRC_EMO_CACHE name a folder that can be written, with room for it."
            ) from error

    def read(self, key: str) -> Entry | None:
        """What is kept, or None where nothing is, or nothing sound."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path(key), framework="np") as file:
                stored = file.get_tensor("frames")
                about: dict[str, Any] = json.loads((file.metadata() or {})["about"])
            if about["crc"] != zlib.crc32(stored.tobytes()):
                return None
            if about["reason"] is not None:
                return Entry(None, _unheard(about))
        except (SafetensorError, OSError, ValueError, KeyError, TypeError):
            return None
        return Entry(stored.astype(np.float32), cut=bool(about["cut"]))

    def frames(self, key: str) -> Array:
        """The frames of a recording that was sound a moment ago."""
        entry = self.read(key)
        if entry is None or entry.frames is None:
            raise PrcEmoError(
                f"{self.path(key)}: the features are gone or damaged since they were looked up. Start again; they are made anew."
            )
        return entry.frames


def in_precision(frames: Array, precision: Precision, made_by: str) -> Array:
    """Frames as they are kept.

    Raises:
        PrcEmoError: A number is not finite, or is too large for float16.
    """
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(frames, dtype=precision)
    if not np.isfinite(stored).all():
        raise PrcEmoError(
            f"{made_by}: frames that are not finite as {precision}. Keep them as float32, or look at the encoder."
        )
    return stored


def _unheard(about: dict[str, Any]) -> Unheard:
    if about["reason"] not in get_args(Reason):
        raise ValueError(about["reason"])
    return Unheard(about["reason"], str(about["detail"]))
