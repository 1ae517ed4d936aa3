"""Emotions as points of valence and arousal, and how alike two of them are.

Knows words and geometry (the emotion wheel of the PRC-Emo paper, arXiv 2511.07061, curriculum section). It knows
nothing of conversations. A corpus with a word of its own puts it on the wheel with `Wheel.with_emotion`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from curriculum.errors import CurriculumError, nearest


class Point(NamedTuple):
    """How pleasant (valence) and how stirred (arousal), both from -1 to 1; neutral is the origin."""

    valence: float
    arousal: float


# Degrees on the unit circle, counted from valence 1 towards arousal 1. The paper's words come first in each row,
# then the spellings that corpora use for them.
_DEGREES: dict[int, tuple[str, ...]] = {
    9: ("pleasure", "pleased"),
    27: ("happiness", "joy", "happy", "joyful"),
    45: ("pride", "elation", "powerful", "proud", "elated"),
    63: ("excitement", "excited"),
    81: ("surprise", "interest", "surprised", "interested"),
    99: ("anger", "mad", "irritation", "angry", "irritated"),
    117: ("hate", "hatred"),
    135: ("contempt", "contemptuous"),
    153: ("disgust", "disgusted"),
    171: ("fear", "scared", "fearful", "afraid"),
    189: ("frustration", "disappointment", "frustrated", "disappointed"),
    207: ("shame", "ashamed"),
    225: ("regret", "regretful"),
    243: ("guilt", "guilty"),
    261: ("sadness", "sad"),
    279: ("compassion", "compassionate"),
    297: ("relief", "relieved"),
    315: ("admiration", "admiring"),
    333: ("love", "loving"),
    351: ("contentment", "peaceful", "content", "calm"),
}
_NEUTRAL = ("neutral", "neutrality", "no emotion", "no_emotion")
_BOREDOM = ("boredom", "bored")


def _on_circle(degrees: float, radius: float = 1.0) -> Point:
    # rounded, so that an emotion put at 90 degrees has a valence of 0 and not of 6e-17
    angle = math.radians(degrees)
    return Point(round(radius * math.cos(angle), 12), round(radius * math.sin(angle), 12))


# compared and hashed by identity, which keeps it cheap as a part of a cache key
@dataclass(frozen=True, eq=False)
class Wheel:
    """Words on the plane of valence and arousal.

    >>> wheel = Wheel.default()
    >>> wheel.point("neutral")
    Point(valence=0.0, arousal=0.0)
    >>> round(wheel.similarity("happy", "excited", n_labels=6), 4)
    0.809
    >>> round(wheel.similarity("sarcastic", "contempt", n_labels=6), 4)
    Traceback (most recent call last):
    curriculum.errors.CurriculumError: 'sarcastic' is not on the emotion wheel. Place it with Wheel.default().with_emotion('sarcastic', degrees=...).
    >>> wheel.with_emotion("sarcastic", degrees=135).similarity("sarcastic", "contempt", n_labels=6)
    1.0
    """

    points: Mapping[str, Point] = field(repr=False)

    @staticmethod
    @cache
    def default() -> "Wheel":
        """The paper's wheel; always the same object."""
        points = {word: _on_circle(degrees) for degrees, words in _DEGREES.items() for word in words}
        points |= dict.fromkeys(_NEUTRAL, Point(0.0, 0.0))
        points |= dict.fromkeys(_BOREDOM, Point(-0.5, 0.0))
        return Wheel(MappingProxyType(points))

    def with_emotion(self, word: str, *, degrees: float, radius: float = 1.0) -> "Wheel":
        """A new wheel that also knows `word`; radius 0 makes it as neutral as neutral."""
        if not word.strip() or not math.isfinite(degrees) or not 0 <= radius <= 1:
            raise CurriculumError(
                f"Expected a word, an angle in degrees and a radius from 0 to 1, got {word!r}, {degrees} and {radius}."
            )
        return Wheel(MappingProxyType({**self.points, word.strip().lower(): _on_circle(degrees, radius)}))

    def point(self, label: str) -> Point:
        """Where the emotion lies; case and surrounding space do not matter.

        Raises:
            CurriculumError: The wheel has no such word; the message offers the nearest.
        """
        word = label.strip().lower()
        if word not in self.points:
            raise CurriculumError(
                f"{label!r} is not on the emotion wheel. {nearest(word, self.points)}"
                f"Place it with Wheel.default().with_emotion({word!r}, degrees=...)."
            )
        return self.points[word]

    def similarity(self, first: str, second: str, n_labels: int) -> float:
        """How hard two emotions are to tell apart, from 0 to 1 (the paper's s_ij).

        0 where one is pleasant and the other unpleasant; 1 / n_labels where either has no valence, that is
        where either is neutral; else the cosine of the angle between them, or 0 where that is negative.

        Args:
            first: One emotion.
            second: The other.
            n_labels: How many labels the corpus has (6 for IEMOCAP, 7 for MELD).

        Raises:
            CurriculumError: An emotion is unknown, or n_labels is less than 1.
        """
        if n_labels < 1:
            raise CurriculumError(
                f"n_labels is the number of labels of the corpus: expected 1 or more, got {n_labels}."
            )
        a, b = self.point(first), self.point(second)
        if a.valence * b.valence < 0:
            return 0.0
        if a.valence * b.valence == 0:
            return 1 / n_labels
        cosine = (a.valence * b.valence + a.arousal * b.arousal) / (math.hypot(*a) * math.hypot(*b))
        return max(round(cosine, 12), 0.0)
