"""How sure are we of a score, and of a difference between two? Resamples whole dialogues; knows no model.

Utterances of a dialogue lean on each other, so the dialogue is what is drawn with replacement. Confusion matrices
add up, so a dialogue is reduced to one, and 2,000 resamples are one matrix product.

Letters: R resamples, S seeds (runs of one experiment), D dialogues, K labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prc_emo.bench.metrics import labels_of
from prc_emo.bench.predictions import Judged, refuse_different_utterances
from prc_emo.errors import PrcEmoError

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its percentile bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the first is than the second, its interval, and how easily chance alone does as much."""

    value: float
    low: float
    high: float
    p: float


def wf1_of(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Support-weighted F1 of confusion matrices (..., K, K + 1), whose last column is unreadable."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)  # (..., K)
    support = confusion.sum(axis=-1)  # (..., K)
    answered = confusion[..., :-1].sum(axis=-2)  # (..., K)
    f1 = 2 * right / np.maximum(support + answered, 1)  # 0 where a label neither occurs nor is answered
    return (f1 * support).sum(axis=-1) / support.sum(axis=-1)


def accuracy_of(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Accuracy of confusion matrices (..., K, K + 1)."""
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum(axis=(-2, -1))


def bootstrap(
    runs: Sequence[Sequence[Judged]],
    *,
    seed: int,
    statistic: Statistic = wf1_of,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """The figure of an experiment, meant over its runs, with the interval that other dialogues would have given.

    Args:
        runs: One list of judged utterances per training seed, all of the same utterances; often just one.
        seed: Of the resampling.
        statistic: `wf1_of` or `accuracy_of`.
        resamples: How often the dialogues are drawn anew.
        confidence: Share of the resamples inside the interval.

    Raises:
        PrcEmoError: The runs were scored on different utterances.
    """
    confusion = confusions(runs, labels_of([line for judged in runs for line in judged]))
    drawn = statistic(_resample(confusion, seed, resamples)).mean(axis=-1)  # (R,)
    low, high = _percentiles(drawn, confidence)
    return Interval(float(statistic(confusion.sum(axis=0)).mean()), low, high)


def paired_bootstrap(
    a: Sequence[Sequence[Judged]],
    b: Sequence[Sequence[Judged]],
    *,
    seed: int,
    statistic: Statistic = wf1_of,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Difference:
    """The difference a - b of the figure, both meant over their runs and scored on the same resampled dialogues.

    The two-sided p is the share of resamples whose difference strays from the observed one by at least as much as
    that one does from zero (the bootstrap distribution, shifted to the null: Berg-Kirkpatrick et al. 2012, section 2).

    Raises:
        PrcEmoError: The runs were scored on different utterances.
    """
    labels = labels_of([line for judged in (*a, *b) for line in judged])
    confusion = confusions([*a, *b], labels)  # (D, S, K, K + 1), the runs of a first
    differences = []
    for scores in (statistic(confusion.sum(axis=0)), statistic(_resample(confusion, seed, resamples))):
        differences.append(scores[..., : len(a)].mean(axis=-1) - scores[..., len(a) :].mean(axis=-1))
    observed, drawn = float(differences[0]), differences[1]
    low, high = _percentiles(drawn, confidence)
    # the tolerance counts resamples that are equal but for rounding
    as_far = np.abs(drawn - observed) >= abs(observed) - 1e-12
    return Difference(observed, low, high, p=float((1 + as_far.sum()) / (1 + resamples)))


def mcnemar(a: Sequence[Judged], b: Sequence[Judged]) -> float:
    """Exact two-sided p that a and b are right equally often; utterances count as independent, so it is the bolder test.

    Raises:
        PrcEmoError: The runs were scored on different utterances.
    """
    from scipy.stats import binomtest

    refuse_different_utterances(a, b, ("the first run", "the second run"))
    right_b = {line.id: line.right for line in b}
    only_a = sum(line.right and not right_b[line.id] for line in a)
    only_b = sum(right_b[line.id] and not line.right for line in a)
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def confusions(runs: Sequence[Sequence[Judged]], labels: tuple[str, ...]) -> NDArray[np.float64]:
    """Confusion matrices per dialogue and run (D, S, K, K + 1), dialogues by id."""
    if not runs or not runs[0]:
        raise PrcEmoError(
            "Nothing to resample: expected at least one run with at least one judged utterance."
        )
    for number, other in enumerate(runs[1:], start=2):
        refuse_different_utterances(runs[0], other, ("run 1", f"run {number}"))
    dialogue = {id: at for at, id in enumerate(sorted({line.conversation for line in runs[0]}))}
    place: dict[str | None, int] = {label: at for at, label in enumerate(labels)}
    confusion = np.zeros((len(dialogue), len(runs), len(labels), len(labels) + 1))
    for at, judged in enumerate(runs):
        for line in judged:
            confusion[
                dialogue[line.conversation], at, place[line.gold], place.get(line.label, len(labels))
            ] += 1
    return confusion


def _resample(confusion: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    """(D, S, K, K + 1) per dialogue -> (R, S, K, K + 1), each the sum over D dialogues drawn with replacement."""
    dialogues = len(confusion)
    times = np.random.default_rng(seed).multinomial(
        dialogues, np.full(dialogues, 1 / dialogues), size=resamples
    )  # (R, D)
    summed = times.astype(np.float64) @ confusion.reshape(dialogues, -1)
    return summed.reshape(resamples, *confusion.shape[1:])


def _percentiles(drawn: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
