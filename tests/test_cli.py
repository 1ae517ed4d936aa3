"""The command line from what is typed to what is shown: results on stdout, the rest on stderr, exit code 0 or 2."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prc_emo.bench.predictions import Judged, write_predictions
from prc_emo.compose import demonstrations_of
from prc_emo.config_file import experiment, shipped
from prc_emo.corpora import load_corpus, read_conversations
from prc_emo.saved import latest
from retrieval_store import Demonstration, DemonstrationStore, Embedder

Command = Callable[..., Any]  # the fixture `prc_emo` of conftest.py


def rows(table: str) -> list[list[str]]:
    """The cells of a table as rich draws it, its head first."""
    lines = [line.replace("┃", "│") for line in table.splitlines()]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


class TestLs:
    def test_every_experiment_has_a_line(self, prc_emo: Command) -> None:
        done = prc_emo("ls")
        head, *lines = rows(done.out)
        assert (done.code, done.err, head) == (0, "", ["name", "recognizer", "corpus", "what it is"])
        assert [line[0] for line in lines] == list(shipped())
        for name, recognizer, corpus, about in lines:
            settings = experiment(name)
            assert (recognizer, corpus, about) == (settings.recognizer, settings.data.corpus, settings.about)


class TestShow:
    def test_what_is_shown_is_the_resolved_setting_and_can_be_run(
        self, prc_emo: Command, tmp_path: Path
    ) -> None:
        overrides = ["training.learning_rate=1e-4", "retrieval=null", "seed=7"]
        done = prc_emo("show", "meld_minilm", *overrides)
        assert (done.code, done.err) == (0, "")
        assert "learning_rate: 0.0001\n" in done.out and "retrieval: null\n" in done.out
        (tmp_path / "mine.yaml").write_text(done.out)
        assert experiment(str(tmp_path / "mine.yaml")) == experiment("meld_minilm", overrides)

    def test_nothing_is_wrapped_or_taken_for_markup(self, prc_emo: Command, tmp_path: Path) -> None:
        about = "[bold]" + "word " * 100 + "[/bold]"
        (tmp_path / "mine.yaml").write_text(f"about: '{about}'\ndata: {{corpus: everyday}}\n")
        shown = prc_emo("show", tmp_path / "mine.yaml").out
        (tmp_path / "shown.yaml").write_text(shown)
        assert experiment(str(tmp_path / "shown.yaml")).about == about


class TestHelp:
    @pytest.mark.parametrize("group", [(), ("data",), ("store",)], ids=str)
    def test_every_command_says_what_it_does(self, group: tuple[str, ...], prc_emo: Command) -> None:
        done = prc_emo(*group, "--help")
        commands = re.findall(r"^│ ([a-z]+) +(\S.*?) *│$", done.out, re.MULTILINE)
        assert done.code == 0 and len(commands) >= 3
        expected = {
            (): {"ls", "show", "run", "prompt", "read", "score", "compare", "report", "data", "store"},
            ("data",): {"read", "check", "stats"},
            ("store",): {"build", "add", "search", "info"},
        }[group]
        assert {name for name, _ in commands} >= expected

    def test_a_mistyped_command_is_usage_and_exit_code_2(self, prc_emo: Command) -> None:
        done = prc_emo("shwo")
        assert (done.code, done.out) == (2, "") and "No such command 'shwo'" in done.err


class TestData:
    def test_read_shows_the_first_of_each_split(self, prc_emo: Command) -> None:
        done = prc_emo("data", "read", "everyday")
        corpus = load_corpus("everyday")
        assert done.code == 0
        for split, talks in corpus.splits.items():
            assert f"{split}: first of {len(talks)}" in done.out
            assert talks[0].utterances[0].id in done.out

    def test_read_writes_what_reads_back_the_same(self, prc_emo: Command, tmp_path: Path) -> None:
        done = prc_emo("data", "read", "everyday", "--split", "dev", "--out", tmp_path)
        dev = load_corpus("everyday").dev
        assert (done.code, done.out) == (0, "")
        assert done.err == f"{tmp_path}/dev.jsonl: {len(dev)} conversations.\n"
        assert tuple(read_conversations(tmp_path / "dev.jsonl")) == dev
        assert [file.name for file in tmp_path.iterdir()] == ["dev.jsonl"]

    def test_check_finds_nothing_in_the_corpus_that_ships(self, prc_emo: Command) -> None:
        assert prc_emo("data", "check", "everyday").out == "Nothing found.\n"
        found = json.loads(prc_emo("data", "check", "everyday", "--json").out)
        assert found["corpus"] == "everyday" and {each["count"] for each in found["findings"]} == {0}

    def test_check_says_how_many_and_where(self, prc_emo: Command, tmp_path: Path) -> None:
        turn = {"speaker": "Ada", "text": "Have you seen my other shoe?", "emotion": "joy"}
        talk = {"turns": [turn, {"speaker": "Ben", "text": " ", "emotion": "odd"}]}
        for split in ("train", "test"):
            (tmp_path / f"{split}.jsonl").write_text(json.dumps({"id": split, **talk}) + "\n")
        done = prc_emo("data", "check", "jsonl", tmp_path, "--labels", "meld")
        found = {(what, split): (count, where) for what, split, count, where in rows(done.out)[1:]}
        assert found["unknown label", "test"] == ("1 of 2 (50.0%)", "test/1 ('odd')")
        assert found["utterance repeated", "test in train"] == ("1 of 2 (50.0%)", "test/0 = train/0")
        assert found["turn without words", "train"] == ("1 of 2 (50.0%)", "train/1")

    def test_check_names_recordings_that_are_not_there(self, prc_emo: Command, tmp_path: Path) -> None:
        (tmp_path / "here.wav").touch()
        turns = [
            {"speaker": "Ada", "text": f"Line {name}.", "emotion": "joy", "audio": f"{name}.wav"}
            for name in ("here", "lost")
        ]
        (tmp_path / "train.jsonl").write_text(json.dumps({"id": "talk", "turns": turns}) + "\n")
        done = prc_emo("data", "check", "jsonl", tmp_path, "--labels", "meld")
        found = {what: where for what, _, _, where in rows(done.out)[1:]}
        assert found["recording not there"] == f"talk/1 ({tmp_path / 'lost.wav'})"

    def test_stats_count_what_the_corpus_holds(self, prc_emo: Command) -> None:
        table = {line[0]: line[1:] for line in rows(prc_emo("data", "stats", "everyday").out)}
        corpus = load_corpus("everyday")
        assert table[""] == ["train", "dev", "test"]
        assert table["dialogues"] == [str(len(talks)) for talks in corpus.splits.values()]
        as_json = json.loads(prc_emo("data", "stats", "everyday", "--json").out)
        assert [split["dialogues"] for split in as_json["splits"]] == [
            len(talks) for talks in corpus.splits.values()
        ]


def run_folder(folder: Path, right: int) -> Path:
    """A finished run on twenty dialogues of two utterances, `right` of them answered right in every dialogue."""
    judged = [
        Judged(f"d{talk}/{at}", f"d{talk}", at, "AB"[at], 2, 4, gold, gold if at < right else "fear",
               {"joy": 0.5, "anger": 0.25, "fear": 0.25})
        for talk in range(20)
        for at, gold in enumerate(["joy", "anger"])
    ]  # fmt: skip
    write_predictions(folder / "predictions.jsonl", judged)
    return folder


class TestRuns:
    @pytest.fixture
    def two(self, tmp_path: Path) -> tuple[Path, Path]:
        return run_folder(tmp_path / "half" / "seed42", 1).parent, run_folder(
            tmp_path / "all" / "seed42", 2
        ).parent

    def test_score_reads_the_predictions(self, prc_emo: Command, two: tuple[Path, Path]) -> None:
        done = prc_emo("score", *two)
        assert done.code == 0
        half, everything = done.out.split(f"{two[1]}/seed42\n")
        assert half.startswith(f"{two[0]}/seed42\n") and "accuracy 0.5000" in half
        assert "accuracy 1.0000" in everything
        as_json = json.loads(prc_emo("score", two[0], "--json").out)
        assert (as_json["accuracy"], as_json["run"]) == (0.5, str(two[0] / "seed42"))

    def test_compare_sets_them_side_by_side(self, prc_emo: Command, two: tuple[Path, Path]) -> None:
        # half right: F1 of joy 1, of anger 0, so wF1 0.5 in each resample
        found = json.loads(prc_emo("compare", *two, "--json").out)
        assert [(row["name"], row["wf1"]["value"]) for row in found["rows"]] == [("half", 0.5), ("all", 1.0)]
        assert found["reference"] == "half" and found["rows"][1]["difference"]["value"] == 0.5
        assert json.loads(prc_emo("compare", *two, "--best", "--json").out)["reference"] == "all"
        markdown = prc_emo("compare", *two, "--markdown").out
        assert markdown.startswith("| experiment | seeds | wF1 |") and "| all | 1 | 1.0000 |" in markdown
        table = prc_emo("compare", *two)
        assert table.code == 0 and "half" in table.out and "+0.5000" in table.out

    def test_report_writes_one_page_and_says_where(
        self, prc_emo: Command, two: tuple[Path, Path], tmp_path: Path
    ) -> None:
        page = tmp_path / "page.html"
        assert prc_emo("report", *two, "--out", page) == (0, f"{page}\n", "")
        assert "Side by side" in page.read_text()
        assert prc_emo("report", two[0]).out == f"{two[0]}/report.html\n"

    def test_runs_that_were_asked_other_things_are_not_compared(
        self, prc_emo: Command, two: tuple[Path, Path]
    ) -> None:
        predictions = two[1] / "seed42" / "predictions.jsonl"
        predictions.write_text("".join(predictions.read_text().splitlines(keepends=True)[:-1]))
        done = prc_emo("compare", *two)
        assert (done.code, done.out) == (
            2,
            "",
        ) and "were not scored on the same utterances: 1 (d19/1)" in done.err

    def test_a_folder_without_a_run_says_so(self, prc_emo: Command, tmp_path: Path) -> None:
        for command in ("score", "compare", "report"):
            done = prc_emo(command, tmp_path / "none")
            assert (done.code, done.out) == (2, "") and "none: expected a finished run" in done.err


class TestRun:
    def test_a_baseline_goes_from_its_name_to_its_scores(self, prc_emo: Command, tmp_path: Path) -> None:
        done = prc_emo("run", "majority_everyday", "--out", tmp_path)
        folder = tmp_path / "majority_everyday" / "seed42"
        assert done.code == 0 and done.out.startswith("wF1 0.")
        assert done.err.splitlines()[-1].startswith(
            f"Everything is in {folder}. Look at it with: prc-emo report "
        )
        assert {file.name for file in folder.iterdir()} == {
            "config.yaml", "environment.json", "majority.json", "predictions.jsonl", "report.json",
        }  # fmt: skip
        assert experiment(str(folder / "config.yaml")) == experiment("majority_everyday")
        assert json.loads((folder / "environment.json").read_text())["torch"]
        report = json.loads((folder / "report.json").read_text())
        scored = json.loads(prc_emo("score", folder, "--json").out)
        assert report["split"] == "test" and report["wf1"] == scored["wf1"]
        ids = [turn.id for talk in load_corpus("everyday").test for turn in talk.utterances]
        judged = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
        assert [line["id"] for line in judged] == ids

    def test_where_there_is_no_test_split_dev_is_scored_and_said(
        self, prc_emo: Command, tmp_path: Path
    ) -> None:
        prc_emo("data", "read", "everyday", "--split", "train", "--out", tmp_path / "mine")
        prc_emo("data", "read", "everyday", "--split", "dev", "--out", tmp_path / "mine")
        own = ["data.corpus=jsonl", f"data.path={tmp_path / 'mine'}", "data.labels=meld", "name=mine"]
        done = prc_emo("run", "majority_everyday", *own, "--out", tmp_path)
        assert done.code == 0 and "mine has no test split here: the development split" in done.err
        assert json.loads((tmp_path / "mine" / "seed42" / "report.json").read_text())["split"] == "dev"

    def test_fresh_deletes_what_was_there_and_otherwise_it_stays(
        self, prc_emo: Command, tmp_path: Path
    ) -> None:
        note = tmp_path / "majority_everyday" / "seed42" / "note.txt"
        note.parent.mkdir(parents=True)
        note.write_text("mine")
        prc_emo("run", "majority_everyday", "data.limit=2", "--out", tmp_path)
        assert note.exists()
        assert prc_emo("run", "majority_everyday", "data.limit=2", "--fresh", "--out", tmp_path).code == 0
        assert not note.exists() and (note.parent / "report.json").exists()

    def test_seeds_and_names_have_folders_of_their_own(self, prc_emo: Command, tmp_path: Path) -> None:
        for name in ("v1.5", "v1.6"):
            prc_emo("run", "majority_everyday", f"name={name}", "seed=43", "data.limit=2", "--out", tmp_path)
        assert {str(file.parent.relative_to(tmp_path)) for file in tmp_path.glob("*/*/report.json")} == {
            "v1.5/seed43", "v1.6/seed43",
        }  # fmt: skip


@pytest.fixture
def spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with recordings of one's own: in each split two utterances of the same words, one high and one low."""
    soundfile = pytest.importorskip("soundfile", reason="pip install 'prc-emo[speech]'")
    monkeypatch.setenv("PRC_EMO_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "spoken"
    folder.mkdir()
    for split in ("train", "dev"):
        turns = []
        for emotion, pitch in (("joy", 400), ("sadness", 100)):
            id = f"{split}-{emotion}"
            soundfile.write(folder / f"{id}.wav", np.sin(np.arange(8_000) / 16_000 * 6.28 * pitch), 16_000)
            turns.append(
                {"id": id, "speaker": "Ada", "text": "Well.", "emotion": emotion, "audio": f"{id}.wav"}
            )
        (folder / f"{split}.jsonl").write_text(json.dumps({"id": split, "turns": turns}) + "\n")
    return folder


class TestPrompt:
    def test_the_very_text_its_tokens_and_what_was_held_back(self, prc_emo: Command, tmp_path: Path) -> None:
        talk = load_corpus("everyday").train[0]
        turn = talk.utterances[2]
        done = prc_emo("prompt", "quickstart", turn.id, "data.limit=3", "--out", tmp_path)
        assert done.code == 0
        text, facts = re.split("^─+$", done.out, maxsplit=1, flags=re.MULTILINE)
        assert text.rstrip().endswith(f"{turn.speaker}: {turn.text} => {turn.speaker} feels")
        assert f"{talk.utterances[1].speaker}: {talk.utterances[1].text} |" in text
        assert re.search(r"template recognize_compact version \d+, \d+ tokens of at most \d+", facts)
        assert f"trained to answer: '{turn.emotion}" in facts
        shown = [line for line in rows(facts) if line[-1] == "shown"]
        assert len(shown) == 3 and all(f'"{line[2]}" => {line[1]} |' in text for line in shown)
        assert [line[3] for line in rows(facts) if line[-1] == "excluded: same utterance"] == [turn.id]

    def test_where_a_voice_stands_the_model_is_not_shown_its_id(
        self, prc_emo: Command, spoken: Path, tmp_path: Path
    ) -> None:
        """Ids of RAVDESS say the emotion."""
        own = ["data.corpus=jsonl", f"data.path={spoken}"]
        done = prc_emo("prompt", "ravdess_minilm", "dev-joy", *own, "--out", tmp_path)
        assert done.code == 0, done.err
        assert "<speech>" in done.out and "dev-joy" not in done.out

    def test_an_unknown_utterance_is_answered_with_the_nearest(
        self, prc_emo: Command, tmp_path: Path
    ) -> None:
        turn = load_corpus("everyday").train[0].utterances[0].id
        done = prc_emo("prompt", "quickstart", turn[:-1] + "00", "--out", tmp_path)
        assert (done.code, done.out) == (2, "")
        assert f"everyday has no utterance '{turn[:-1]}00'. Did you mean '{turn}'?" in done.err

    def test_a_runs_own_store_is_used_where_it_fits_and_never_replaced(
        self, prc_emo: Command, tmp_path: Path
    ) -> None:
        """A trained model answers with the store of its training only; to look at a prompt must not cost the model."""
        talks = load_corpus("everyday").train
        store = tmp_path / "quickstart" / "seed42" / "model" / "store"
        rows_of_run = demonstrations_of(talks[:2], source="training", split="train")
        DemonstrationStore.build(rows_of_run, Embedder()).save(store)
        before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in store.iterdir()}
        turn = talks[0].utterances[2].id
        same, other = (
            prc_emo("prompt", "quickstart", turn, f"data.limit={limit}", "--out", tmp_path)
            for limit in (2, 3)
        )
        assert (same.code, other.code) == (0, 0)
        assert "Making a store" not in same.err
        assert f"for this prompt alone: that in {store} is of other utterances" in other.err
        after = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in store.iterdir()}
        assert after == before and [path.name for path in store.parent.iterdir()] == ["store"]

    def test_a_model_that_this_machine_cannot_load_is_told_before_a_store_is_made(
        self, prc_emo: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        turn = load_corpus("everyday").train[0].utterances[2].id
        own = ["data.corpus=everyday", "data.path=null", "prompt.knowledge=everyday"]
        done = prc_emo("prompt", "meld_qwen3_8b", turn, *own, "--out", tmp_path)
        assert (done.code, done.out) == (2, "") and done.err.startswith("model.quantization=nf4 needs a CUDA")
        assert done.err.endswith("toy's tokens: model.tiny=true data.limit=null\n")
        assert done.err.count("\n") == 1 and not list(tmp_path.iterdir())

    def test_a_baseline_has_no_prompt(self, prc_emo: Command) -> None:
        done = prc_emo("prompt", "majority_everyday", "x")
        assert (done.code, done.err) == (2, "majority_everyday is a majority experiment: it has no prompt.\n")


class TestRead:
    def test_of_several_seeds_the_one_whose_training_ended_last_is_read(self, tmp_path: Path) -> None:
        """A seed that was never trained has no `prc_emo.json`, however young its folder is."""
        for age, seed in enumerate(("seed2", "seed1")):
            file = tmp_path / seed / "model" / "prc_emo.json"
            file.parent.mkdir(parents=True)
            file.write_text("{}")
            os.utime(file, (age, age))
        (tmp_path / "seed3" / "model" / "store").mkdir(parents=True)
        assert latest(tmp_path) == tmp_path / "seed1"

    def test_trained_on_recordings_of_ones_own_it_says_whose_voice_it_did_not_hear(
        self, prc_emo: Command, spoken: Path, tmp_path: Path
    ) -> None:
        own = ["data.corpus=jsonl", f"data.path={spoken}", "name=mine", "training.epochs=2"]
        assert prc_emo("run", "ravdess_minilm", *own, "--out", tmp_path).code == 0
        turns = [
            {"speaker": "Ada", "text": "Well.", "audio": path} for path in ("lost.wav", "train-joy.wav", None)
        ]
        file = spoken / "asked.jsonl"
        file.write_text(json.dumps({"id": "talk", "turns": turns}) + "\n")
        table = rows(prc_emo("read", tmp_path / "mine", file).out)
        assert [line[-1] for line in table] == ["voice", "missing", "heard", "no recording"]
        lines = prc_emo("read", tmp_path / "mine", file, "--json").out.splitlines()
        assert [(line["heard"], line.get("unheard")) for line in map(json.loads, lines)] == [
            (False, "missing"), (True, None), (False, "no recording"),
        ]  # fmt: skip


class TestStore:
    def test_a_store_is_built_extended_searched_and_described(
        self, prc_emo: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bars: list[bool] = []
        encode = Embedder.encode

        def watched(self: Embedder, texts: Sequence[str], progress: bool = False) -> Any:
            bars.append(progress)
            return encode(self, texts)

        monkeypatch.setattr(Embedder, "encode", watched)

        def talk(id: str, *turns: tuple[str, str]) -> None:
            said = [{"speaker": "Ada", "text": text, "emotion": emotion} for text, emotion in turns]
            (tmp_path / f"{id}.jsonl").write_text(
                json.dumps({"id": id, "turns": said, "split": "train"}) + "\n"
            )

        talk("rain", ("It is raining again.", "sadness"), ("I won the race!", "joy"))
        talk("race", ("We won the match!", "joy"), ("The dog bit me.", "anger"))
        folder, at = tmp_path / "store", "jsonl"
        assert prc_emo("store", "build", folder, at, tmp_path / "rain.jsonl").err.endswith(
            ": 2 demonstrations.\n"
        )
        more = prc_emo("store", "add", folder, at, tmp_path / "race.jsonl")
        assert more.err.endswith(": 2 new, 4 demonstrations in all.\n") and bars == [True, True]
        found = rows(prc_emo("store", "search", folder, "They won!", "--k", "2", "--labels", "emorynlp").out)
        assert [line[1:] for line in found[1:]] == [
            ["joyful", "We won the match!", "race/0", "shown"],
            ["joyful", "I won the race!", "rain/1", "shown"],
        ]
        info = json.loads(prc_emo("store", "info", folder, "--json").out)
        assert (info["rows"], info["index"], info["dimension"]) == (4, "flat", 384)
        assert {"source": "race", "domain": "", "label": "joy", "rows": 1} in info["counts"]

    def test_info_needs_no_encoder(self, prc_emo: Command, tmp_path: Path) -> None:
        class OneWay:
            id, dimension = "one-way@1", 2

            def encode(self, texts: list[str], progress: bool = False) -> np.ndarray:
                return np.tile(np.array([1, 0], dtype=np.float32), (len(texts), 1))

        DemonstrationStore.build(
            [Demonstration("a/0", "Hi.", "joy", "mine", domain="family")], OneWay()
        ).save(tmp_path / "s")
        info = json.loads(prc_emo("store", "info", tmp_path / "s", "--json").out)
        assert info["encoder"] == "one-way@1"
        assert info["counts"] == [{"source": "mine", "domain": "family", "label": "joy", "rows": 1}]
        shown = prc_emo("store", "info", tmp_path / "s").out
        assert rows(shown)[1] == ["mine", "family", "1", "joy 1"] and "encoder one-way@1" in shown

    def test_a_folder_that_is_no_store_is_named(self, prc_emo: Command, tmp_path: Path) -> None:
        done = prc_emo("store", "info", tmp_path)
        assert (done.code, done.out) == (2, "") and f"{tmp_path}: not a store" in done.err


class TestTheProcess:
    """What only a process of its own shows."""

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "prc_emo", *arguments], capture_output=True, text=True)

    def test_a_result_is_0_and_a_mistake_is_2_with_one_line(self) -> None:
        done = self.command("show", "quickstart")
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("name: quickstart\n")
        done = self.command("show", "quickstart", "trainin.epochs=3")
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(
            r"quickstart: unknown setting 'trainin'\. Did you mean 'training'\? Known: .*\n", done.stderr
        )

    def test_debug_shows_the_traceback(self) -> None:
        done = self.command("--debug", "show", "nope")
        assert done.returncode == 1 and "Traceback" in done.stderr and "PrcEmoError" in done.stderr

    def test_ctrl_c_is_answered_with_what_to_do_next(
        self, prc_emo: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Pressed:
            @property
            def buffer(self) -> None:
                raise KeyboardInterrupt

        monkeypatch.setattr(sys, "stdin", Pressed())
        assert prc_emo("read", "runs/none", "-") == (
            130,
            "",
            "Stopped; the same command goes on from here.\n",
        )
