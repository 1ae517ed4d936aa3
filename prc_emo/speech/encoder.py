"""What every speech encoder is to the rest: waves in, frames out, and an id that names all that decides them.

Letters: N samples, T frames, L layers, D width.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from prc_emo.errors import PrcEmoError
from prc_emo.speech.audio import Samples

LOG_MEL = "log_mel"


class Encoder(Protocol):
    """`layers` is None where frames are (T, D), or L where they are (L, T, D), for a learned weighted sum."""

    @property
    def id(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def layers(self) -> int | None: ...
    @property
    def frames_per_second(self) -> float: ...

    def __call__(self, waves: Sequence[Samples]) -> list[NDArray[np.float32]]:
        """Frames of each wave (N,) at 16 kHz; what stands beside it in the list changes nothing."""
        ...


def encoder(name: str, **options: Any) -> Encoder:
    """`log_mel`, or a model of the hub or a local folder; options as `LogMel` and `Pretrained` take them.

    >>> encoder("log_mel", bands=40, stack=2).width
    84
    """
    make: Callable[..., Encoder]
    if name == LOG_MEL:
        from prc_emo.speech.log_mel import LogMel

        make = LogMel
    else:
        from prc_emo.speech.pretrained import Pretrained

        make = partial(Pretrained, name)
    try:
        return make(**options)
    except TypeError as error:
        raise PrcEmoError(f"Encoder {name!r}: {error}.") from None
