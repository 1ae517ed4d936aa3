"""A run and what lies in its folder: an earlier run is gone on with, refused or deleted, and never half overwritten."""

import json
from pathlib import Path

import pytest

from prc_emo.bench.run import run
from prc_emo.config_file import experiment
from prc_emo.errors import PrcEmoError
from prc_emo.recognizer import PRCEmo


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    run(experiment("majority_everyday", ["data.limit=2"]), tmp_path / "run")
    return tmp_path / "run"


def test_other_settings_are_refused_by_name_and_the_run_stays_as_it_was(finished: Path) -> None:
    before = files(finished)
    with pytest.raises(PrcEmoError) as error:
        run(experiment("majority_everyday", ["data.score_on=dev"]), finished)
    assert str(error.value) == (
        f'{finished} holds a run with other settings: data.score_on was "auto" and is now "dev"; data.limit was 2 and is '
        "now null. Choose another --out folder, undo the change, or delete this one with --fresh."
    )
    assert files(finished) == before


def test_the_same_settings_go_on(finished: Path) -> None:
    """Also where an earlier version wrote them, which had not all of today's keys."""
    config = finished / "config.yaml"
    config.write_text(config.read_text().replace("  score_on: auto\n", ""))
    before = files(finished)
    run(experiment("majority_everyday", ["data.limit=2"]), finished)
    assert {name for name, data in files(finished).items() if before.get(name) != data} == {"config.yaml"}


def test_settings_that_are_no_settings_any_more_are_refused(finished: Path) -> None:
    with (finished / "config.yaml").open("a") as config:
        config.write("sede: 3\n")
    with pytest.raises(
        PrcEmoError, match=r"cannot be read any more\. .* unknown setting 'sede'.* with --fresh\."
    ):
        run(experiment("majority_everyday", ["data.limit=2"]), finished)


def test_a_run_that_never_began_is_no_obstacle(tmp_path: Path) -> None:
    """Its settings were refused by `fit`, which said what to change: that may be changed."""
    (tmp_path / "config.yaml").write_text("data: {corpus: everyday}\nseed: 3\n")
    run(experiment("majority_everyday", ["data.limit=2"]), tmp_path)
    assert (tmp_path / "report.json").exists()


def test_fresh_deletes_only_once_everything_has_been_found(finished: Path) -> None:
    before = files(finished)
    for wrong in ("data.corpus=melt", "parameters.k=1"):
        with pytest.raises(PrcEmoError):
            run(experiment("majority_everyday", [wrong]), finished, fresh=True)
    assert files(finished) == before
    (finished / "note.txt").write_text("mine")
    run(experiment("majority_everyday", ["data.limit=3"]), finished, fresh=True)
    assert not (finished / "note.txt").exists() and (finished / "report.json").exists()


def test_an_utterance_of_the_test_split_that_is_too_long_is_told_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PRCEmo, "fit", lambda *_, **__: pytest.fail("trained"))
    for split, text in (("train", "Hi."), ("dev", "Hi."), ("test", "And then? " * 100)):
        turns = [{"speaker": "Ada", "text": each, "emotion": "joy"} for each in ("Hi.", text)]
        (tmp_path / f"{split}.jsonl").write_text(json.dumps({"id": split, "turns": turns}) + "\n")
    own = [
        "model.tiny=true",
        "data.corpus=jsonl",
        f"data.path={tmp_path}",
        "data.labels=meld",
        "prompt.knowledge=null",
    ]
    settings = experiment("meld_qwen3_8b", [*own, "prompt.max_tokens=1000"])
    with pytest.raises(
        PrcEmoError, match=r"test/1: the utterance alone takes \d+ tokens of prompt, and \d+ is the most"
    ):
        run(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()
