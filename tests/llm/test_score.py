from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from prc_emo.errors import PrcEmoError
from prc_emo.llm.generate import generate
from prc_emo.llm.load import LanguageModel
from prc_emo.llm.score import batches_by_length, label_tokens, learned_tokens, score
from prc_emo.llm.tokens import prompt_ids

from .conftest import MELD

TEXTS = ["Hi.", "You're not fine.", "I have never been so well in all my life, and you know it " * 4, "No!"]
PREFIXES = ("sad", "sadness", "happy")


def prompts_of(lm: LanguageModel) -> list[list[int]]:
    return [prompt_ids(lm, [{"role": "user", "content": text}]) for text in TEXTS]


def sight(lm: LanguageModel, prompt: int, word: int) -> torch.Tensor:
    """Who sees whom, by the definition: backwards always; minilm also forwards, up to the prompt's last token."""
    size = prompt + word
    if not lm.prefix:
        return torch.ones(1, size, dtype=torch.long)
    return torch.tensor([[[[j <= i or j < prompt - 1 for j in range(size)] for i in range(size)]]])


def naive(lm: LanguageModel, prompt: list[int], word: list[int]) -> float:
    """The log-probability of a word after a prompt, by one plain forward pass over both."""
    ids = torch.tensor([prompt + word])
    with torch.inference_mode():
        logits = lm.model(input_ids=ids, attention_mask=sight(lm, len(prompt), len(word))).logits[0]
    logits = logits.log_softmax(-1)
    return float(sum(logits[len(prompt) + at - 1, token] for at, token in enumerate(word)))


class Counting(torch.nn.Module):
    """Notes the shape of all logits that a model hands out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.inner = model
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, **inputs: Any) -> Any:
        outputs = self.inner(**inputs)
        self.shapes.append(tuple(outputs.logits.shape))
        return outputs


@pytest.mark.parametrize("labels", [MELD, PREFIXES])
def test_scores_are_those_of_a_plain_pass_over_prompt_and_label(
    lm: LanguageModel, labels: tuple[str, ...]
) -> None:
    prompts = prompts_of(lm)
    words = label_tokens(lm, labels)
    expected = [[naive(lm, prompt, word) for word in words] for prompt in prompts]
    assert np.allclose(score(lm, prompts, labels), expected, atol=1e-4)


def test_a_long_neighbour_changes_nothing(lm: LanguageModel) -> None:
    """Padding is never seen: each row scores alone what it scores in company."""
    prompts = prompts_of(lm)
    together = score(lm, prompts, MELD)
    alone = np.concatenate([score(lm, [prompt], MELD) for prompt in prompts])
    assert np.abs(together - alone).max() < 1e-4
    assert np.abs(score(lm, prompts[::-1], MELD)[::-1] - together).max() < 1e-4


def test_where_one_label_begins_another_the_end_token_decides(
    toy: LanguageModel, minilm: LanguageModel
) -> None:
    """Else "sad" would always be at least as likely as "sadness"."""
    end = toy.tokenizer.eos_token_id
    assert all(word[-1] != end for word in label_tokens(toy, MELD))
    assert all(word[-1] == end for word in label_tokens(toy, PREFIXES))
    assert [len(word) for word in label_tokens(minilm, PREFIXES)] == [
        1,
        1,
        1,
    ]  # one token each: nothing begins another


@pytest.mark.parametrize("loss", ["vocabulary", "labels"])
def test_labels_that_the_model_cannot_tell_apart_are_refused_before_anything_is_trained(
    minilm: LanguageModel, loss: str
) -> None:
    """They would score equal, always, and the first in the list would win."""
    with pytest.raises(PrcEmoError, match=r"'café' and 'cafe' are the same tokens in minilm, .* Rename one"):
        learned_tokens(minilm, ("café", "joy", "cafe"), loss)
    with pytest.raises(PrcEmoError, match=r"'😀' has characters for which minilm has no token\. Write it in"):
        learned_tokens(minilm, ("joy", "😀", "😡"), loss)


def test_one_token_labels_take_one_pass_and_no_logits_but_the_last(minilm: LanguageModel) -> None:
    counting = Counting(minilm.model)
    score(replace(minilm, model=counting), prompts_of(minilm), MELD)
    assert counting.shapes == [(len(TEXTS), 1, minilm.model.config.vocab_size)]


def test_a_wide_batch_and_narrow_ones_agree(lm: LanguageModel) -> None:
    prompts = prompts_of(lm)
    assert np.abs(score(lm, prompts, MELD, batch_tokens=64) - score(lm, prompts, MELD)).max() < 1e-4


def test_batches_hold_each_row_once_and_stay_within_the_limit() -> None:
    lengths = [5, 90, 17, 17, 3, 40, 40, 8]
    batches = batches_by_length(lengths, 100)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 100 for batch in batches)


def test_bf16_scores_stay_near_those_of_fp32(minilm: LanguageModel) -> None:
    prompts = prompts_of(minilm)
    half = score(replace(minilm, autocast=True), prompts, MELD)
    assert np.abs(half - score(minilm, prompts, MELD)).max() < 1.0


def test_generation_answers_every_prompt_in_its_place(lm: LanguageModel) -> None:
    prompts = prompts_of(lm)
    together = generate(lm, prompts, max_new_tokens=4)
    alone = [generate(lm, [prompt], max_new_tokens=4)[0] for prompt in prompts]
    assert together == alone


def test_generation_reads_the_prompt_as_scoring_does(lm: LanguageModel) -> None:
    """The first token that is written is the likeliest one."""
    for prompt, text in zip(prompts_of(lm), generate(lm, prompts_of(lm), max_new_tokens=1), strict=True):
        with torch.inference_mode():
            logits = lm.model(
                input_ids=torch.tensor([prompt]), attention_mask=sight(lm, len(prompt), 0)
            ).logits[0, -1]
        assert text == lm.tokenizer.decode([int(logits.argmax())], skip_special_tokens=True)
