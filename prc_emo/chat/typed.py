"""What somebody typed or pasted, told apart: a command, a dialogue of several people, or words of one's own."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

# up to four words, so that "What I mean is this: no." is no speaker
_LINE = re.compile(r"\s*(?P<name>[^\s:/][^\s:]*(?: [^\s:]+){0,3})\s*:\s+(?P<words>\S.*)")


@dataclass(frozen=True, slots=True)
class Command:
    """`/as Mara` is `Command("as", "Mara")`."""

    name: str
    argument: str


Dialogue = tuple[tuple[str, str], ...]


def understand(
    text: str, speakers: Collection[str], *, lines_name_speakers: bool = False
) -> Command | Dialogue | str:
    r"""The command, the (speaker, words) of a dialogue, or the words as they are.

    >>> understand("/as Mara", [])
    Command(name='as', argument='Mara')
    >>> understand("Ross: I'm fine.\nMonica: You're not.", [])
    (('Ross', "I'm fine."), ('Monica', "You're not."))

    One line is a dialogue where its name is that of somebody who spoke before.

    >>> understand("Note: it rains.", ["Ross"])
    'Note: it rains.'

    Args:
        speakers: Who spoke before.
        lines_name_speakers: One line with any name is a dialogue too, as in a file of such lines.
    """
    text = text.strip()
    if text.startswith("/") and not text.startswith("//"):
        name, _, argument = text[1:].partition(" ")
        return Command(name.lower(), argument.strip())
    text = text.removeprefix("/") if text.startswith("//") else text
    lines = _lines(text)
    found = tuple((line["name"], line["words"].strip()) for line in lines if line is not None)
    if len(found) == len(lines) and (
        len(found) > 1 or (found and (lines_name_speakers or found[0][0] in speakers))
    ):
        return found
    return text


def hint(words: str) -> str:
    r"""What somebody is told whose words are nearly a dialogue; empty where they are not.

    >>> hint("Ross: I'm fine.\nMonica: You're not.\n(He leaves.)")
    'Taken as one turn: line 3 of 3 names no speaker. For a dialogue, take it back, and begin every line with NAME: and words.'
    """
    lines = _lines(words)
    unnamed = [number for number, line in enumerate(lines, start=1) if line is None]
    if not unnamed or len(unnamed) >= len(lines) - 1:
        return ""
    return (
        f"Taken as one turn: line {unnamed[0]} of {len(lines)} names no speaker. "
        "For a dialogue, take it back, and begin every line with NAME: and words."
    )


def _lines(text: str) -> list[re.Match[str] | None]:
    """The lines in which there is something; None for one that names no speaker."""
    return [_LINE.fullmatch(line) for line in text.splitlines() if line.strip()]


def file_and_words(argument: str) -> tuple[Path, str]:
    """The longest beginning that names a file, which may have spaces or be quoted, and the words after it.

    Where no file is meant, the first word is taken for its name.
    """
    for end in [len(argument), *(at for at in range(len(argument) - 1, 0, -1) if argument[at] == " ")]:
        # a terminal into which a file is dropped quotes its name, or has a backslash before each space
        name = argument[:end].strip("'\"").replace("\\ ", " ")
        if os.path.isfile(path := os.path.expanduser(name)):  # noqa: PTH111, PTH113  a Path raises for odd names
            return Path(path), argument[end:].strip()
    first, _, rest = argument.partition(" ")
    return Path(first), rest.strip()
