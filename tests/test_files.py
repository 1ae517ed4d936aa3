"""A file is there whole or not at all, and what is wrong with one is told with its line."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prc_emo import files
from prc_emo.errors import PrcEmoError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(values, max_size=5))
def test_rows_read_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    """Also with U+2028 and other characters that some think end a line."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    files.write_jsonl(path, rows)
    assert list(files.read_jsonl(path)) == list(enumerate(rows, start=1))
    files.write_json(path, rows)
    assert files.read_json(path) == rows


def test_a_file_is_readable_by_others_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    files.write_text(path, "é\n")
    assert path.read_bytes() == b"\xc3\xa9\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in path.parent.iterdir()] == ["c.txt"]


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["mkstemp", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    files.write_text(path, "old")
    place = {"mkstemp": files.tempfile, "fsync": os, "replace": Path}[step]
    with monkeypatch.context() as patch:
        patch.setattr(place, step, full)
        with pytest.raises(PrcEmoError) as error:
            files.write_text(path, "new" * 1000)
    assert str(error.value) == (
        f"{path}: cannot be written (No space left on device). An older file of that name is as it was."
    )
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"report.json": "old"}


def test_the_words_of_a_row_that_cannot_be_written_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    files.write_jsonl(path, [1])
    with pytest.raises(TypeError):
        files.write_jsonl(path, [1, object()])
    assert path.read_text() == "1\n"


def test_ctrl_c_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    files.write_text(path, "old")
    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        files.write_text(path, "new")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"report.json": "old"}


def test_a_folder_that_may_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(
        PrcEmoError, match=r"runs/x\.json: cannot be written \((File exists|Not a directory)\)"
    ):
        files.write_text(tmp_path / "runs" / "x.json", "")


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert files.read_json(tmp_path / "a.json") == {"a": 1}


def test_text_in_another_encoding_is_told_with_its_byte(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Zoë".encode("cp1252"))
    with pytest.raises(
        PrcEmoError, match=r"a\.txt: expected UTF-8 text, but byte 2 is not .*iconv -f windows-1252"
    ):
        files.read_text(tmp_path / "a.txt")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PrcEmoError, match=r"none\.txt: no such file\."):
        files.read_text(tmp_path / "none.txt")


def test_a_broken_line_is_told_by_its_number_empty_lines_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n  \n{"a": \n')
    rows = files.read_jsonl(path)
    assert next(rows) == (1, {"a": 1})
    with pytest.raises(PrcEmoError, match=r"a\.jsonl, line 4: not valid JSON \(Expecting value\)"):
        next(rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{\n'a': 1}", "line 2: not valid JSON"), ("[" * 100_000, "not readable as JSON"), ("", "line 1: not valid JSON")],
)  # fmt: skip
def test_broken_json_is_told_whatever_breaks_it(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(PrcEmoError, match=message):
        files.read_json(tmp_path / "a.json")


def test_a_file_has_the_hash_of_its_bytes(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "a", b"abc")
    assert files.sha256_file(tmp_path / "a") == files.sha256(b"abc")
    assert files.sha256(b"abc").startswith("ba7816bf")  # FIPS 180-2, its first example
