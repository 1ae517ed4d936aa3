"""How hard a conversation is to learn from: none, ES, WES or PRC-Emo, one function each.

Knows who speaks and with which emotion, through the Protocol `Turn`; never the words that were said. All measures
but `none` share one form (PRC-Emo paper, arXiv 2511.07061, curriculum section and Algorithm 1):

    DIF = (weighted emotional shifts + speakers) / (utterances + speakers)

A shift is a change between two labels that differ. Labels are compared as they are spelled: a conversation comes
in the words of one label set. A turn that nobody labelled has no emotion to shift from: leave it out.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from inspect import signature
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import CurriculumError, nearest
from curriculum.wheel import Wheel

Shift = tuple[str, str]


class Turn(Protocol):
    """What a measure needs of an utterance."""

    @property
    def speaker(self) -> str: ...

    @property
    def emotion(self) -> str: ...


class Measure(Protocol):
    """A way to call a conversation hard; they all take the same options and use what they need of them.

    Args:
        turns: The labelled turns of one conversation, in order; at least one.
        n_labels: How many labels the corpus has.
        k: What similarity adds to a shift's weight. Positive: a shift between similar emotions is harder to tell.
        b: What every shift weighs at least.
        every_change: Algorithm 1 as printed: a change of speaker adds b even where the emotion stays. The paper's
            text and its released code count only shifts, which is the default.
        wheel: Where the emotions lie.
    """

    def __call__(
        self,
        turns: Sequence[Turn],
        *,
        n_labels: int,
        k: float = 1.0,
        b: float = 0.4,
        every_change: bool = False,
        wheel: Wheel | None = None,
    ) -> float: ...


def none(turns: Sequence[Turn], **weights: object) -> float:
    """All conversations are alike: buckets then follow the order of the corpus."""
    return 0.0


def emotion_shift(turns: Sequence[Turn], **weights: object) -> float:
    """ES: how often a speaker's emotion differs from the same speaker's last one, each shift counted as 1."""
    return _normalised(len(own_shifts(turns)), turns)


def weighted_shift(
    turns: Sequence[Turn],
    *,
    n_labels: int,
    k: float = 1.0,
    b: float = 0.4,
    every_change: bool = False,
    wheel: Wheel | None = None,
) -> float:
    """WES: the shifts of ES, each weighing ``k * similarity + b``."""
    shifts = own_shifts(turns)
    return _normalised(k * _similarities(shifts, n_labels, wheel) + b * len(shifts), turns)


def prc_emo(
    turns: Sequence[Turn],
    *,
    n_labels: int,
    k: float = 1.0,
    b: float = 0.4,
    every_change: bool = False,
    wheel: Wheel | None = None,
) -> float:
    """PRC-Emo: the shifts of WES and those from one speaker to the next, each weighing ``k * similarity + b``."""
    exchanges = speaker_changes(turns)
    between = [pair for pair in exchanges if pair[0] != pair[1]]
    shifts = own_shifts(turns) + between
    unmoved = len(exchanges) - len(between) if every_change else 0
    return _normalised(k * _similarities(shifts, n_labels, wheel) + b * (len(shifts) + unmoved), turns)


DIFFICULTIES: dict[str, Measure] = {
    "none": none,
    "es": emotion_shift,
    "wes": weighted_shift,
    "prc-emo": prc_emo,
}


def difficulties(
    conversations: Iterable[Sequence[Turn]],
    measure: str,
    *,
    n_labels: int,
    k: float = 1.0,
    b: float = 0.4,
    every_change: bool = False,
    wheel: Wheel | None = None,
) -> NDArray[np.float64]:
    """The difficulty of each conversation by the measure of that name in `DIFFICULTIES`, shape (conversations,).

    Raises:
        CurriculumError: There is no such measure, it does not take what measures are given or fails, a conversation is empty,
            or an emotion is not on the wheel.
    """
    if measure not in DIFFICULTIES:
        raise CurriculumError(
            f"{measure!r} is not a measure of difficulty. {nearest(measure, DIFFICULTIES)}"
            f"Known: {', '.join(DIFFICULTIES)}."
        )
    function = DIFFICULTIES[measure]
    weights: dict[str, Any] = {
        "n_labels": n_labels,
        "k": k,
        "b": b,
        "every_change": every_change,
        "wheel": wheel,
    }
    try:
        signature(function).bind((), **weights)
    except TypeError as error:
        raise CurriculumError(
            f"The measure {measure!r} cannot be asked: {error}. Define it as a function of (turns, **weights)."
        ) from None

    def asked(number: int, turns: Sequence[Turn]) -> float:
        try:
            return float(function(turns, **weights))
        except CurriculumError:
            raise
        except Exception as error:  # of somebody's own measure
            raise CurriculumError(
                f"The measure {measure!r} failed on conversation {number} of {len(turns)} turns: {error!r}."
            ) from error

    return np.array([asked(number, turns) for number, turns in enumerate(conversations)], dtype=np.float64)


def own_shifts(turns: Sequence[Turn]) -> list[Shift]:
    """Each change from a speaker's last emotion to the same speaker's next, whoever spoke in between."""
    last: dict[str, str] = {}
    shifts = []
    for turn in turns:
        speaker, emotion = turn.speaker, turn.emotion
        before = last.get(speaker, emotion)
        if before != emotion:
            shifts.append((before, emotion))
        last[speaker] = emotion
    return shifts


def speaker_changes(turns: Sequence[Turn]) -> list[Shift]:
    """The two emotions around each change of speaker, alike or not."""
    return [
        (before.emotion, turn.emotion) for before, turn in pairwise(turns) if before.speaker != turn.speaker
    ]


def _normalised(weight: float, turns: Sequence[Turn]) -> float:
    if not turns:
        raise CurriculumError("A conversation without labelled turns has no difficulty: leave it out.")
    speakers = len({turn.speaker for turn in turns})
    return (weight + speakers) / (len(turns) + speakers)


def _similarities(shifts: list[Shift], n_labels: int, wheel: Wheel | None) -> float:
    wheel = wheel or Wheel.default()
    return sum(_similarity(wheel, before, after, n_labels) for before, after in shifts)


# A corpus has some fifty pairs of labels and millions of shifts.
@lru_cache(maxsize=4096)
def _similarity(wheel: Wheel, before: str, after: str, n_labels: int) -> float:
    return wheel.similarity(before, after, n_labels)
