"""Text that a model writes: answers as the papers get them, greedily, and replies for somebody who is waiting.

For labels, scoring (`score.py`) is the better way.
"""

import threading
from collections.abc import Iterator, Sequence

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


def stream(lm: LanguageModel, prompt: Sequence[int], *, max_new_tokens: int = 200) -> Iterator[str]:
    """What the model writes after one prompt, piece by piece while it writes; sampled, since people tire of the likeliest.

    It stops writing when the iterator is closed.
    """
    import torch
    from transformers import StoppingCriteria, TextIteratorStreamer

    nobody_listens = threading.Event()

    class Closed(StoppingCriteria):
        def __call__(self, ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
            return torch.full((len(ids),), nobody_listens.is_set(), device=ids.device)

    pieces = TextIteratorStreamer(lm.tokenizer, skip_prompt=True, skip_special_tokens=True)
    failures: list[BaseException] = []

    def write() -> None:
        ids = torch.tensor([list(prompt)], device=lm.device)  # (1, T)
        try:
            with torch.inference_mode(), torch.autocast(lm.device.type, torch.bfloat16, enabled=lm.autocast):
                lm.model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    max_new_tokens=max_new_tokens,
                    do_sample=True,
                    temperature=0.7,
                    top_p=0.9,
                    pad_token_id=lm.tokenizer.pad_token_id,
                    eos_token_id=closing(lm.tokenizer),
                    streamer=pieces,
                    stopping_criteria=[Closed()],
                )
        except BaseException as failure:  # told to whoever waits, below
            failures.append(failure)
            pieces.end()

    writer = threading.Thread(target=write, daemon=True)
    lm.model.eval()
    writer.start()
    try:
        yield from pieces
    finally:
        nobody_listens.set()
        writer.join()
    if failures:
        raise failures[0]
