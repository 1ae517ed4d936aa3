"""The vote of the nearest neighbours: similarities and labels in, probabilities out."""

from collections.abc import Mapping, Sequence
from math import exp


def vote(
    neighbours: Sequence[tuple[str, float]], frequencies: Mapping[str, float], temperature: float
) -> dict[str, float]:
    """Probability of every label, each neighbour voting with weight exp(similarity / temperature).

    The training frequencies vote too, as one neighbour of similarity 0. So no label is ever impossible, and without any
    neighbour the frequencies are the answer.

    >>> vote([("joy", 0.9), ("anger", 0.9)], {"joy": 0.5, "anger": 0.5}, temperature=0.1)
    {'joy': 0.5, 'anger': 0.5}

    Args:
        neighbours: (label, cosine similarity) of each neighbour.
        frequencies: Every label of the set with its share of the training utterances; they sum to one.
        temperature: Above 0; small values listen to the nearest alone.

    Returns:
        The labels in the order of `frequencies`, summing to one.
    """
    top = max(
        [0.0, *(similarity for _, similarity in neighbours)]
    )  # subtracted, so that no exponent overflows
    votes = {label: share * exp(-top / temperature) for label, share in frequencies.items()}
    for label, similarity in neighbours:
        votes[label] += exp((similarity - top) / temperature)
    total = sum(votes.values())
    return {label: weight / total for label, weight in votes.items()}
