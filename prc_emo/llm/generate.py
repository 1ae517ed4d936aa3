"""Answers as the papers get them: greedy decoding of at most ten tokens. Scoring (`score.py`) is the better way."""

from collections.abc import Sequence

from prc_emo.llm.load import LanguageModel
from prc_emo.llm.score import batches_by_length
from prc_emo.llm.tokens import closing, left_pad, positions, visible


def generate(
    lm: LanguageModel,
    prompts: Sequence[Sequence[int]],
    *,
    heard: Sequence[Sequence[str]] | None = None,
    max_new_tokens: int = 10,
    batch_tokens: int = 4096,
) -> list[str]:
    """The text that the model writes after each prompt, in the order of the prompts.

    Args:
        heard: The utterances whose speech fills each prompt's slots.
    """
    import torch

    answers = [""] * len(prompts)
    lm.model.eval()
    with torch.inference_mode(), torch.autocast(lm.device.type, torch.bfloat16, enabled=lm.autocast):
        for rows in batches_by_length([len(prompt) for prompt in prompts], batch_tokens):
            ids = left_pad([prompts[row] for row in rows], lm.tokenizer.pad_token_id).to(lm.device)  # (B, T)
            mask = left_pad([[1] * len(prompts[row]) for row in rows], 0).to(lm.device)
            cache, beside = None, lm.beside([heard[row] for row in rows] if heard else ())
            if lm.prefix:  # generate() reads from left to right: all but the prompt's last token is read here
                before = mask[:, :-1]
                cache = lm.model(
                    input_ids=ids[:, :-1],
                    attention_mask=visible(lm, before, tail=0),
                    position_ids=positions(before),
                    logits_to_keep=1,
                    use_cache=True,
                    **beside,
                ).past_key_values
            new = lm.model.generate(
                input_ids=ids,
                attention_mask=mask,
                past_key_values=cache,
                max_new_tokens=max_new_tokens,
                do_sample=False,
                pad_token_id=lm.tokenizer.pad_token_id,
                eos_token_id=closing(lm.tokenizer),
                **beside,
            )[:, ids.shape[1] :]
            for row, text in zip(rows, lm.tokenizer.batch_decode(new, skip_special_tokens=True), strict=True):
                answers[row] = text
    return answers
