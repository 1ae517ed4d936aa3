"""Conversations from easy to hard, and which training examples are theirs.

Knows numbers only; what makes a conversation hard was decided before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import CurriculumError


@dataclass(frozen=True)
class Piece:
    """What one phase draws from: the conversations of rank `low` to `high`, the latter not included."""

    name: str
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class Ranking:
    """All examples, the easiest conversation's first; ``examples[ends[r]:ends[r + 1]]`` are those of rank r.

    >>> ranking = Ranking.of([0.9, 0.1, 0.5], sizes=[2, 1, 3])
    >>> ranking.examples.tolist()
    [2, 3, 4, 5, 0, 1]
    >>> ranking.ends.tolist()
    [0, 1, 4, 6]
    """

    examples: NDArray[np.int64]  # (examples,)
    ends: NDArray[np.int64]  # (conversations + 1,)

    def __len__(self) -> int:
        """The number of conversations."""
        return len(self.ends) - 1

    def among(self, piece: Piece) -> NDArray[np.int64]:
        """The examples of these conversations, easiest first."""
        return self.examples[self.ends[piece.low] : self.ends[piece.high]]

    @classmethod
    def of(
        cls,
        difficulties: Sequence[float] | NDArray[np.float64],
        sizes: Sequence[int] | NDArray[np.int64] | None = None,
    ) -> "Ranking":
        """Ranks conversations; equally hard ones keep their places.

        Args:
            difficulties: One number per conversation, shape (conversations,).
            sizes: Training examples per conversation, 1 each when left out.

        Raises:
            CurriculumError: No conversations, a difficulty that is not finite, or sizes that do not fit.
        """
        hardness = np.asarray(difficulties, dtype=np.float64)
        if hardness.ndim != 1 or not len(hardness):
            raise CurriculumError(
                f"Expected one difficulty per conversation, got an array of shape {hardness.shape}."
            )
        if not np.isfinite(hardness).all():
            first = int(np.flatnonzero(~np.isfinite(hardness))[0])
            raise CurriculumError(
                f"Conversation {first} (from 0): expected a finite difficulty, got {hardness[first]}."
            )
        counts = (
            np.ones(len(hardness), dtype=np.int64) if sizes is None else np.asarray(sizes, dtype=np.int64)
        )
        if counts.shape != hardness.shape:
            raise CurriculumError(f"Expected {len(hardness)} sizes, one per conversation, got {counts.size}.")
        if (counts < 0).any():
            first = int(np.flatnonzero(counts < 0)[0])
            raise CurriculumError(
                f"Conversation {first} (from 0): expected 0 or more examples, got {counts[first]}."
            )
        by_rank = np.argsort(hardness, kind="stable")
        ends = np.concatenate([[0], np.cumsum(counts[by_rank])])
        starts = np.cumsum(counts) - counts
        # an example's number is where its conversation starts in the corpus plus its place in the conversation;
        # its index here is where its conversation starts in the ranking plus that same place
        shift = np.repeat(starts[by_rank] - ends[:-1], counts[by_rank])
        return cls(shift + np.arange(ends[-1]), ends)
