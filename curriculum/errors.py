"""The one kind of error of this package that is meant for its user, and how it offers the nearest known name."""

from collections.abc import Iterable
from difflib import get_close_matches


class CurriculumError(ValueError):
    """Says what was expected, what came and what to do."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The likely intention as a sentence with a space behind it, or nothing.

    >>> nearest("joyfull", ["joyful", "anger"])
    "Did you mean 'joyful'? "
    """
    close = get_close_matches(word.strip().lower(), list(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}? " if close else ""
