"""Writing and reading files so that no half file is ever read: a temporary name first, then a rename."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from prc_emo.errors import PrcEmoError


def write_bytes(path: Path, data: bytes, *, lasting: bool = True) -> None:
    """Writes the whole file or, when the disk is full or the process is killed, leaves the old one as it was.

    Args:
        lasting: Wait until the disk has it, which takes milliseconds. Without, a power cut may leave a damaged file: for
            what has a checksum and can be made again.

    Raises:
        PrcEmoError: The disk is full, or may not be written to.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise PrcEmoError(
                f"{path}: cannot be written ({error.strerror}). An older file of that name is as it was."
            ) from error
        raise


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_jsonl(path: Path, rows: Iterable[Any]) -> None:
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_text(path: Path) -> str:
    """UTF-8 text; anything else is an error that names the byte.

    Raises:
        PrcEmoError: The file is missing or is not UTF-8.
    """
    try:
        return decode(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise PrcEmoError(f"{path}: no such file.") from None


def decode(data: bytes, name: str) -> str:
    """The text of a file, or of what else `name` says, with or without a byte order mark.

    Raises:
        PrcEmoError: It is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PrcEmoError(
            f"{name}: expected UTF-8 text, but byte {error.start} is not ({error.reason}). "
            "Convert it, for example with iconv -f windows-1252 -t utf-8."
        ) from None


def read_json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise PrcEmoError(f"{path}, line {error.lineno}: not valid JSON ({error.msg}).") from None
    except RecursionError as error:  # thousands of brackets
        raise PrcEmoError(f"{path}: not readable as JSON ({error}).") from None


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file, an empty one where there is no file.

    Raises:
        PrcEmoError: The file holds something else.
    """
    value = read_json(path) if path.is_file() else {}
    if not isinstance(value, dict):
        raise PrcEmoError(f"{path}: expected a JSON object, got {type(value).__name__}.")
    return value


def read_jsonl(path: Path) -> Iterator[tuple[int, Any]]:
    """Yields line number (from 1) and value; empty lines are passed over.

    Raises:
        PrcEmoError: A line is not JSON; the message has its number.
    """
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            raise PrcEmoError(f"{path}, line {number}: not valid JSON ({error.msg}).") from None


def fingerprint(value: object) -> str:
    """A short hash of a value by its `repr`; lists and tuples one element at a time, since they may hold millions."""
    digest = hashlib.sha256()
    for part in value if isinstance(value, list | tuple) else [value]:
        digest.update(repr(part).encode())
    return digest.hexdigest()[:16]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_address(text: str) -> bool:
    """Whether a text names something on the net, or by a scheme, rather than a file; `C:` is a drive."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:|[/\\]{2}", text) is not None
