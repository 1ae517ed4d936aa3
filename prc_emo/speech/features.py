"""Features that somebody else computed, such as emotion2vec or eGeMAPS: arrays by utterance id. Never reads a pickle.

Knows a folder with one `.npy` per utterance, `FOLDER/{id}.npy` (an id with slashes is a path), and one `.safetensors` whose
keys are the ids. A vector for a whole utterance is one frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Self

import numpy as np

from prc_emo.conversation import Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.files import sha256
from prc_emo.speech.heard import Array, Heard, Lazily, Unheard, length, refuse


@dataclass(frozen=True)
class Features:
    """A `Source` of frames (T, D), or (L, T, D), read from files when they are asked for."""

    path: Path
    width: int
    layers: int | None
    strict: bool = False

    @classmethod
    def read(cls, path: Path, *, strict: bool = False) -> Self:
        """Features of a folder or a file; width and layers are those of the first array.

        Args:
            path: The folder or the `.safetensors` file.
            strict: Raise where an utterance has no features.

        Raises:
            PrcEmoError: It is not there, is something else, or holds no array.
        """
        if not path.is_dir() and not (path.is_file() and path.suffix == ".safetensors"):
            raise PrcEmoError(f"{path}: expected a folder with .npy files, or a .safetensors file.")
        first = cls(path, 0, None)._first()
        if isinstance(first, Unheard):
            raise PrcEmoError(f"{path}: expected arrays of numbers, but the first is {first.detail}.")
        return cls(path, first.shape[-1], len(first) if first.ndim == 3 else None, strict)

    @property
    def id(self) -> str:
        layers = f"{self.layers} layers, " if self.layers else ""
        return f"features {self.path.name}, {layers}width {self.width}"

    def of(self, utterances: Sequence[Utterance]) -> Heard:
        """The features of each utterance; one without an array is `no features`.

        Raises:
            PrcEmoError: An array has another width or number of layers than the first; or, being strict, one is not there.
        """
        lengths: dict[str, int] = {}
        contents: dict[str, str] = {}
        unheard: dict[str, Unheard] = {}
        for utterance in utterances:
            found = self._load(utterance.id)
            if not isinstance(found, Unheard):
                lengths[utterance.id] = length(found)
                contents[utterance.id] = sha256(found.tobytes())
                continue
            unheard[utterance.id] = found
            if self.strict:
                raise refuse(utterance, found)
        return Heard(Lazily(lengths, self._again), unheard, contents=contents)

    def _again(self, id: str) -> Array:
        found = self._load(id)
        if isinstance(found, Unheard):
            raise PrcEmoError(
                f"{self.path}: the features of {id} are gone or damaged since they were looked up."
            )
        return found

    def _load(self, id: str) -> Array | Unheard:
        found = self._raw(id)
        if isinstance(found, Unheard):
            return found
        layers = len(found) if found.ndim == 3 else None
        if (found.shape[-1], layers) != (self.width, self.layers):
            raise PrcEmoError(
                f"{self.path}: expected frames of width {self.width} for {id}, as the first has, got an array of {found.shape}."
            )
        if not np.isfinite(found).all():
            return Unheard("not finite", "NaN or infinite values")
        return found

    def _raw(self, id: str) -> Array | Unheard:
        """The array as frames of float32, whatever its width."""
        try:
            if self.path.is_dir():
                place = PurePosixPath(f"{id}.npy")
                if place.is_absolute() or ".." in place.parts or not (self.path / place).is_file():
                    return Unheard("no features", f"no {place}")
                found: Any = np.load(self.path / place, allow_pickle=False)
            elif id in self._keys:
                found = self._open.get_tensor(id)
            else:
                return Unheard("no features", "no such key")
            found = np.atleast_2d(np.asarray(found, dtype=np.float32))
        except (OSError, ValueError, TypeError) as error:
            return Unheard("corrupt", f"no array of numbers ({str(error).splitlines()[0]})")
        if found.ndim > 3 or 0 in found.shape:
            return Unheard("corrupt", f"an array of shape {found.shape}")
        return found

    def _first(self) -> Array | Unheard:
        if self.path.is_dir():
            files = (file.relative_to(self.path) for file in self.path.rglob("*.npy"))
            ids = [file.with_suffix("").as_posix() for file in files]
        else:
            ids = sorted(self._keys)
        if not ids:
            raise PrcEmoError(f"{self.path}: there is no array in it.")
        return self._raw(min(ids))

    @cached_property
    def _open(self) -> Any:
        from safetensors import SafetensorError, safe_open

        try:
            return safe_open(self.path, framework="np")
        except (SafetensorError, OSError) as error:
            raise PrcEmoError(f"{self.path}: not a readable safetensors file ({error}).") from None

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(self._open.keys())
