"""What a model is given of the voices of some utterances: frames by id, or the reason why nothing is heard.

Knows utterances and arrays; where the frames come from is told by the sources beside it: `Frames` of recordings, `Units`,
`Features`. Letters: T frames, L layers, D width.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from prc_emo.conversation import Utterance
from prc_emo.errors import PrcEmoError

Array = NDArray[Any]
Reason = Literal[
    "no recording",
    "missing",
    "empty",
    "corrupt",
    "too short",
    "too long",
    "not finite",
    "silent",
    "no features",
]


@dataclass(frozen=True, slots=True)
class Unheard:
    """Why nothing is heard of an utterance; `detail` is for the person who looks into it.

    >>> Unheard("too short", "0.05 s, expected at least 0.10 s").reason
    'too short'
    """

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """Frames by utterance id, read from disk when they are asked for where they are kept there.

    Attributes:
        frames: (T, D), or (L, T, D) of all layers of an encoder, float32; (T,) integers of discrete units.
        unheard: The reasons of all the others.
        cut: Ids of recordings that go on after what is heard.
    """

    frames: Mapping[str, Array]
    unheard: Mapping[str, Unheard]
    cut: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many are heard, cut, and unheard for which reason; for reports."""
        reasons = Counter[str](each.reason for each in self.unheard.values())
        return {"heard": len(self.frames), "cut": len(self.cut), **dict(reasons.most_common())}


class Source(Protocol):
    """Frames for utterances. `width` is D, or how many units there are; `layers` is L, None without layers."""

    @property
    def id(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def layers(self) -> int | None: ...
    def of(self, utterances: Sequence[Utterance]) -> Heard: ...


class Lazily(Mapping[str, Array]):
    """A mapping that holds ids only and loads the rest each time it is asked; so a corpus need not fit in memory."""

    def __init__(self, ids: Sequence[str], load: Callable[[str], Array]) -> None:
        self._ids, self._load = dict.fromkeys(ids), load

    def __getitem__(self, id: str) -> Array:
        if id not in self._ids:
            raise KeyError(id)
        return self._load(id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def refuse(utterance: Utterance, why: Unheard) -> PrcEmoError:
    """The error that strict sources raise."""
    file = f", {utterance.audio}" if utterance.audio is not None else ""
    detail = f" ({why.detail})" if why.detail else ""
    return PrcEmoError(
        f"{utterance.id}{file}: {why.reason}{detail}. Repair it, or go without strict: then it is counted and not heard."
    )
