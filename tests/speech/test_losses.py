"""The losses beside the answer, against values computed by hand."""

import math

import pytest
import torch

from prc_emo.speech.adapter import Spoken
from prc_emo.speech.losses import affective, contrastive, focal

Z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


def test_contrastive_is_meant_over_the_anchors_that_have_a_positive() -> None:
    assert contrastive(Z, torch.tensor([0, 0, 1]), 1.0).item() == pytest.approx(math.log(1 + math.exp(-1)))


def test_contrastive_of_all_different_is_nothing_and_teaches_nothing() -> None:
    vectors = Z.clone().requires_grad_()
    loss = contrastive(vectors, torch.tensor([0, 1, 2]))
    loss.backward()
    assert loss.item() == 0 and vectors.grad is not None and not vectors.grad.any()


def test_contrastive_draws_one_emotion_together() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(6, 4), dim=1)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    apart = contrastive(vectors, labels)
    assert contrastive(vectors[[0, 0, 2, 2, 4, 4]], labels) < apart


@pytest.mark.parametrize(("p", "expected"), [(0.9, 0.0010536), (0.5, 0.1732868)])
def test_focal(p: float, expected: float) -> None:
    logits = torch.tensor([[math.log(p), math.log(1 - p)]])
    assert focal(logits, torch.tensor([0])).item() == pytest.approx(expected, abs=1e-7)


def test_focal_weighs_labels() -> None:
    logits, alpha = torch.zeros(2, 2), torch.tensor([0.25, 2.0])
    assert focal(logits[:1], torch.tensor([0]), alpha=alpha).item() == pytest.approx(0.0433217, abs=1e-7)
    assert focal(logits, torch.tensor([0, 1]), alpha=alpha).item() == pytest.approx(
        2.25 * 0.1732868 / 2, abs=1e-7
    )


def test_focal_without_gamma_is_cross_entropy() -> None:
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    assert torch.allclose(focal(logits, labels, gamma=0), torch.nn.functional.cross_entropy(logits, labels))


def test_focal_teaches_also_where_the_answer_is_sure() -> None:
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    focal(logits, torch.tensor([0]), gamma=0.5).backward()
    assert logits.grad is not None and logits.grad.isfinite().all()


def test_only_known_emotions_are_learned() -> None:
    def loss(emotions: list[int], **weights: float) -> float:
        options = {
            "contrastive_weight": 1.0,
            "focal_weight": 1.0,
            "temperature": 1.0,
            "gamma": 2.0,
            **weights,
        }
        return affective(Spoken(Z, Z, logits), torch.tensor(emotions), **options).item()

    logits = torch.randn(3, 4)
    assert loss([-1, -1, -1]) == 0
    assert loss([0, 0, -1], focal_weight=0.0) == pytest.approx(0), (
        "two alike, and nobody else: nothing to draw apart"
    )
    assert loss([0, -1, 3], contrastive_weight=0.0) == pytest.approx(
        focal(logits[[0, 2]], torch.tensor([0, 3])).item()
    )
