"""What speech is trained on beside the answer: EmoQ's multi-objective affective learning (Yang and Mak, 2025).

A supervised contrastive loss (Khosla et al., 2020, equation 2) draws utterances of one emotion together; a focal loss
(Lin et al., 2017, equation 4) on an auxiliary classifier looks at the rare and the hard.
"""

import torch
from torch import Tensor

from prc_emo.speech.adapter import Spoken


def contrastive(vectors: Tensor, labels: Tensor, temperature: float = 0.07) -> Tensor:
    """Meant over the anchors that have a positive; exactly 0, with no gradient, where none has.

    Args:
        vectors: (U, Z), each of length one.
        labels: (U,) integers.

    >>> z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(contrastive(z, torch.tensor([0, 0, 1]), temperature=1.0).item(), 5)
    0.31326
    """
    alike = (labels[:, None] == labels).fill_diagonal_(False)  # (U, U)
    anchors = alike.any(1)
    if not anchors.any():
        return vectors.sum() * 0.0
    likeness = (vectors @ vectors.T / temperature).float()
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    each = likeness - likeness.masked_fill(itself, float("-inf")).logsumexp(1, keepdim=True)  # (U, U)
    return -((each * alike).sum(1)[anchors] / alike.sum(1)[anchors]).mean()


def focal(logits: Tensor, labels: Tensor, gamma: float = 2.0, alpha: Tensor | None = None) -> Tensor:
    """Cross entropy, less of it the surer the right answer is.

    Args:
        logits: (U, C).
        labels: (U,) integers.
        gamma: 0 is cross entropy.
        alpha: (C,), what each label weighs; None is 1.

    >>> even = torch.zeros(1, 2)
    >>> round(focal(even, torch.tensor([0])).item(), 7)
    0.1732868
    """
    surely = logits.float().log_softmax(-1).gather(1, labels[:, None])[:, 0]  # (U,)
    # a sure answer has no gradient where 0 is raised to less than 1
    each = -((1 - surely.exp()).clamp(min=1e-6) ** gamma * surely)
    return (each if alpha is None else alpha.to(each.device)[labels] * each).mean()


def affective(
    spoken: Spoken,
    emotions: Tensor,
    *,
    contrastive_weight: float,
    focal_weight: float,
    temperature: float,
    gamma: float,
    alpha: Tensor | None = None,
) -> Tensor:
    """What is learned beside the answer, of the utterances whose emotion is known.

    Args:
        emotions: (U,), the number of the label, or -1.
    """
    known = emotions >= 0
    loss = (spoken.contrast.sum() + spoken.emotions.sum()) * 0.0
    if not known.any():
        return loss
    if contrastive_weight:
        loss = loss + contrastive_weight * contrastive(spoken.contrast[known], emotions[known], temperature)
    if focal_weight:
        loss = loss + focal_weight * focal(spoken.emotions[known], emotions[known], gamma, alpha)
    return loss
