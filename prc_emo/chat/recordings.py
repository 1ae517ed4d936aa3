"""The recordings of one session's turns: copies of its own in one folder, which only their user may read.

Knows files and sizes; what can be heard of them is for the recognizer.
"""

import secrets
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from prc_emo import files
from prc_emo.corpora.recordings import SUFFIXES
from prc_emo.errors import PrcEmoError

MOST = 25_000_000  # bytes of a recording: two minutes and more, as a studio would keep it


class Recordings:
    """Takes copies, and drops them again.

    Args:
        folder: Where they lie; None is a temporary place, which goes with this object.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._given = folder
        self._temporary: TemporaryDirectory[str] | None = None

    @cached_property
    def folder(self) -> Path:
        if self._given is not None:
            return self._given
        self._temporary = TemporaryDirectory(prefix="prc-emo-")
        return Path(self._temporary.name)

    def take(self, recording: Path) -> Path:
        """Copies a recording, whatever it holds; returns the copy's path.

        Raises:
            PrcEmoError: There is no such file, it is too large, or there is no room for it.
        """
        try:
            if not recording.is_file():
                raise PrcEmoError(f"{recording.name}: expected a recording, found no such file.")
            if (size := recording.stat().st_size) > MOST:
                raise PrcEmoError(
                    f"{recording.name}: expected a recording of at most {MOST // 1_000_000} MB, got {size / 1e6:.0f} MB. Cut it "
                    "to what was said, or save it as mp3."
                )
            data = recording.read_bytes()
        except OSError as error:
            raise PrcEmoError(f"{recording.name}: cannot be read ({error.strerror}).") from None
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        copy = self.folder / f"{secrets.token_hex(8)}{suffix_of(recording)}"
        files.write_bytes(copy, data)
        return copy

    def drop(self, recording: Path) -> None:
        """Removes a copy; one that lies elsewhere is somebody else's and stays."""
        if recording.parent == self.folder:
            recording.unlink(missing_ok=True)


def suffix_of(recording: Path) -> str:
    """A recording's suffix, where it is that of a form we know; what a file holds is told from its first bytes anyway."""
    suffix = recording.suffix.lower()
    return suffix if suffix in SUFFIXES else ""
