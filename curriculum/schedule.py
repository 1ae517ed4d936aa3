"""Which examples does training see, and in which order?

A schedule knows how difficult each conversation is and how many examples it holds, never the examples themselves:
it reads no file and needs no torch. Conversations are ranked from easy to hard (equals keep their places), buckets
are contiguous pieces of the ranking, one epoch is one phase, and inside a phase the examples are shuffled.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from curriculum.errors import CurriculumError, nearest
from curriculum.order import Order, Phase
from curriculum.ranking import Piece, Ranking


@dataclass(frozen=True, kw_only=True)
class Schedule(ABC):
    """A way to train from easy to hard, or not; see `BabySteps` and its neighbours.

    >>> order = BabySteps(buckets=2, epochs=2).order([0.9, 0.1, 0.5, 0.3], seed=42)
    >>> [phase.name for phase in order.phases]
    ['epoch 1: buckets 1-1 of 2', 'epoch 2: buckets 1-2 of 2']
    >>> sorted(order.positions[:2].tolist()), sorted(order.positions[2:].tolist())
    ([1, 3], [0, 1, 2, 3])
    """

    epochs: int = 4

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is int and (type(value) is not int or value < 1):
                raise CurriculumError(
                    f"{type(self).__name__}: expected a whole number from 1 as {field.name}, got {value!r}."
                )

    @abstractmethod
    def piece(self, epoch: int, conversations: int) -> Piece:
        """What epoch `epoch` (from 1) draws from, when there are so many conversations."""

    def draw(
        self, epoch: int, ranking: Ranking, length: int, batch: int, source: np.random.PCG64
    ) -> NDArray[np.int64]:
        """`length` examples of the epoch's piece: all of them shuffled, again and again until there are enough."""
        pool = ranking.among(self.piece(epoch, len(ranking)))
        passes = [
            pool[np.argsort(source.random_raw(len(pool)), kind="stable")]
            for _ in range(math.ceil(length / len(pool)))
        ]
        return np.concatenate(passes)[:length]

    def order(
        self,
        difficulties: Sequence[float] | NDArray[np.float64],
        *,
        sizes: Sequence[int] | NDArray[np.int64] | None = None,
        seed: int,
        batch: int = 1,
        steps: int | None = None,
    ) -> Order:
        """The flat order of all epochs.

        Each phase's length is a multiple of `batch`, so that no optimiser step mixes two phases: the odd tail is
        filled from another shuffle of the same phase.

        Args:
            difficulties: One number per conversation.
            sizes: How many training examples each conversation holds, 1 each when left out. Examples are numbered
                conversation by conversation.
            seed: Of the shuffles, 0 or more; each phase has its own stream.
            batch: Examples per optimiser step, over all devices and accumulated gradients.
            steps: Optimiser steps in all, so that arms of an ablation train equally long: the last phase is
                repeated or cut to fit.

        Raises:
            CurriculumError: Difficulties and sizes do not fit, too few conversations, or too few steps.
        """
        if batch < 1 or seed < 0:
            raise CurriculumError(
                f"Expected a batch of 1 or more and a seed of 0 or more, got {batch} and {seed}."
            )
        ranking = Ranking.of(difficulties, sizes)
        drawn: list[NDArray[np.int64]] = []
        phases: list[Phase] = []
        at = filled = 0
        for epoch in range(1, self.epochs + 1):
            piece = self.piece(epoch, len(ranking))
            available = len(ranking.among(piece))
            if not available:
                raise CurriculumError(f"{piece.name} has no examples. Use fewer buckets.")
            length = math.ceil(available / batch) * batch
            if steps is not None and epoch == self.epochs:
                length = steps * batch - at
                if length <= 0:
                    raise CurriculumError(
                        f"steps={steps} leaves nothing for the last phase ({piece.name}): the phases before take "
                        f"{at // batch} steps. Ask for more steps or fewer epochs."
                    )
            else:
                filled += length - available
            # raw bits instead of a Generator: numpy promises that they stay the same from version to version
            source = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(epoch,)))
            drawn.append(self.draw(epoch, ranking, length, batch, source))
            phases.append(Phase(piece.name, at, at + length))
            at += length
        return Order(np.concatenate(drawn), tuple(phases), filled)


@dataclass(frozen=True, kw_only=True)
class Shuffled(Schedule):
    """No curriculum: every epoch is everything, shuffled. The same form as the others, to compare with."""

    def piece(self, epoch: int, conversations: int) -> Piece:
        return Piece(f"epoch {epoch}: all", 0, conversations)


@dataclass(frozen=True, kw_only=True)
class _Bucketed(Schedule):
    buckets: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epochs < self.buckets:
            raise CurriculumError(
                f"{type(self).__name__}: {self.buckets} buckets need {self.buckets} epochs or more, got "
                f"{self.epochs}; some conversations would never be seen."
            )

    def _buckets(self, epoch: int, first: int, last: int, conversations: int) -> Piece:
        """Buckets `first` to `last` (both included, from 1)."""
        if conversations < self.buckets:
            raise CurriculumError(
                f"{type(self).__name__}: {self.buckets} buckets need as many conversations, got {conversations}."
            )
        edges = [conversations * bucket // self.buckets for bucket in range(self.buckets + 1)]
        return Piece(
            f"epoch {epoch}: buckets {first}-{last} of {self.buckets}", edges[first - 1], edges[last]
        )


@dataclass(frozen=True, kw_only=True)
class BabySteps(_Bucketed):
    """Epoch e draws from the easiest min(e, buckets) buckets: the paper's scheduler (2 buckets, 4 epochs)."""

    def piece(self, epoch: int, conversations: int) -> Piece:
        return self._buckets(epoch, 1, min(epoch, self.buckets), conversations)


@dataclass(frozen=True, kw_only=True)
class Reversed(_Bucketed):
    """Baby steps from the other end: epoch e draws from the hardest min(e, buckets) buckets."""

    def piece(self, epoch: int, conversations: int) -> Piece:
        return self._buckets(epoch, max(1, self.buckets + 1 - epoch), self.buckets, conversations)


@dataclass(frozen=True, kw_only=True)
class OnePass(_Bucketed):
    """One bucket after the other, never back; the epochs are dealt out to the buckets.

    The one-pass curriculum of Bengio et al. (ICML 2009), as Cirik et al. (2016) name it beside baby steps.
    """

    def piece(self, epoch: int, conversations: int) -> Piece:
        bucket = (epoch - 1) * self.buckets // self.epochs + 1
        return self._buckets(epoch, bucket, bucket, conversations)


@dataclass(frozen=True, kw_only=True)
class Competence(Schedule):
    """Each optimiser step draws from the easiest share c of the conversations, and c grows step by step.

    Root-2 competence of Platanios et al. (NAACL 2019, section 2.2): ``c(t) = sqrt(t (1 - start^2) + start^2)``
    with t from 0 to 1 over all epochs but the last, drawing with replacement. The last epoch is everything,
    shuffled, so that nothing stays unseen.
    """

    start: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.start, float | int) or not 0 < self.start <= 1:
            raise CurriculumError(f"Competence: expected a start above 0 and up to 1, got {self.start!r}.")
        if self.epochs < 2:
            raise CurriculumError(
                "Competence: expected 2 epochs or more, got 1; there is nothing to grow over."
            )

    def piece(self, epoch: int, conversations: int) -> Piece:
        if epoch == self.epochs:
            return Piece(f"epoch {epoch}: all", 0, conversations)
        low, high = self._at(np.array([epoch - 1.0, epoch]))
        return Piece(f"epoch {epoch}: competence {low:.2f}-{high:.2f}", 0, conversations)

    def draw(
        self, epoch: int, ranking: Ranking, length: int, batch: int, source: np.random.PCG64
    ) -> NDArray[np.int64]:
        if epoch == self.epochs:
            return super().draw(epoch, ranking, length, batch, source)
        step = np.arange(length) // batch
        share = self._at(epoch - 1 + step * batch / length)
        # (length,): each position draws from so many of the easiest examples
        within = ranking.ends[np.ceil(share * len(ranking)).astype(np.int64)]
        # the easiest conversations may hold no example at all
        within = np.maximum(within, ranking.ends[ranking.ends > 0][0])
        uniform = (source.random_raw(length) >> np.uint64(11)) * 2.0**-53
        return ranking.examples[(uniform * within).astype(np.int64)]

    def _at(self, epochs_done: NDArray[np.float64]) -> NDArray[np.float64]:
        time = epochs_done / (self.epochs - 1)
        return np.minimum(np.sqrt(time * (1 - self.start**2) + self.start**2), 1.0)


SCHEDULES: dict[str, type[Schedule]] = {
    "baby-steps": BabySteps,
    "one-pass": OnePass,
    "reversed": Reversed,
    "shuffled": Shuffled,
    "competence": Competence,
}


def make_schedule(name: str, **parameters: int | float) -> Schedule:
    """The schedule of that name in `SCHEDULES`, as a configuration file names it.

    >>> make_schedule("baby-steps", buckets=3)
    BabySteps(epochs=4, buckets=3)

    Raises:
        CurriculumError: There is no such schedule, or it has no such parameter; the message offers the nearest.
    """
    if name not in SCHEDULES:
        raise CurriculumError(
            f"{name!r} is not a schedule. {nearest(name, SCHEDULES)}Known: {', '.join(SCHEDULES)}."
        )
    known = [field.name for field in fields(SCHEDULES[name])]
    for parameter in parameters:
        if parameter not in known:
            raise CurriculumError(
                f"Schedule {name!r} has no parameter {parameter!r}. {nearest(parameter, known)}Known: {', '.join(known)}."
            )
    return SCHEDULES[name](**parameters)  # type: ignore[arg-type]  # each class checks its own values
