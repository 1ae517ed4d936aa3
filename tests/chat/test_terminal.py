"""The chat as people meet it: typed, pasted, piped; every command does what /help says."""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_kit import WordReader
from rich.console import Console

from prc_emo import PrcEmoError
from prc_emo.bench.run import run
from prc_emo.chat import show
from prc_emo.chat.archive import Archive
from prc_emo.chat.keyboard import from_terminal
from prc_emo.chat.replies import Reply
from prc_emo.chat.session import Situation
from prc_emo.chat.terminal import COMMANDS, HELP, Chat
from prc_emo.chat.turn import Reading, Shown, Turn
from prc_emo.chat.typed import understand
from prc_emo.config_file import experiment
from prc_emo.corpora import read_conversations


class Echo:
    """Replies with a long sentence about what was said."""

    def reply(self, situation: Situation) -> Reply:
        words = f"You say {situation.turn.text} and I have nothing to add to that, however long I think about it, truly."
        return Reply("an echo", (word + " " for word in words.split()))


class At:
    """A chat, and what it has written."""

    def __init__(self, tmp_path: Path, **options: Any) -> None:
        self.archive = Archive(tmp_path / "s.sqlite")
        self.out = io.StringIO()
        options = {"prepare": Echo, "piped": True, **options}
        self.chat = Chat(WordReader(), self.archive, Console(file=self.out, width=80), **options)

    def type(self, *inputs: str) -> str:
        """What is written in answer to these inputs."""
        lines: Iterator[str] = iter(inputs)

        def ask(prompt: str) -> str:
            try:
                return next(lines)
            except StopIteration:
                raise EOFError from None

        before = len(self.out.getvalue())
        self.chat.run(ask)
        return self.out.getvalue()[before:]


@pytest.fixture
def at(tmp_path: Path) -> At:
    return At(tmp_path)


def texts(at: At) -> list[str]:
    return [f"{turn.speaker}: {turn.text}" for turn in at.chat.session.turns if not turn.by]


def test_what_is_typed_is_read_and_answered(at: At) -> None:
    said = at.type("It rained again.")
    reading = at.chat.session.turns[0].reading
    assert reading is not None and str(reading.label) in said
    assert f"{reading.confidence:.0%}".replace("%", " %") in said
    assert "PRC-Emo (an echo)" in said
    assert "You say It rained again. and I have nothing" in said


def test_a_line_is_never_wider_than_the_terminal(at: At) -> None:
    said = at.type(
        "It rained again. " * 20,
        f"{'A very long name indeed ' * 5}: hello",
        "/as " + "Name " * 30,
        "/explain",
        "/mood",
        "/sessions",
        "/help",
    )
    assert max(map(len, said.splitlines())) <= 80


def test_every_command_is_in_the_help_and_is_a_method() -> None:
    for name in COMMANDS:
        assert f"/{name}" in HELP
        assert callable(getattr(Chat, f"_{name}"))


def test_a_pasted_dialogue_becomes_turns_of_its_speakers(tmp_path: Path) -> None:
    at = At(tmp_path, piped=False)
    said = at.type("Ross: I'm fine.\n\nMonica Geller: You're not fine.\nRoss: 10:30: fine.")
    assert texts(at) == ["Ross: I'm fine.", "Monica Geller: You're not fine.", "Ross: 10:30: fine."]
    assert "an echo" not in said  # others have answered already
    at.type("Ross: Still fine.", "Note: it rains.")
    assert texts(at)[3:] == ["Ross: Still fine.", "You: Note: it rains."]
    assert "line 2 of 3 names no speaker" in at.type("Ross: Hm.\nIt rains.\nMonica: So it does.")


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org: look",
        "What I mean by that is this: no.\nAnd: yes.",
        "one: two\nthree",
        "10:30 is fine\nnow: go",
    ],
)
def test_words_with_colons_stay_words(text: str) -> None:
    assert understand(text, []) == text


def test_two_slashes_say_a_slash(at: At) -> None:
    at.type("//undo is a word")
    assert texts(at) == ["You: /undo is a word"]


def test_undo_takes_back_what_was_said_with_its_reply(at: At) -> None:
    at.type("It rained.", "And again.")
    before = at.chat.session.turns[:2]
    assert "2 turns are left" in at.type("/undo")
    assert at.chat.session.turns == before


def test_an_edit_of_the_last_words_is_answered_anew(at: At) -> None:
    said = at.type("It rained.", "/edit It snowed.")
    assert texts(at) == ["You: It snowed."]
    assert "You say It snowed. and" in said
    assert at.chat.session.turns[1].text.startswith("You say It snowed.")
    assert len(at.chat.session) == 2


def test_an_earlier_edit_leaves_the_rest_and_says_how_to_reread(at: At) -> None:
    said = at.type("It rained.", "And again.", "/edit 1 It snowed.")
    assert texts(at) == ["You: It snowed.", "You: And again."]
    assert "/reread" in said
    assert "Read again;" in at.type("/reread")


def test_somebody_else_speaks(at: At) -> None:
    at.type("/as Mara  Lind", "It rained.")
    assert texts(at) == ["Mara Lind: It rained."]


def test_explain_shows_all_labels_and_the_demonstrations(at: At) -> None:
    said = at.type("It rained.", "/explain")
    for label in ("joy", "sadness", "neutral", ".deniar tI", "1 same text", "seen: this turn"):
        assert label in said
    assert "A reply, an echo" in at.type("/explain 2")
    assert "expected the number of a turn, 1 to 2, got '7'" in at.type("/explain 7")


def test_mood_has_a_curve_for_each_speaker(at: At) -> None:
    said = at.type("Ross: Fine.", "Monica: No.", *(f"Ross: {number}" for number in range(200)), "/mood")
    curves = [line for line in said.splitlines() if line.startswith((" Ross", " Monica"))]
    assert len(curves) == 2 and all(len(curve) <= 80 for curve in curves)


def test_a_session_is_exported_listed_resumed_and_deleted(at: At, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    at.type("It rained.", f"/export {file}")
    assert read_conversations(file) == [at.chat.session.conversation()]
    assert "is there already. Name another file" in " ".join(at.type(f"/export {file}").split())
    first = at.chat.session.id
    at.type("/new", "Another day.")
    listed = at.type("/sessions")
    assert first in listed and f"{at.chat.session.id} *" in listed
    at.type(f"/resume {first}")
    assert texts(at) == ["You: It rained."]
    assert f"Session {first} is deleted" in at.type("/delete")
    assert first not in at.type("/sessions")
    assert len(at.chat.session) == 0


def test_deleting_asks_first_and_empties_the_history(tmp_path: Path) -> None:
    forgotten: list[int] = []
    at = At(tmp_path, piped=False, forget=lambda: forgotten.append(1))
    at.type("It rained.", "/delete", "no")
    assert len(at.archive.list()) == 1 and not forgotten
    at.type("/delete", "yes")
    assert at.archive.list() == [] and forgotten


def test_what_goes_wrong_is_a_sentence_and_the_chat_goes_on(at: At) -> None:
    said = at.type("/undo", "/udno", "/export", "/as", "/reply maybe", "/resume nothing", "It rained.")
    said += at.type("/edit 1", "/export ~nobody-here/talk.jsonl", f"/export {'x' * 300}")
    for sentence in (
        "Nothing was said yet.",
        "There is no command /udno. Did you mean 'undo'?",
        "/export: expected a file",
        "/as: expected a name",
        "/reply: expected on or off",
        "There is no session 'nothing'",
        "/edit: expected words after the number",
        "/export: there is no user of that name, in '~nobody-here/talk.jsonl'",
        "cannot be written (File name too long)",
    ):
        assert sentence in " ".join(said.split())
    assert texts(at) == ["You: It rained."]


def test_replies_can_be_switched_off(at: At) -> None:
    at.type("/reply off", "It rained.")
    assert len(at.chat.session) == 1
    at.type("/reply on", "Again.")
    assert len(at.chat.session) == 3


def test_ctrl_c_stops_a_reply_and_keeps_what_came(tmp_path: Path) -> None:
    class Interrupted:
        def reply(self, situation: Situation) -> Reply:
            def pieces() -> Iterator[str]:
                yield "As far as "
                raise KeyboardInterrupt

            return Reply("somebody slow", pieces())

    at = At(tmp_path, prepare=Interrupted)
    at.type("It rained.", "/reply off", "I go on.")
    assert [turn.text for turn in at.chat.session.turns] == ["It rained.", "As far as", "I go on."]


def test_help_waits_for_no_model_and_comes_for_a_pasted_dialogue_too(tmp_path: Path) -> None:
    def broken() -> Any:
        raise PrcEmoError("There is no such model.")

    at = At(tmp_path, prepare=broken)
    said = at.type("I want to kill myself.")
    assert said.index("findahelpline.com") < said.index("There is no such model.")
    assert "findahelpline.com" in at.type("/new", "Ross: I want to kill myself.\nMonica: No!")
    assert "findahelpline.com" not in at.type("/new", "Ross: This job is killing me.\nMonica: No!")


def test_nobody_moves_the_cursor_of_a_terminal(at: At) -> None:
    """What people, demonstrations and models write may hold escape sequences; none reaches the terminal."""
    nasty = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202edlrow"
    said = at.type(
        f"/as Eve{nasty}",
        f"Look {nasty}",
        "/explain",
        f"Ross{nasty}: hi",
        f"/undo{nasty}",
        "/mood",
        "/sessions",
    )
    assert not set(said) & set("\x1b\x07\x9b\u202e")


def test_a_label_that_could_not_be_read_and_one_off_the_wheel_are_shown() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80)
    console.print(show.line(Turn(0, "A", "b", reading=Reading(None, {})), None))
    curious = Reading("curious", {"curious": 0.6, "annoyed": 0.4}, (Shown("x", "Oh?", "curious", 0.9),))
    console.print(show.line(Turn(1, "A", "b", reading=curious), None))
    console.print(show.explanation(Turn(1, "A", "b", reading=curious), None))
    console.print(show.moods([("A", [])]))
    assert "could not be read" in out.getvalue() and "curious" in out.getvalue()
    assert "There is no mood to show" in out.getvalue()


def test_a_paste_is_one_input_and_what_is_typed_is_remembered(tmp_path: Path) -> None:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    history = tmp_path / "home" / "history"
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        ask = from_terminal(COMMANDS, history)
        keys.send_text("\x1b[200~Ross: a\r\nMonica: b\x1b[201~\r")
        assert ask("> ").splitlines() == ["Ross: a", "Monica: b"]
        keys.send_text("one\x1b\rtwo\r")
        assert ask("> ") == "one\ntwo"
        keys.send_text("\x04")
        with pytest.raises(EOFError):
            ask("> ")
        keys.send_text("half a word\x03")
        with pytest.raises(KeyboardInterrupt):
            ask("> ")
    assert "Monica: b" in history.read_text()
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("\x1b[A\r")
        assert from_terminal(COMMANDS, history)("> ") == "one\ntwo"
        keys.send_text("\x1b[Agone\r")
        assert from_terminal(COMMANDS, None)("> ") == "gone"


def test_without_prompt_toolkit_the_install_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    with pytest.raises(PrcEmoError, match=r"pip install 'prc-emo\[chat\]'"):
        from_terminal(COMMANDS, None)


@pytest.fixture(scope="module")
def nearest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nearest") / "seed42"
    settings = ["data.limit=2", "parameters.neighbours=[3]", "parameters.temperatures=[0.1]"]
    run(experiment("nearest_everyday", settings), out)
    return out


def test_lines_from_a_pipe_are_read(
    nearest: Path, prc_emo: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PRC_EMO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(
        "sys.stdin", io.TextIOWrapper(io.BytesIO("Ross: I'm fine.\n\nJosé: Hm.\n/explain\n".encode()))
    )
    done = prc_emo("chat", nearest, "--reply", "none")
    assert done.code == 0
    assert f"Loading {nearest}" in done.err
    assert "José: Hm." in done.out and "No demonstration was shown" in done.out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"/quit\n")))
    done = prc_emo("chat", nearest, "--reply", "none", "--resume", "last")
    assert "Ross: I'm fine." in done.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--reply", "local"], "--reply local needs --model"),
        (["--resume", "last", "--no-save"], "--no-save keeps none"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused_at_once(
    arguments: list[str], sentence: str, prc_emo: Callable[..., Any], tmp_path: Path
) -> None:
    done = prc_emo("chat", tmp_path, *arguments)
    assert (done.code, sentence in done.err) == (2, True)


@pytest.mark.slow
def test_a_terminal_without_colours_and_ctrl_c(nearest: Path, tmp_path: Path) -> None:
    """The whole program at a pseudo-terminal: prompt, bars, NO_COLOR, and a clean leave."""
    main, other = pty.openpty()
    environment = {
        **os.environ,
        "PRC_EMO_HOME": str(tmp_path),
        "NO_COLOR": "1",
        "TERM": "xterm",
        "COLUMNS": "80",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }
    command = [sys.executable, "-m", "prc_emo", "chat", str(nearest), "--reply", "none"]
    program = subprocess.Popen(
        command, stdin=other, stdout=other, stderr=other, env=environment, start_new_session=True
    )
    os.close(other)
    shown = ""

    def until(text: str, since: int = 0) -> int:
        """How much was shown when this was."""
        nonlocal shown
        deadline = time.monotonic() + 60
        while text not in shown[since:]:
            assert time.monotonic() < deadline, shown
            if select.select([main], [], [], 0.2)[0]:
                shown += os.read(main, 4096).decode(errors="replace")
        return len(shown)

    try:
        until("You>")
        os.write(main, b"I am so happy!\r")
        until("You>", since=until("░"))
        os.write(main, b"\x03")
        until("--resume")
        assert program.wait(timeout=30) == 0
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        os.close(main)
    assert "\x1b[3" not in shown.replace("\x1b[?", "")  # no colour
    assert "Traceback" not in shown
