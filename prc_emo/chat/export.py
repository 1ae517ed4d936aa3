"""A session as files that `prc-emo read` and `prc-emo data read jsonl` take: a line of JSONL, its recordings beside it.

What was recognised stands beside the turns as `recognised`, not as `emotion`, which is what people annotated.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

from prc_emo import files
from prc_emo.chat.recordings import suffix_of
from prc_emo.chat.session import Session
from prc_emo.chat.turn import Turn
from prc_emo.errors import PrcEmoError


def export(session: Session, path: Path) -> Path | None:
    """Writes the session, and its recordings into the folder NAME-recordings beside it, which is returned where there is one.

    Raises:
        PrcEmoError: Nothing was said yet, or that folder is there already.
    """
    turns, folder = session.turns, path.with_name(f"{path.stem}-recordings")
    line, recorded = line_of(session, turns, session.id, folder.name), _recorded(turns)
    if recorded and os.path.exists(folder):  # noqa: PTH110  a Path raises for a name that is too long
        raise PrcEmoError(f"{folder} is there already, for recordings. Name another file.")
    for name, recording in recorded.items():
        files.write_bytes(folder / name, recording.read_bytes())
    files.write_text(path, line)
    return folder if recorded else None


def packed(session: Session, name: str) -> tuple[str, bytes]:
    """A file of that name for somebody who takes it away: JSONL, or a zip of JSONL and recordings where there are some.

    Raises:
        PrcEmoError: Nothing was said yet.
    """
    turns, folder = session.turns, f"{name}-recordings"
    line, recorded = line_of(session, turns, name, folder), _recorded(turns)
    if not recorded:
        return f"{name}.jsonl", line.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(f"{name}.jsonl", line)
        for recording, path in recorded.items():
            file.write(path, f"{folder}/{recording}")
    return f"{name}.zip", packed.getvalue()


def line_of(session: Session, turns: Iterable[Turn], id: str, folder: str) -> str:
    """The line, for a session that is called `id` there and has its recordings in `folder`."""
    rows = []
    for turn in turns:
        row: dict[str, object] = {"speaker": turn.speaker, "text": turn.text}
        if name := _name(turn):
            row["audio"] = f"{folder}/{name}"
        if turn.by:
            row["reply"] = turn.by
        if turn.reading:
            row["recognised"] = turn.reading.label
            row["probabilities"] = dict(turn.reading.probabilities)
        rows.append(row)
    if not rows:
        raise PrcEmoError("Nothing was said yet.")
    talk = {"id": id, "recognizer": session.reader.name, "turns": rows}
    return json.dumps(talk, ensure_ascii=False) + "\n"


def _name(turn: Turn) -> str:
    """What a turn's recording is called: its number, from 1; empty where there is none."""
    return f"{turn.number + 1}{suffix_of(turn.audio)}" if turn.audio and turn.audio.is_file() else ""


def _recorded(turns: Iterable[Turn]) -> dict[str, Path]:
    return {name: turn.audio for turn in turns if turn.audio and (name := _name(turn))}
