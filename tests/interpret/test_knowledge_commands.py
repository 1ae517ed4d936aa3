"""`prc-emo knowledge` from the command line: made, exported, imported, shown, counted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.server import WORDS, Behaviour, serving

from prc_emo.knowledge import Knowledge

Command = Callable[..., Any]


def made(prc_emo: Command, folder: Path, *options: object, behaviour: Behaviour | None = None) -> Any:
    with serving(behaviour or Behaviour()) as url:
        return prc_emo(
            *("knowledge", "make", "everyday", "--model", "big", "--base-url", url, "--out", folder),
            *("--split", "dev", "--limit", 2, *options),
        )


def test_made_exported_shown_and_counted(prc_emo: Command, tmp_path: Path) -> None:
    done = made(prc_emo, tmp_path, "--speakers", "--price", 1, 2)
    assert done.code == 0, done.err
    assert "questions, about" in done.err and "USD" in done.err and "missing" not in done.err
    file = tmp_path / "knowledge.jsonl"
    prc_emo("knowledge", "export", tmp_path, tmp_path / "again.jsonl")
    assert Knowledge.load(tmp_path / "again.jsonl") == Knowledge.load(file)
    first = json.loads(file.read_text().splitlines()[0])["utterance"]
    shown = prc_emo("knowledge", "show", file, first).out
    assert "explicit" in shown and WORDS[:20] in shown
    assert "characteristic" in prc_emo("knowledge", "show", file, first.rpartition("/")[0]).out
    counted = prc_emo("knowledge", "stats", file, "everyday", "--split", "dev").out
    assert "interpretations" in counted and "names another label" in counted
    missing = prc_emo("knowledge", "show", file, "everyday/nowhere/1")
    assert missing.code == 2 and "knows nothing about 'everyday/nowhere/1'" in missing.err


def test_a_dry_run_asks_nothing(prc_emo: Command, tmp_path: Path) -> None:
    behaviour = Behaviour()
    done = made(prc_emo, tmp_path, "--dry-run", behaviour=behaviour)
    assert done.code == 0 and behaviour.calls == 0
    assert "[system]" in done.out and "The JSON object for the marked line of" in done.out


def test_what_is_missing_is_told_with_the_reason(prc_emo: Command, tmp_path: Path) -> None:
    done = made(prc_emo, tmp_path, behaviour=Behaviour(text="I cannot say."))
    assert done.code == 2 and "Nothing is answered" in done.err
    assert "are missing:" in done.err and "has no JSON object" in done.err


def test_a_budget_needs_a_price(prc_emo: Command, tmp_path: Path) -> None:
    done = made(prc_emo, tmp_path, "--budget", 1)
    assert done.code == 2 and "--price 0.15 0.60" in done.err


def test_published_files_are_imported_one_after_the_other(prc_emo: Command, tmp_path: Path) -> None:
    file, to = tmp_path / "published.json", tmp_path / "knowledge.jsonl"
    file.write_text(json.dumps({"social-01": ["Warm."] * 8, "somewhere-else": ["?"]}), encoding="utf-8")
    done = prc_emo("knowledge", "import", file, "everyday", "--out", to)
    assert done.code == 0, done.err
    assert "0 interpretations" in done.err and "1 of its conversations are not in this corpus" in done.err
    before = Knowledge.load(to)
    file.write_text(json.dumps({"social-02": ["Cool."] * 9}), encoding="utf-8")
    prc_emo("knowledge", "import", file, "everyday", "--out", to)
    assert set(Knowledge.load(to).characteristics) > set(before.characteristics)


@pytest.mark.parametrize("command", ["make", "import", "show", "stats", "export"])
def test_each_command_says_what_it_does(prc_emo: Command, command: str) -> None:
    assert prc_emo("knowledge", command, "--help").code == 0
