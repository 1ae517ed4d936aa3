"""Soft prompts in a language model: in their places, in training and scoring and writing, and nowhere else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from prc_emo.config import Speech
from prc_emo.errors import PrcEmoError
from prc_emo.hearing import Ears, Form
from prc_emo.labels import MELD
from prc_emo.llm import adapter
from prc_emo.llm.generate import generate
from prc_emo.llm.load import LanguageModel, load
from prc_emo.llm.score import score
from prc_emo.llm.tokens import SLOT, prompt_ids, readable
from prc_emo.speech import inject
from prompts import mark

QWEN = "Qwen/Qwen3-8B"
SMALL = Speech(queries=3, width=16, layers=1, heads=2, feedforward=32, dropout=0.0)
CHANCE = np.random.default_rng(5)
VOICES = {
    id: CHANCE.standard_normal((length, 4)).astype(np.float32)
    for id, length in (("a", 9), ("b", 30), ("c", 17))
}


def hearing(name: str = QWEN, settings: Speech = SMALL, seed: int = 1) -> LanguageModel:
    ears = Ears(settings, MELD, seed, form=Form(width=4, layers=None))
    lm = ears.wear(load(name, tiny=name == QWEN, precision="fp32"))
    ears.listener.frames = VOICES
    ears._texts = dict.fromkeys(VOICES, "I am fine.")
    return lm


def asked(lm: LanguageModel, text: str) -> list[int]:
    assert lm.listen is not None
    return prompt_ids(lm, [{"role": "user", "content": text}], lm.listen.slots)  # type: ignore[attr-defined]


def test_slot_is_the_same_on_both_sides() -> None:
    assert inject.SLOT == SLOT


@pytest.mark.parametrize("name", [QWEN, "minilm"])
def test_a_mark_becomes_slots_and_changes_no_other_token(name: str) -> None:
    lm = hearing(name)
    spoken = asked(lm, f'Ross: Fine. {mark("a")} | Joey: "What?" {mark("b")}\nNow:')
    silent = asked(lm, 'Ross: Fine. | Joey: "What?"\nNow:')
    assert spoken.count(SLOT) == 6
    if name == "minilm":  # its tokens know no spaces
        assert [token for token in spoken if token != SLOT] == silent
    runs = "".join("s" if token == SLOT else "t" for token in spoken)
    assert runs.count("sss") == 2 and "ssss" not in runs


def test_nobody_can_write_a_slot() -> None:
    """The stand-in is a character, and a stranger may have it on the keyboard."""
    lm = hearing()
    assert asked(lm, f"Ross: ⺼ Fine ⺼. {mark('a')} Now:").count(SLOT) == 3


@torch.inference_mode()
def test_soft_prompts_fill_the_slots_and_words_stay() -> None:
    lm = hearing()
    ids = torch.tensor([[5, SLOT, SLOT, SLOT, 7], [SLOT, SLOT, SLOT, 8, 9]])
    beside = lm.beside([["a"], ["b"]])
    embeds = lm.model.embed(ids, beside["speech"])
    soft, table = lm.model.spoken.soft, lm.model.get_input_embeddings()
    assert torch.equal(embeds[0, 1:4], soft[:3]) and torch.equal(embeds[1, :3], soft[3:])
    assert torch.equal(embeds[0, [0, 4]], table(torch.tensor([5, 7])))
    with pytest.raises(PrcEmoError, match="6 places for speech, and 3 soft prompts"):
        lm.model(ids, **lm.beside([["a"]]))


@pytest.mark.parametrize("name", [QWEN, "minilm"])
@torch.inference_mode()
def test_without_voices_it_is_the_text_model(name: str) -> None:
    deaf, lm = load(name, tiny=name == QWEN, precision="fp32"), hearing(name)
    prompts = [asked(lm, "Ross: Fine. Now:"), asked(lm, "Joey: What a day that was! Now:")]
    assert np.array_equal(score(deaf, prompts, MELD), score(lm, prompts, MELD, heard=[(), ()]))


@pytest.mark.parametrize("name", [QWEN, "minilm"])
@pytest.mark.parametrize("form", ["whole", "windows", "text"])
@torch.inference_mode()
def test_a_row_is_scored_alike_whatever_its_neighbours_hear(name: str, form: str) -> None:
    """Rows of speech and of text, of many voices and of one, share a batch and change nothing of each other."""
    changes: dict[str, Any] = {"whole": {}, "windows": {"window": 4}, "text": {"text": True}}[form]
    lm = hearing(name, SMALL.model_copy(update=changes))
    texts = [
        "Ross: Fine. Now:",
        f"Ross: Fine. {mark('a')} Now:",
        f"A: {mark('b')} | B: So so. {mark('c')} | C: {mark('a')} Now:",
    ]
    heard = [(), ("a",), ("b", "c", "a")]
    prompts = [asked(lm, text) for text in texts]
    together = score(lm, prompts, MELD, heard=heard, batch_tokens=4096)
    for at in range(3):
        alone = score(lm, [prompts[at]], MELD, heard=[heard[at]])
        assert np.allclose(alone[0], together[at], atol=1e-5)
    other = score(lm, [prompts[1]], MELD, heard=[("c",)]) if form != "windows" else None
    assert other is None or not np.allclose(other[0], together[1], atol=1e-4), (
        "another voice, the same scores"
    )


@torch.inference_mode()
def test_writing_hears_as_scoring_does() -> None:
    """The first word that is written greedily is the likeliest one of a plain forward pass, padding or not."""
    lm = hearing()
    prompts = [
        asked(lm, f"Ross: Fine. {mark('a')} Now:"),
        asked(lm, f"A: {mark('b')} | B: So so, I think. {mark('c')} Now:"),
    ]
    heard = [("a",), ("b", "c")]
    written = generate(lm, prompts, heard=heard, max_new_tokens=1)
    for ids, who, text in zip(prompts, heard, written, strict=True):
        logits = lm.model(torch.tensor([ids]), **lm.beside([who])).logits[0, -1]
        assert lm.tokenizer.decode(logits.argmax()[None], skip_special_tokens=True) == text
        assert generate(lm, [ids], heard=[who], max_new_tokens=1) == [text]


def test_gradients_reach_ears_and_adapter_and_nothing_else() -> None:
    lm = adapter.add(hearing(), rank=2, alpha=4, dropout=0.0, seed=1)
    lm.model.train()
    ids = asked(lm, f"Ross: Fine. {mark('a')} Now:")
    lm.model(torch.tensor([ids]), **lm.beside([["a"]])).logits[:, -1].logsumexp(-1).sum().backward()
    with_gradient = {
        name for name, one in lm.model.named_parameters() if one.grad is not None and one.grad.any()
    }
    for part in ("queries", "listener.frames", "qformer.encoder", "to_llm", "lora_B"):
        assert any(part in name for name in with_gradient), f"nothing reached {part}"
    assert all("lora_" in name or "modules_to_save" in name for name in with_gradient)


@pytest.mark.parametrize("name", [QWEN, "minilm"])
def test_the_ears_can_learn_alone(name: str) -> None:
    """Without the low-rank matrices, and without what else a model trains whole: the head of minilm."""
    lm = adapter.add(hearing(name), rank=2, alpha=4, dropout=0.0, seed=1)

    def learn() -> set[str]:
        return {name for name, one in lm.model.named_parameters() if one.requires_grad}

    before = learn()
    ears = {one for one in before if ".speech_adapter." in one}
    assert any("transform" in one for one in before - ears) == (name == "minilm")
    with adapter.frozen(lm, but=inject.NAME):
        assert learn() == ears
    assert learn() == before


def test_who_asks_whether_the_language_model_is_quantized_is_told() -> None:
    """By the outermost model: peft and the trainer look no further."""
    ears = Ears(SMALL, MELD, 1, form=Form(width=4, layers=None))
    lm = load(QWEN, tiny=True, precision="fp32")
    lm.model.is_loaded_in_4bit = True  # as bitsandbytes leaves it
    assert ears.wear(lm).quantized and not hearing().quantized


def test_in_bf16_queries_see_text() -> None:
    lm = hearing(settings=SMALL.model_copy(update={"text": True}))
    lm.model.llm.to(torch.bfloat16)
    heard = lm.model.hear(lm.beside([["a", "b"]])["speech"])
    assert heard.soft.isfinite().all()


def test_a_prompt_can_be_looked_at() -> None:
    lm = hearing()
    said = readable(lm, asked(lm, f"Ross: Fine. {mark('a')} Now:"))
    assert "Ross: Fine." in said and said.count("<speech>") == 3


def test_ears_are_drawn_from_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def queries(seed: int) -> torch.Tensor:
        torch.randn(seed)  # whatever was drawn before
        return hearing(seed=seed).model.speech_adapter.listener.queries.detach().clone()

    assert torch.equal(queries(1), queries(1)) and not torch.equal(queries(1), queries(2))
    assert replace(hearing(), listen=None).beside([["a"]]) == {}
