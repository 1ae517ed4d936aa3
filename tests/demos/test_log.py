"""A log that is damaged says where, and can be read while it is being written."""

import json
from pathlib import Path
from typing import Any

import pytest

from prc_emo import PrcEmoError
from prc_emo.asking.log import AnswerLog, Entry, read_entries

GOOD = Entry("k1", ("topics", "a ferry"), "big", "x 1", "usable", answer={"topics": []}, tokens=(3, 4))
ROW = {"key": "k2", "about": ["a"], "model": "big", "template": "x 1", "status": "usable", "answer": {}}


def begun(path: Path) -> AnswerLog:
    log = AnswerLog(path)
    log.add(GOOD)
    return log


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": None},
        {"tokens": [None, None]},
        {"tokens": [1]},
        {"tokens": ["1", "2"]},
        {"key": ["k2"], "tokens": [1, 2]},
        {"answer": 3, "tokens": [1, 2]},
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    begun(tmp_path / "a.jsonl").close()
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write(json.dumps({**ROW, **change}) + "\n")
    for _ in range(2):  # the first refusal leaves no lock behind
        with pytest.raises(PrcEmoError, match=r"a\.jsonl, line 2: expected an entry of this log"):
            AnswerLog(tmp_path / "a.jsonl")


def test_reading_needs_no_lock_and_ignores_what_is_half_written(tmp_path: Path) -> None:
    log = begun(path := tmp_path / "a.jsonl")
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"key": "k2", "abo')
    found: list[Entry] = []
    assert read_entries(path, found.append) == len(whole)
    assert found == [GOOD]
    log.close()
    again = AnswerLog(path)
    again.close()
    assert path.read_bytes() == whole and again.tokens == [3, 4]
