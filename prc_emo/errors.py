"""The one kind of error that is meant for the person in front of the screen.

The command line prints its sentence on one line and exits with 2; a traceback is for errors that are ours.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class PrcEmoError(ValueError):
    """Says what was expected, what came and what to do, with the file, line or id."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The part of an error message that offers the likely intention and lists what is known.

    >>> did_you_mean("joyful", ["anger", "joy"])
    "Did you mean 'joy'? Known: anger, joy."
    >>> did_you_mean("xyz", ["anger", "joy"])
    'Known: anger, joy.'
    """
    names = sorted(known)
    lowered = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    hint = f"Did you mean {lowered[near[0]]!r}? " if near else ""
    return f"{hint}Known: {', '.join(names)}."
