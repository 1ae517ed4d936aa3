"""What a model is given of the voices of some utterances: frames by id, or the reason why nothing is heard.

Knows utterances and arrays; where the frames come from is told by the sources beside it: `Frames` of recordings, `Units`,
`Features`. Letters: T frames, L layers, D width.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
        contents: What each is heard in, as a hash: of the recording, the units or the array.
    """

    frames: Mapping[str, Array]
    unheard: Mapping[str, Unheard]
    cut: tuple[str, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)

    def counts(self, only: Container[str] | None = None) -> dict[str, int]:
        """How many, or how many with an id of `only`, are heard, cut, and unheard for which reason; for reports."""
        heard, cut, unheard = (
            [id for id in ids if only is None or id in only] for ids in (self.frames, self.cut, self.unheard)
        )
        reasons = Counter[str](self.unheard[id].reason for id in unheard)
        return {"heard": len(heard), "cut": len(cut), **dict(reasons.most_common())}


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
    """A mapping that holds ids only and loads the rest each time it is asked; so a corpus need not fit in memory.

    Args:
        lengths: T of each, which is known without loading.
    """

    def __init__(self, lengths: Mapping[str, int], load: Callable[[str], Array]) -> None:
        self.lengths, self._load = lengths, load

    def __getitem__(self, id: str) -> Array:
        if id not in self.lengths:
            raise KeyError(id)
        return self._load(id)

    def __contains__(self, id: object) -> bool:  # Mapping's own would load it
        return id in self.lengths

    def __iter__(self) -> Iterator[str]:
        return iter(self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)


def length(frames: Array) -> int:
    """T of (T, D), (L, T, D) or (T,)."""
    return frames.shape[-2] if frames.ndim > 1 else len(frames)


def refuse(utterance: Utterance, why: Unheard) -> PrcEmoError:
    """The error that strict sources raise."""
    file = f", {utterance.audio}" if utterance.audio is not None else ""
    detail = f" ({why.detail})" if why.detail else ""
    return PrcEmoError(
        f"{utterance.id}{file}: {why.reason}{detail}. Repair it, or go without strict: then it is counted and not heard."
    )
