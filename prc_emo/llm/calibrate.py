"""Two numbers fitted on the development split, which turn label scores into probabilities and an answer.

A temperature makes probabilities mean what they say (Guo et al., 2017). A prior correction, where it is asked for,
takes back part of what the model has learned about how frequent labels are (logit adjustment, Menon et al., 2021),
which serves F1 where one label outnumbers the rest, at the price of calibration.
"""

from collections.abc import Callable, Sequence

import numpy as np

from prc_emo.config import Answer


def probabilities(
    scores: np.ndarray, temperature: float = 1.0, offsets: Sequence[float] = (0.0,)
) -> np.ndarray:
    """Softmax over labels at a temperature: (N, L) log-probabilities in, (N, L) probabilities out.

    Args:
        offsets: Added to each label's tempered score: (L) or one for all.
    """
    scaled = scores / temperature + np.asarray(offsets)
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def fit(
    scores: np.ndarray, gold: np.ndarray, prior: Sequence[float], answer: Answer
) -> tuple[float, tuple[float, ...]]:
    """Temperature and offsets, as far as `answer` asks for them: otherwise those that change nothing.

    Args:
        scores: (N, L) log-probabilities on the development split.
        gold: (N,) column of the right label.
        prior: How frequent each label is in training, (L).
    """
    temperature = fit_temperature(scores, gold) if answer.calibrate else 1.0
    if not answer.prior_correction:
        return temperature, (0.0,)
    from sklearn.metrics import f1_score

    return temperature, fit_prior_correction(
        scores / temperature, prior, lambda chosen: f1_score(gold, chosen, average="weighted")
    )


def fit_temperature(scores: np.ndarray, gold: np.ndarray) -> float:
    """The temperature at which the gold labels are likeliest.

    Args:
        scores: (N, L) log-probabilities.
        gold: (N,) column of the right label.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(gold))

    def surprise(log_temperature: float) -> float:
        chosen = probabilities(scores, float(np.exp(log_temperature)))[rows, gold]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-3.0, 3.0), method="bounded").x))


def fit_prior_correction(
    scores: np.ndarray, prior: Sequence[float], worth: Callable[[np.ndarray], float]
) -> tuple[float, ...]:
    """The offsets `-strength * log(prior)` with the strength, of 0, 0.05 ... 1, that is worth most.

    Args:
        scores: (N, L) tempered log-probabilities.
        prior: How frequent each label is in training, (L); one that never occurs counts as rare, not as impossible.
        worth: Of chosen columns (N), for example their weighted F1. Of equal strengths the smallest is taken.
    """
    logs = np.log(np.maximum(np.asarray(prior), 1e-3))
    strengths = np.linspace(0.0, 1.0, 21)
    found = [worth((scores - strength * logs).argmax(axis=1)) for strength in strengths]
    return tuple(float(offset) for offset in -strengths[int(np.argmax(found))] * logs)
