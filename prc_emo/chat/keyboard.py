"""How a line comes in: from a person at a terminal, with history and pasted lines kept together, or from a pipe.

The only file that knows prompt_toolkit. Readline, which Python brings, ends an input at every line of a paste.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from prc_emo.errors import PrcEmoError
from prc_emo.files import decode

FILES = ("/audio", "/export")  # commands that a file's name follows


def from_terminal(commands: Sequence[str], history: Path | None) -> Callable[[str], str]:
    """Asks the person at the terminal.

    Args:
        commands: Offered after a slash; files after those that take one.
        history: Where what was typed is kept for the next time; None keeps it while the program runs.

    Raises:
        PrcEmoError: prompt_toolkit is not installed.
    """
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import (
            CompleteEvent,
            Completer,
            Completion,
            PathCompleter,
            WordCompleter,
        )
        from prompt_toolkit.document import Document
        from prompt_toolkit.history import FileHistory, InMemoryHistory
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    except ImportError:
        raise PrcEmoError(
            "A chat at a terminal needs prompt_toolkit. Install it: pip install 'prc-emo[chat]'. Or pipe lines into it."
        ) from None
    if history is not None:
        history.parent.mkdir(parents=True, exist_ok=True)
        history.touch(mode=0o600)
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    class KeptHistory(FileHistory):
        def store_string(self, string: str) -> None:
            with suppress(OSError):  # a full disk must not end a chat
                super().store_string(string)

    names = WordCompleter([f"/{name}" for name in commands], sentence=True)

    class NamesAndFiles(Completer):
        def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
            command, space, rest = document.text_before_cursor.partition(" ")
            if space and command in FILES:
                return PathCompleter(expanduser=True).get_completions(Document(rest), event)
            return names.get_completions(document, event)

    session: PromptSession[str] = PromptSession(
        history=KeptHistory(str(history)) if history is not None else InMemoryHistory(),
        completer=NamesAndFiles(),
        complete_while_typing=False,
        key_bindings=keys,
    )
    return lambda prompt: session.prompt(prompt)


def from_pipe(prompt: str) -> str:
    """The next line of standard input that is not empty.

    Raises:
        EOFError: There is none.
        PrcEmoError: It is not UTF-8.
    """
    while line := sys.stdin.buffer.readline():
        if text := decode(line, "standard input").strip():
            return text
    raise EOFError
