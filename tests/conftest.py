"""What the tests of several folders share: where the real corpora are, two small conversations, the command line."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from prc_emo import PRCEmo
from prc_emo.cli import main
from prc_emo.cli.console import out
from prc_emo.config import Speech, Training
from prc_emo.conversation import Conversation, Utterance
from prc_emo.labels import MELD
from prompts import load_template


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder with the published corpora; without one, the tests that ask for it are skipped."""
    folder = Path(os.environ.get("PRC_EMO_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no corpora in {folder}; PRC_EMO_DATA names their folder")
    return folder.resolve()


@pytest.fixture
def tiny_talks() -> tuple[Conversation, Conversation]:
    """Two conversations in MELD's labels; nobody labelled the last turn of the first."""

    def talk(id: str, *turns: tuple[str, str, str | None]) -> Conversation:
        return Conversation(id, tuple(Utterance(f"{id}/{at}", *turn) for at, turn in enumerate(turns)))

    return (
        talk(
            "tiny/market",
            ("Ada", "Two pears please.", "neutral"),
            ("Ben", "They are gone already.", "sadness"),
            ("Ada", "But you promised!", "anger"),
            ("Ben", "I hid three for you.", "joy"),
            ("Ada", "You did what?", "surprise"),
            ("Ben", "Under the counter.", None),
        ),
        talk("tiny/stairs", ("Cleo", "Who is there?", "fear"), ("Dev", "Only me.", "neutral")),
    )


class Done(NamedTuple):
    """How a command ended: exit code, results (stdout) and everything else (stderr)."""

    code: int | str | None
    out: str
    err: str


@pytest.fixture
def prc_emo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command line from its entry point to its exit code, in this process."""

    def command(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["prc-emo", *map(str, arguments)])
        for name in ("PRC_EMO_DEBUG", "PRC_EMO_IMPORT"):
            monkeypatch.setenv(name, "")  # the command sets it; so it is put back
        monkeypatch.setattr(out, "width", 240)
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return Done(stop.value.code, said.out, said.err)

    return command


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the tests of the chat: a toy of Qwen3's architecture, after a few steps; it looks at two turns before the one it reads."""
    from chat_kit import corpus

    out = tmp_path_factory.mktemp("run")
    model = PRCEmo(
        "Qwen/Qwen3-8B",
        labels=MELD,
        template=load_template("recognize"),
        store="train",
        window=2,
        demonstrations=2,
        training=Training(batch=2, accumulate=1, learning_rate=1e-2, epochs=1),
        loading={"tiny": True, "precision": "fp32"},
    )
    model.fit(corpus("train", 3), corpus("dev", 1), out=out)
    return out


@pytest.fixture(scope="session")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For the tests of the chat: the same toy with ears. Two frames are a soft prompt, so that it tells long from short."""
    pytest.importorskip("soundfile", reason="pip install 'prc-emo[speech]'")
    from chat_kit import corpus, tone

    folder = tmp_path_factory.mktemp("hearing")

    def spoken(split: str, count: int) -> list[Conversation]:
        """Each label has a pitch of its own."""
        return [
            replace(
                talk,
                utterances=tuple(
                    replace(
                        turn, audio=tone(folder / f"{split}-{number}-{at}.wav", 100 + 37 * len(turn.emotion))
                    )
                    for at, turn in enumerate(talk.utterances)
                ),
            )
            for number, talk in enumerate(corpus(split, count))
        ]

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PRC_EMO_CACHE", str(folder / "cache"))
        model = PRCEmo(
            "Qwen/Qwen3-8B",
            labels=MELD,
            template=load_template("recognize"),
            window=2,
            speech=Speech(queries=2, width=16, layers=1, heads=2, feedforward=32, window=2, strict=True),
            training=Training(batch=2, accumulate=1, learning_rate=1e-2, epochs=1),
            loading={"tiny": True, "precision": "fp32"},
        )
        model.fit(spoken("train", 2), spoken("dev", 1), out=folder / "run")
    return folder / "run"
