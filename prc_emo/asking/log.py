"""Everything that was ever answered, one JSON line each, written the moment it comes. Lines are only added.

Whatever was paid for is here, usable or not; so a work that was interrupted asks nothing twice. Half a line, which a kill
can leave at the end, is cut off when the log is opened again; who only reads the log ignores it, since another process may
be writing it just now.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from prc_emo.errors import PrcEmoError

Status = Literal["usable", "unusable", "failed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What came back for a question.

    Attributes:
        key: Of the question.
        about: What it was about.
        status: `usable`; `unusable`, with the reason; `failed`, where no answer came at all.
        answer: What was read out of the reply, where it is usable.
        text: The reply as it was written, where it is not.
        tokens: Of the question and of the answer, as the server counts them, or an estimate.
    """

    key: str
    about: tuple[str, ...]
    model: str
    template: str
    status: Status
    answer: dict[str, Any] | None = None
    text: str | None = None
    reason: str | None = None
    tokens: tuple[int, int] = (0, 0)


def read_entries(path: Path, take: Callable[[Entry], None]) -> int:
    """Gives `take` every entry of a log, up to a last line that is not finished. Needs no lock.

    Returns:
        How many bytes the whole lines have.

    Raises:
        PrcEmoError: A line is no entry, or none that `take` can use; the message has its number.
    """
    whole = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            try:
                row: dict[str, Any] = json.loads(line)
                entry = Entry(**{**row, "about": tuple(row["about"]), "tokens": tuple(row["tokens"])})
                if entry.status == "usable" and not isinstance(entry.answer, dict):
                    raise ValueError("its answer is no object")
                take(entry)
            except (ValueError, TypeError, LookupError) as error:
                raise PrcEmoError(
                    f"{path}, line {number}: expected an entry of this log, but it cannot be read ({error}). Remove the "
                    "line; what it answered is asked again."
                ) from None
    return whole


class AnswerLog:
    """The log of a folder, open for adding. One process at a time: a second one is refused.

    Raises:
        PrcEmoError: A line is no entry (the message has its number), or another process has it open.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = FileLock(path.with_suffix(".lock"), timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise PrcEmoError(
                f"{path} is being written by another process. Wait for it, or choose another folder."
            ) from None
        self.usable: dict[str, Entry] = {}
        self.unusable: dict[str, list[Entry]] = {}
        self.failed: dict[str, str] = {}
        self.tokens = [0, 0]
        self._file = path.open("ab")
        try:
            self._file.truncate(read_entries(path, self._take))
        except PrcEmoError:
            self._file.close()
            self._lock.release()
            raise

    def add(self, entry: Entry) -> None:
        """Writes an entry; it is on its way to the disk when this returns, and survives a kill."""
        self._file.write((json.dumps(asdict(entry), ensure_ascii=False) + "\n").encode())
        self._file.flush()
        self._take(entry)

    def close(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()
        self._lock.release()

    def _take(self, entry: Entry) -> None:
        self.tokens = [self.tokens[0] + entry.tokens[0], self.tokens[1] + entry.tokens[1]]
        if entry.status == "usable":
            self.usable[entry.key] = entry
        elif entry.status == "unusable":
            self.unusable.setdefault(entry.key, []).append(entry)
        else:
            self.failed[entry.key] = entry.reason or ""
        if entry.status != "failed":
            self.failed.pop(entry.key, None)
