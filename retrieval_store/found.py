"""What a search answers: the demonstrations that may be shown, and those that were nearer but may not be."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from retrieval_store.demonstration import Demonstration

Reason = Literal[
    "same utterance",  # the four of `Exclude`
    "same dialogue",
    "same text",
    "evaluation split",
    "no such label here",  # `relabel` has no word for it
    "filtered",  # `where`
    "repeated",  # the same text is already among the hits
    "quota",  # `per_label`
    "too alike",  # `mmr`
]
REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Hit:
    """A demonstration to show, its label in the words of the corpus that asks, and its cosine with the query."""

    demonstration: Demonstration
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Excluded:
    """A demonstration that was nearer than the last hit and is not shown. The first reason in `REASONS` is given."""

    demonstration: Demonstration
    score: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to one query, best first.

    ``hits`` is shorter than k when no more may be shown. ``excluded`` holds what ranked before the last hit; where
    there is no hit at all, the k nearest that were left out, so that one sees why.
    """

    hits: tuple[Hit, ...]
    excluded: tuple[Excluded, ...]


def count_excluded(founds: Iterable[Found]) -> dict[str, int]:
    """How often each reason took a place among many answers; reasons that never did are left out."""
    counts = Counter(excluded.reason for found in founds for excluded in found.excluded)
    return {reason: counts[reason] for reason in REASONS if counts[reason]}
