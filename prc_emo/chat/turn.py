"""What a session remembers: turns, and what was read in each. Frozen records that know their own JSON, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curriculum.wheel import Wheel


@dataclass(frozen=True, slots=True)
class Shown:
    """A demonstration that the prompt held: its label as it reads here, and its cosine with the turn."""

    id: str
    text: str
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Voice:
    """What became of a turn's recording: whether it was heard, and why not, or how much of it.

    >>> str(Voice(False, "too short (0.05 s, expected at least 0.10 s)"))
    'not heard: too short (0.05 s, expected at least 0.10 s)'
    """

    heard: bool
    detail: str = ""

    def __str__(self) -> str:
        return ("" if self.heard else "not ") + "heard" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a recognizer read in one turn, and on what evidence.

    >>> Reading("joy", {"joy": 0.75, "sadness": 0.25}).confidence
    0.75

    Attributes:
        label: None where the model's answer could not be read.
        probabilities: Of every label; empty for a recognizer that has none.
        shown: The demonstrations that the prompt really held, most similar first.
        held_back: How many were nearer but might not be shown, by reason.
        before: How many turns before it the prompt held, and `after`, how many after it.
        cut: What did not fit into the prompt, in the order in which it went.
        voice: What became of the recording; None where there was none, or the recognizer hears no recordings.
    """

    label: str | None
    probabilities: Mapping[str, float]
    shown: tuple[Shown, ...] = ()
    held_back: Mapping[str, int] = field(default_factory=dict)
    before: int = 0
    after: int = 0
    cut: tuple[str, ...] = ()
    voice: Voice | None = None

    @property
    def confidence(self) -> float | None:
        """The probability of the label, where there are probabilities."""
        return None if self.label is None else self.probabilities.get(self.label)

    @property
    def likely(self) -> list[tuple[str, float]]:
        """The labels with their probabilities, the likeliest first."""
        return sorted(self.probabilities.items(), key=lambda one: -one[1])

    @property
    def valence(self) -> float | None:
        """How pleasant, from -1 to 1, expected over the probabilities; None where a label is on no emotion wheel."""
        points = Wheel.default().points
        weights = self.probabilities or ({self.label: 1.0} if self.label is not None else {})
        if not weights or any(label.strip().lower() not in points for label in weights):
            return None
        return sum(points[label.strip().lower()].valence * weight for label, weight in weights.items())

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Reading":
        shown = tuple(Shown(**one) for one in value["shown"])
        voice = Voice(**value["voice"]) if value.get("voice") else None
        return cls(**{**value, "shown": shown, "cut": tuple(value["cut"]), "voice": voice})


def percent(share: float, decimals: int = 0) -> str:
    """A share as people write it.

    >>> percent(0.625), percent(0.0625, 1)
    ('62 %', '6.2 %')
    """
    return f"{100 * share:.{decimals}f} %"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a session.

    Attributes:
        number: Its place, from 0.
        by: Who made up a reply, such as "retrieved from everyday/social-01/3"; empty where a person spoke.
        reading: None for a reply: it is context for what people say next, and has no emotion to be read.
        audio: Its recording, a copy that is the session's own; then the text may be empty.
    """

    number: int
    speaker: str
    text: str
    by: str = ""
    reading: Reading | None = None
    audio: Path | None = None

    @property
    def voice(self) -> str:
        """What became of its recording, for people; empty where it has none."""
        if self.audio is None:
            return ""
        voice = self.reading.voice if self.reading else None
        return str(voice or Voice(False, "this recognizer hears no recordings"))


@dataclass(frozen=True, slots=True)
class Shift:
    """How a speaker's emotion differs from that of the turn in which they spoke last."""

    before: str
    now: str
    valence: float | None  # how much more pleasant it is now


def shift(turns: Sequence[Turn], number: int) -> Shift | None:
    """How the emotion of a turn differs from that of its speaker's turn before; None where it does not."""
    turn = turns[number]
    for earlier in reversed(turns[:number]):
        if earlier.speaker == turn.speaker and earlier.reading and turn.reading:
            then, now = earlier.reading, turn.reading
            if then.label == now.label or then.label is None or now.label is None:
                return None
            known = then.valence is not None and now.valence is not None
            return Shift(then.label, now.label, now.valence - then.valence if known else None)  # type: ignore[operator]
    return None
