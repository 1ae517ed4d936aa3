"""What the runs of a study have in common is made once, whoever asks first and however many ask."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from prc_emo.bench.run import corpus_of, recognizer_of
from prc_emo.config_file import experiment
from prc_emo.recognizer import PRCEmo
from prc_emo.shared import once
from retrieval_store import DemonstrationStore


def test_many_ask_and_one_makes(tmp_path: Path) -> None:
    made, together = [], Barrier(8)

    def ask(number: int) -> Path:
        def make(path: Path) -> None:
            made.append(number)
            path.write_text(f"by {number}")

        together.wait()
        return once(tmp_path, "thing.txt", {"rows": [1, 2], "of": "words"}, make)

    with ThreadPoolExecutor(8) as pool:
        (path,) = set(pool.map(ask, range(8)))
    (maker,) = made
    assert path.read_text() == f"by {maker}" and path.suffix == ".txt"
    other = once(tmp_path, "thing.txt", {"rows": [1, 3], "of": "words"}, lambda path: path.touch())
    assert other != path and path.read_text() == f"by {maker}"


def test_what_a_killed_maker_left_is_not_taken_for_the_thing(tmp_path: Path) -> None:
    def killed(path: Path) -> None:
        path.write_text("hal")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once(tmp_path, "thing.txt", {}, killed)

    def make(path: Path) -> None:
        path.write_text("whole")

    assert once(tmp_path, "thing.txt", {}, make).read_text() == "whole"


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ([], set()),
        (["curriculum=null", "training.learning_rate=0.1"], set()),  # nothing of that is in a prompt
        (["retrieval.k=1"], {"prompts"}),
        (["prompt.window=1"], {"prompts"}),
        (["data.limit=3"], {"store", "prompts"}),
    ],
)
def test_a_second_cell_makes_only_what_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: list[str], again: set[str]
) -> None:
    made: set[str] = set()

    def counted(of: type, name: str, what: str) -> None:
        original = getattr(of, name)

        def wrapper(*given: Any, **named: Any) -> Any:
            made.add(what)
            return original(*given, **named)

        monkeypatch.setattr(of, name, wrapper)

    counted(PRCEmo, "compose", "prompts")
    counted(DemonstrationStore, "build", "store")

    def cell(overrides: list[str], name: str) -> list[Any]:
        settings = experiment("everyday_minilm", ["data.limit=2", *overrides])
        corpus = corpus_of(settings)
        recognizer = recognizer_of(settings, corpus.labels, corpus.name, tmp_path / "shared")
        recognizer.remember(corpus.train, tmp_path / name)
        return list(recognizer.training_prompts(corpus.train, corpus.dev))

    first = cell([], "first")
    assert made == {"store", "prompts"}
    made.clear()
    second = cell(change, "second")
    assert made == again
    assert (second == first) == (not again)
