"""Queries over frames: what is heard, what is never heard, and how many vectors come out."""

from typing import Any

import pytest
import torch

from prc_emo.speech.qformer import SpeechQFormer

SMALL: dict[str, Any] = {
    "frame_width": 6,
    "queries": 3,
    "width": 16,
    "layers": 2,
    "heads": 2,
    "feedforward": 32,
}
WORDS = torch.randn(2, 5, 10, generator=torch.Generator().manual_seed(3))
FORMS: dict[str, dict[str, Any]] = {
    "deaf to text": {},
    "with text": {"text_width": 10},
    "windows": {"window": 4},
    "windows with text": {"window": 4, "text_width": 10},
    "layers": {"layers_mixed": 3},
    "units": {"units": 7},
    "in context": {"convolutions": 2},
    "windows in context": {"convolutions": 2, "window": 4},
}


def made(**options: Any) -> SpeechQFormer:
    torch.manual_seed(0)
    return SpeechQFormer(**{**SMALL, **options}).eval()


def some(form: dict[str, Any], frames: int, seed: int = 0) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    if "units" in form:
        return torch.randint(form["units"], (1, frames), generator=chance)
    shape = (1, form["layers_mixed"], frames, 6) if "layers_mixed" in form else (1, frames, 6)
    return torch.randn(shape, generator=chance)


def heard(
    form: dict[str, Any], listen: SpeechQFormer, frames: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    text = (
        (WORDS[: len(frames)], torch.ones(len(frames), 5, dtype=torch.bool)) if "text_width" in form else ()
    )
    vectors, valid = listen(frames, mask, *text)
    assert vectors.shape[:2] == valid.shape
    return vectors[valid]


def everything(frames: torch.Tensor) -> torch.Tensor:
    length = frames.shape[1] if frames.ndim != 4 else frames.shape[2]
    return torch.ones(len(frames), length, dtype=torch.bool)


@pytest.mark.parametrize("name", FORMS)
@torch.inference_mode()
def test_padding_is_never_heard(name: str) -> None:
    """A long neighbour in the batch pads a short utterance; its soft prompts stay what they were alone."""
    form = FORMS[name]
    listen, short = made(**form), some(form, 9)
    alone = heard(form, listen, short, everything(short))
    padding = some(form, 50, seed=1)
    long = torch.cat([short, padding], 2 if short.ndim == 4 else 1)
    mask = everything(long)
    mask[:, 9:] = False
    assert torch.allclose(heard(form, listen, long, mask), alone, atol=1e-5)
    mask[:, 9:20] = True
    assert heard(form, listen, long, mask).shape != alone.shape or not torch.allclose(
        heard(form, listen, long, mask), alone, atol=1e-3
    ), "frames that count make no difference"


@torch.inference_mode()
def test_an_utterance_becomes_as_many_vectors_as_it_says() -> None:
    frames = torch.randn(1, 100, 6)
    for window, expected in ((None, 3), (15, 21), (17, 18), (200, 3)):
        listen = made(window=window)
        assert listen.slots(100) == expected == int(listen(frames, everything(frames))[1].sum())


@torch.inference_mode()
def test_queries_are_a_set_and_frames_are_a_sequence() -> None:
    listen, frames = made(), torch.randn(1, 12, 6)
    before, _ = listen(frames, everything(frames))
    backwards, _ = listen(frames.flip(1), everything(frames))
    assert not torch.allclose(backwards, before, atol=1e-3), "a melody backwards is another melody"
    listen.queries.copy_(listen.queries[[2, 0, 1]])
    after, _ = listen(frames, everything(frames))
    assert torch.allclose(after, before[:, [2, 0, 1]], atol=1e-6)


@torch.inference_mode()
def test_text_is_seen_where_it_is_asked_for_and_its_padding_is_not() -> None:
    form = FORMS["with text"]
    listen, frames = made(**form), some(form, 8)
    mask = torch.ones(1, 5, dtype=torch.bool)
    one, _ = listen(frames, everything(frames), WORDS[:1], mask)
    other, _ = listen(frames, everything(frames), WORDS[1:], mask)
    assert not torch.allclose(one, other, atol=1e-3)
    padded = torch.cat([WORDS[:1], WORDS[1:]], 1)
    long, _ = listen(frames, everything(frames), padded, torch.cat([mask, ~mask], 1))
    assert torch.allclose(one, long, atol=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_where_queries_look_can_be_seen_and_changes_nothing(name: str) -> None:
    form = FORMS[name]
    listen, frames = made(**form), some(form, 10)
    before = heard(form, listen, frames, everything(frames))
    looks = listen.attention(frames, *((WORDS[:1],) if "text_width" in form else ()))
    assert looks.shape == (listen.slots(10), 10)
    assert torch.allclose(looks.sum(1), torch.ones(len(looks)), atol=1e-5)
    if "window" in form:
        assert not looks[0, 4:].any() and not looks[-1, :8].any(), "a window looks out of itself"
    assert torch.equal(heard(form, listen, frames, everything(frames)), before)


@pytest.mark.parametrize("name", FORMS)
@torch.inference_mode()
def test_hearing_nothing_at_all_stays_finite(name: str) -> None:
    form = FORMS[name]
    frames = some(form, 5)
    text = (WORDS[:1], torch.ones(1, 5, dtype=torch.bool)) if "text_width" in form else ()
    vectors, _ = made(**form)(frames, ~everything(frames), *text)
    assert vectors.isfinite().all()
