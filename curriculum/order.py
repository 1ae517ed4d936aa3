"""The outcome of a schedule: one flat order of examples with named phases, which can be saved and checked.

Knows numbers only. It is computed once, before training, and then walked from front to back on any number of
processes; whoever resumes compares the hash.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import CurriculumError


@dataclass(frozen=True)
class Phase:
    """A stretch of the order, ``positions[start:stop]``; models are compared and saved where it ends."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class Order:
    """Which examples training sees, from first to last.

    >>> order = Order(np.array([2, 0, 1, 2, 0, 3]), (Phase("easy", 0, 2), Phase("all", 2, 6)))
    >>> order.steps(batch=2)
    (1, 3)
    >>> Order.from_json(order.to_json()).sha256 == order.sha256
    True

    Args:
        positions: Numbers of examples, int64, read-only, shape (positions,).
        phases: Without gaps from the first position to the last.
        filled: How many examples were added so that every phase ends with a full batch.
    """

    positions: NDArray[np.int64]
    phases: tuple[Phase, ...]
    filled: int = 0

    def __post_init__(self) -> None:
        positions = np.array(self.positions, dtype=np.int64)
        positions.setflags(write=False)
        object.__setattr__(self, "positions", positions)
        starts = [phase.start for phase in self.phases]
        stops = [phase.stop for phase in self.phases]
        gapless = bool(self.phases) and starts == [0, *stops[:-1]] and stops[-1] == len(positions)
        if not gapless or any(phase.start >= phase.stop for phase in self.phases):
            raise CurriculumError(
                f"Expected phases without gaps from 0 to {len(positions)}, got {list(zip(starts, stops, strict=True))}."
            )

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def sha256(self) -> str:
        """Of positions and phases; the same on every machine."""
        digest = hashlib.sha256(self.positions.astype("<i8").tobytes())
        digest.update(json.dumps([asdict(phase) for phase in self.phases]).encode())
        return digest.hexdigest()

    def steps(self, batch: int) -> tuple[int, ...]:
        """The number of optimiser steps done when each phase ends.

        Args:
            batch: Examples per optimiser step, over all devices and accumulated gradients.

        Raises:
            CurriculumError: A phase ends within a batch, which would mix two phases.
        """
        for phase in self.phases:
            if phase.stop % batch:
                raise CurriculumError(
                    f"Phase {phase.name!r} ends at example {phase.stop}, within a batch of {batch}. "
                    f"Make the order again with batch={batch}."
                )
        return tuple(phase.stop // batch for phase in self.phases)

    def to_json(self) -> str:
        """Phases to read, positions to walk, and the hash to check them by."""
        return json.dumps(
            {
                "sha256": self.sha256,
                "filled": self.filled,
                "phases": [asdict(phase) for phase in self.phases],
                "positions": self.positions.tolist(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Order":
        """The order that `to_json` wrote.

        Raises:
            CurriculumError: The text is no order, or positions or phases were changed since.
        """
        try:
            saved: dict[str, Any] = json.loads(text)
            phases = tuple(Phase(**phase) for phase in saved["phases"])
            order = cls(np.array(saved["positions"], dtype=np.int64), phases, saved["filled"])
            written = saved["sha256"]
        except (ValueError, TypeError, KeyError) as error:
            raise CurriculumError(f"Expected the JSON of an order, but it cannot be read: {error}.") from None
        if order.sha256 != written:
            raise CurriculumError(
                f"The order was changed after it was saved: its hash is {order.sha256[:12]}, and {written[:12]} is "
                "written beside it. Make the order again."
            )
        return order
