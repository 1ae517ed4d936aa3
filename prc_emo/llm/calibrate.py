"""One temperature, fitted on the development split, that makes probabilities mean what they say (Guo et al., 2017)."""

import numpy as np


def probabilities(scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Softmax over labels at a temperature: (N, L) log-probabilities in, (N, L) probabilities out."""
    scaled = scores / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


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
