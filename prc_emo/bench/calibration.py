"""Do the probabilities mean what they say? Knows answers and gold labels, no model and no file."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prc_emo.bench.predictions import Judged

BINS = 15
_LEAST_PROBABILITY = 1e-12  # keeps the log-likelihood finite when a recognizer was sure and wrong


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose probability lies in (low, high]."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Figures over the answers that came with probabilities.

    Attributes:
        n: How many those are.
        ece: Expected calibration error of the label given, equal-width bins (Guo et al. 2017, equation 3), 0..1.
        brier: Mean squared distance between the probabilities and the gold label, summed over labels, 0..2.
        nll: Mean negative log-likelihood of the gold label, in nats.
        bins: The bins that hold at least one answer.
    """

    n: int
    ece: float
    brier: float
    nll: float
    bins: tuple[Bin, ...]


def calibrate(judged: Sequence[Judged]) -> Calibration | None:
    """None where no answer has both a label and probabilities."""
    answered = [(line, line.label) for line in judged if line.probabilities and line.label is not None]
    if not answered:
        return None
    confidence = np.array([line.probabilities[label] for line, label in answered])  # (N,)
    right = np.array([line.right for line, _ in answered], dtype=float)  # (N,)
    of_gold = np.array([line.probabilities.get(line.gold, 0.0) for line, _ in answered])  # (N,)
    squares = np.array([sum(p * p for p in line.probabilities.values()) for line, _ in answered])  # (N,)

    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, BINS - 1)
    bins = tuple(
        Bin(
            low=float(edges[at]),
            high=float(edges[at + 1]),
            n=int((place == at).sum()),
            confidence=float(confidence[place == at].mean()),
            accuracy=float(right[place == at].mean()),
        )
        for at in range(BINS)
        if (place == at).any()
    )
    return Calibration(
        n=len(answered),
        ece=sum(bin.n * abs(bin.accuracy - bin.confidence) for bin in bins) / len(answered),
        # sum over labels of (p - [gold])^2, written without a loop over labels
        brier=float((squares - 2 * of_gold + 1).mean()),
        nll=float(-np.log(np.maximum(of_gold, _LEAST_PROBABILITY)).mean()),
        bins=bins,
    )
