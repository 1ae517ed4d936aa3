"""Sessions in one SQLite file, and their recordings in a folder beside it. Each change is committed when `keep` returns; what
is deleted is no longer there.

Killing the process loses nothing that was kept. The file belongs to its user alone, and knows the version of its form.
"""

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prc_emo.chat.turn import Reading, Turn
from prc_emo.errors import PrcEmoError
from prc_emo.files import sha256

_VERSION = 2
_MARK = 0x50524345  # "PRCE": tells our file from any other SQLite file
_FORM = """
CREATE TABLE session (
    id TEXT PRIMARY KEY, began TEXT NOT NULL, changed TEXT NOT NULL,
    reader TEXT NOT NULL, labels TEXT NOT NULL, revision INTEGER NOT NULL
) STRICT;
CREATE TABLE turn (
    session TEXT NOT NULL REFERENCES session ON DELETE CASCADE, number INTEGER NOT NULL,
    speaker TEXT NOT NULL, said TEXT NOT NULL, made_by TEXT NOT NULL, reading TEXT, audio TEXT,
    PRIMARY KEY (session, number)
) STRICT, WITHOUT ROWID;
"""
_RENEWED = {1: "ALTER TABLE turn ADD COLUMN audio TEXT"}  # from this version to the next
_ABANDONED = 3600  # seconds after which a recording that no turn has is one that a killed process left


class ArchiveError(PrcEmoError):
    """What was said could not be kept; it is in memory, and the next change tries again."""


class OutOfDateError(ArchiveError):
    """The session was deleted or continued elsewhere."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as a list shows it."""

    id: str
    began: datetime
    changed: datetime
    reader: str
    labels: tuple[str, ...]
    revision: int
    turns: int
    opening: str  # the first words


class Archive:
    """The sessions in a file, which is made where there is none. Threads and processes may share it.

    Attributes:
        path: The file. Recordings lie in the folder `PATH-recordings`, in one folder for each session.

    Raises:
        PrcEmoError: The file is another program's or another version's, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # SQLite gives its journals the rights of the file
            self._base = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
            for pragma in (
                "secure_delete=ON",
                "temp_store=MEMORY",  # no text in temporary files
                "journal_mode=WAL",
                "synchronous=NORMAL",  # a killed process loses nothing; a power cut may lose the last second
                "foreign_keys=ON",
            ):
                self._base.execute(f"PRAGMA {pragma}")
            self._check_form()
            self._sweep()
        except (OSError, sqlite3.Error) as error:
            raise PrcEmoError(
                f"{path}: expected a file of sessions, or a place for one ({_reason(error)}). Name another file."
            ) from None

    def keep(
        self,
        id: str,
        revision: int,
        turns: Sequence[Turn],
        *,
        first: int,
        reader: str,
        labels: tuple[str, ...],
    ) -> int:
        """From turn `first` on, the session `id` is `turns`; returns its new revision.

        Args:
            revision: That of the last `keep` or `load`; 0 for a session that was never kept.

        Raises:
            OutOfDateError: The session is not at that revision any more.
            ArchiveError: The disk is full, or may not be written to.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._change(ArchiveError) as base:
            if revision == 0:
                row = (id, now, now, reader, json.dumps(labels), 1)
                changed = base.execute("INSERT OR IGNORE INTO session VALUES (?, ?, ?, ?, ?, ?)", row)
            else:
                changed = base.execute(
                    "UPDATE session SET revision = revision + 1, changed = ?, reader = ? WHERE id = ? AND revision = ?",
                    (now, reader, id, revision),
                )
            if changed.rowcount != 1:
                raise OutOfDateError(
                    f"Session {id} was deleted or continued elsewhere. This one goes on in memory only; export it to keep it."
                )
            base.execute("DELETE FROM turn WHERE session = ? AND number >= ?", (id, first))
            base.executemany(
                "INSERT INTO turn VALUES (?, ?, ?, ?, ?, ?, ?)", (_row(id, turn) for turn in turns)
            )
        return revision + 1

    def recordings(self, id: str) -> Path:
        """Where the recordings of a session lie; its id, which is a key for who knows it, is not in the name."""
        return self._recordings / sha256(id.encode())[:32]

    def load(self, id: str) -> tuple[Kept, list[Turn]]:
        """A session with its turns.

        Raises:
            PrcEmoError: There is none of that id.
        """
        with self._change(PrcEmoError) as base:  # in one transaction, so that both are of one moment
            kept = {one.id: one for one in self._list(base, id)}
            if id not in kept:
                # no "did you mean": on a server, an id is the key to somebody else's conversation
                raise PrcEmoError(f"There is no session {id!r} in {self.path}.")
            rows = base.execute("SELECT * FROM turn WHERE session = ? ORDER BY number", (id,)).fetchall()
        return kept[id], [
            Turn(
                number,
                speaker,
                said,
                by,
                None if reading is None else Reading.from_json(json.loads(reading)),
                None if audio is None else self.recordings(id) / audio,
            )
            for _, number, speaker, said, by, reading, audio in rows
        ]

    def list(self, ids: Collection[str] | None = None) -> "list[Kept]":
        """The sessions of these ids that there are, or all; those that changed last first."""
        with self._change(PrcEmoError) as base:
            if ids is None:
                return list(self._list(base))
            found = [kept for id in set(ids) for kept in self._list(base, id)]
        return sorted(found, key=lambda kept: kept.changed, reverse=True)

    def delete(self, id: str) -> None:
        """Deletes a session for good: its words are in no part of the file any more, and its recordings are gone.

        Raises:
            PrcEmoError: There is none of that id, or something else is using the file, which keeps old words in it.
        """
        with self._turn:
            with self._change(PrcEmoError) as base:
                if base.execute("DELETE FROM session WHERE id = ?", (id,)).rowcount != 1:
                    raise PrcEmoError(f"There is no session {id!r} in {self.path}.")
            shutil.rmtree(self.recordings(id), ignore_errors=True)
            if self.recordings(id).exists():
                raise PrcEmoError(
                    f"Session {id} is deleted, but {self.recordings(id)} with its recordings cannot be. Delete it by hand."
                )
            try:
                # secure_delete clears cells and pages, but not what SQLite moved within a page: so all is written anew
                self._base.execute("VACUUM")
                busy = self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.Error as error:
                busy = _reason(error)
            if busy:
                raise PrcEmoError(
                    f"Session {id} is deleted, but its words may still be in {self.path}, which something else is using "
                    f"or which cannot be written anew ({busy}). Close the other programs, make room, and delete any "
                    "other session, or the whole file."
                )

    def close(self) -> None:
        with self._turn, suppress(sqlite3.Error):
            self._base.close()

    def _check_form(self) -> None:
        with self._change(PrcEmoError) as base:
            mark, version = (
                base.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            empty = base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if mark == 0 and empty:
                for statement in _FORM.split(";\n"):
                    base.execute(statement)
                base.execute(f"PRAGMA application_id = {_MARK}")
                base.execute(f"PRAGMA user_version = {_VERSION}")
            elif mark != _MARK:
                raise PrcEmoError(f"{self.path} is a database of another program. Name another file.")
            else:
                while version in _RENEWED:
                    base.execute(_RENEWED[version])
                    version += 1
                    base.execute(f"PRAGMA user_version = {version}")
                if version != _VERSION:
                    raise PrcEmoError(
                        f"{self.path}: its form is version {version}, and this prc-emo knows version {_VERSION}. Take the "
                        "version that wrote it, or name another file."
                    )

    def _sweep(self) -> None:
        """Removes recordings that no turn has; a young one may be about to get its turn."""
        with self._change(PrcEmoError) as base:
            rows = base.execute("SELECT session, audio FROM turn WHERE audio IS NOT NULL").fetchall()
        for file in {*self._recordings.glob("*/*")} - {self.recordings(id) / name for id, name in rows}:
            with suppress(FileNotFoundError):  # somebody else was quicker
                if time.time() - file.stat().st_mtime > _ABANDONED:
                    file.unlink()

    @property
    def _recordings(self) -> Path:
        return self.path.with_name(f"{self.path.name}-recordings")

    def _list(self, base: sqlite3.Connection, id: str | None = None) -> Iterator[Kept]:
        rows = base.execute(
            """SELECT id, began, changed, reader, labels, revision,
                   (SELECT count(*) FROM turn WHERE session = id),
                   (SELECT said FROM turn WHERE session = id AND number = 0)
            FROM session WHERE ?1 IS NULL OR id = ?1 ORDER BY changed DESC, rowid DESC""",
            (id,),
        )
        for id_, began, changed, reader, labels, revision, turns, opening in rows:
            times = datetime.fromisoformat(began), datetime.fromisoformat(changed)
            yield Kept(id_, *times, reader, tuple(json.loads(labels)), revision, turns, opening or "")

    @contextmanager
    def _change(self, kind: type[PrcEmoError]) -> Iterator[sqlite3.Connection]:
        """A transaction, whole or not at all."""
        with self._turn:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                try:
                    yield self._base
                    self._base.execute("COMMIT")
                except BaseException:
                    if self._base.in_transaction:
                        self._base.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise kind(f"{self.path}: {_reason(error)}. {_advice(kind)}".strip()) from None


def _row(id: str, turn: Turn) -> tuple[object, ...]:
    reading = None if turn.reading is None else json.dumps(turn.reading.to_json(), ensure_ascii=False)
    audio = turn.audio.name if turn.audio is not None else None
    return id, turn.number, turn.speaker, turn.text, turn.by, reading, audio


def _advice(kind: type[PrcEmoError]) -> str:
    if kind is not ArchiveError:
        return ""
    return "The session goes on in memory; what is missing is kept with the next turn, once that works again."


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
