"""Which of the ranked candidates of one query are shown. Knows numbers only: positions, scores, codes.

Letters: F candidates, best first; D dimensions.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from retrieval_store.embedder import Vectors
from retrieval_store.errors import StoreError


@dataclass(frozen=True, slots=True)
class Wish:
    """How many to show and how they should differ.

    Args:
        k: Demonstrations per query.
        per_label: At most so many of one label; None for any number.
        mmr: Maximal marginal relevance (Carbonell and Goldstein 1998): the weight of nearness to the query, against
            likeness to what is shown already. 1 is nearness alone, None does not weigh at all.
    """

    k: int
    per_label: int | None = None
    mmr: float | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise StoreError(f"Asked for k={self.k} demonstrations; k should be 1 or more.")
        if self.per_label is not None and self.per_label < 1:
            raise StoreError(
                f"Asked for per_label={self.per_label}; it should be 1 or more, or None for no limit."
            )
        if self.mmr is not None and not 0 <= self.mmr <= 1:
            raise StoreError(
                f"Asked for mmr={self.mmr}; it should lie between 0 (most varied) and 1 (nearest)."
            )

    @property
    def pool(self) -> int:
        """Candidates that are weighed for each place."""
        return 1 if self.mmr is None else max(32, 4 * self.k)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The nearest rows of one query, best first: all of length F."""

    scores: Sequence[float]
    rows: Sequence[int]
    reasons: Sequence[int]  # 0: may be shown
    labels: Sequence[int]
    texts: Sequence[int]


def select(candidates: Candidates, wish: Wish, vectors: Vectors, exhausted: bool) -> list[int] | None:
    """Positions of the candidates to show, in the order to show them in.

    Args:
        candidates: The nearest rows.
        wish: How many, and how different.
        vectors: (N, D) of the store, for their likeness among each other.
        exhausted: The store holds nothing beyond these candidates.

    Returns:
        At most k positions; fewer only when exhausted. None: further candidates could change the answer.
    """
    shown: list[int] = []
    texts: set[int] = set()
    labels: Counter[int] = Counter()

    def open_places() -> Iterator[int]:
        for at, reason in enumerate(candidates.reasons):
            if reason or candidates.texts[at] in texts:
                continue
            if wish.per_label is None or labels[candidates.labels[at]] < wish.per_label:
                yield at

    for _ in range(wish.k):
        pool = list(islice(open_places(), wish.pool))
        if len(pool) < wish.pool and not exhausted:
            return None
        if not pool:
            break
        best = pool[0] if wish.mmr is None else _most_marginal(pool, shown, candidates, wish.mmr, vectors)
        shown.append(best)
        texts.add(candidates.texts[best])
        labels[candidates.labels[best]] += 1
    return shown


def _most_marginal(
    pool: list[int], shown: list[int], candidates: Candidates, weight: float, vectors: Vectors
) -> int:
    """The place with the best ``weight * score - (1 - weight) * likeness to the most alike shown``; ties to the nearer."""
    value = weight * np.array([candidates.scores[at] for at in pool], dtype=np.float64)
    if shown:
        here = vectors[[candidates.rows[at] for at in pool]]
        there = vectors[[candidates.rows[at] for at in shown]]
        value -= (1 - weight) * np.einsum("pd,sd->ps", here, there).max(axis=1)
    return pool[int(value.argmax())]
