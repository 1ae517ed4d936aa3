"""How likely is each label as the answer: closed-set scoring over the prompt that is read only once.

A label's score is the log-probability of its words after the prompt. The prompt is prefilled once, the labels are
read from its cached keys and values, and only their scores leave a batch. Labels of one token need no second pass.
Where one label begins another ("sad", "sadness") the token that ends the answer is part of the score.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from prc_emo.errors import PrcEmoError
from prc_emo.llm.load import LanguageModel
from prc_emo.llm.tokens import answer_ids, left_pad, positions, visible
from prc_emo.processes import processes


def score(
    lm: LanguageModel,
    prompts: Sequence[Sequence[int]],
    labels: Sequence[str],
    *,
    heard: Sequence[Sequence[str]] | None = None,
    batch_tokens: int = 4096,
    done: Callable[[int], None] = lambda rows: None,
) -> np.ndarray:
    """Log-probability of each label after each prompt: (N, L) float64.

    Several processes share the rows, and all of them return all scores.

    Args:
        prompts: Token ids up to where the answer begins.
        heard: The utterances whose speech fills each prompt's slots.
        batch_tokens: How many prompt tokens, padding included, one batch may hold.
        done: Told after each batch how many rows this process has finished.
    """
    import torch
    from accelerate.utils import gather_object

    words = label_tokens(lm, labels)
    batches = batches_by_length([len(prompt) for prompt in prompts], batch_tokens)
    state = processes()
    mine = batches[state.process_index :: state.num_processes]
    # Sharded models talk in every forward pass: each process makes the same number of them.
    idle = -(-len(batches) // state.num_processes) - len(mine)
    was_training = lm.model.training
    lm.model.eval()
    parts: list[tuple[list[int], np.ndarray]] = []
    try:
        with torch.inference_mode(), torch.autocast(lm.device.type, torch.bfloat16, enabled=lm.autocast):
            for number, rows in enumerate([*mine, *[batches[0]] * idle]):
                beside = lm.beside([heard[row] for row in rows] if heard else ())
                scores = _batch(lm, [prompts[row] for row in rows], words, beside).double().cpu().numpy()
                if number < len(mine):
                    parts.append((rows, scores))
                    done(len(rows))
    finally:
        lm.model.train(was_training)
    result = np.empty((len(prompts), len(labels)))
    for rows, scores in gather_object(parts):
        result[rows] = scores
    return result


def label_tokens(lm: LanguageModel, labels: Sequence[str]) -> list[list[int]]:
    """The tokens whose likelihood is a label's score.

    Raises:
        PrcEmoError: The model cannot write a label, or cannot tell two of them apart.
    """
    whole = [answer_ids(lm, label) for label in labels]
    words = [ids[:-1] for ids in whole]
    read: dict[tuple[int, ...], str] = {}
    for label, word in zip(labels, words, strict=True):
        if not word or lm.tokenizer.unk_token_id in word:
            raise PrcEmoError(
                f"The label {label!r} has characters for which {lm.name} has no token. Write it in other characters, or "
                "take another model."
            )
        if (twin := read.setdefault(tuple(word), label)) != label:
            raise PrcEmoError(
                f"The labels {twin!r} and {label!r} are the same tokens in {lm.name}, so they would always score alike. "
                "Rename one of them, or take another model."
            )
    clash = any(a is not b and b[: len(a)] == a for a in words for b in words)
    return whole if clash else words


def learned_tokens(
    lm: LanguageModel, labels: Sequence[str], loss: str
) -> tuple[dict[str, list[int]], list[int] | None]:
    """Which tokens of each label carry loss, and what a first token competes with; nothing where all is learned.

    Among the labels, just the tokens that scoring looks at are learned. To learn the end of the answer as well,
    against a whole vocabulary, gives gradients so large at first that Adam's steps stay small for hundreds of steps.

    Args:
        loss: `vocabulary` or `labels`, as in the configuration.

    Raises:
        PrcEmoError: The model cannot tell two labels apart; or not by the first token, where `loss` is `labels`.
    """
    words = dict(zip(labels, label_tokens(lm, labels), strict=True))
    if loss == "vocabulary":
        return {}, None
    choices = [word[0] for word in words.values()]
    if len(set(choices)) < len(choices):
        raise PrcEmoError(
            f"training.loss=labels needs labels that begin with different tokens, and of {', '.join(words)} two begin "
            "alike in this model. Take training.loss=vocabulary."
        )
    return words, choices


def batches_by_length(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Rows of similar length together, the longest first, so that memory runs out at once or never.

    >>> batches_by_length([3, 9, 3, 8], batch_tokens=18)
    [[1, 3], [0, 2]]
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    batches: list[list[int]] = []
    for row in order:
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= batch_tokens:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def _batch(
    lm: LanguageModel, prompts: list[Sequence[int]], words: list[list[int]], beside: Mapping[str, Any]
) -> Any:
    """Scores of every label for one batch of prompts: (B, L)."""
    import torch

    pad, device = lm.tokenizer.pad_token_id, lm.device
    ids = left_pad(prompts, pad).to(device)  # (B, T)
    mask = left_pad([[1] * len(prompt) for prompt in prompts], 0).to(device)  # (B, T)
    tails = [word for word in words if len(word) > 1]
    prefilled = lm.model(
        input_ids=ids,
        attention_mask=visible(lm, mask),
        position_ids=positions(mask),
        logits_to_keep=1,
        use_cache=bool(tails),
        **beside,
    )
    first = prefilled.logits[:, -1].float().log_softmax(-1)  # (B, V)
    scores = first[:, [word[0] for word in words]]  # (B, L)
    if not tails:
        return scores

    many, rows = len(tails), len(prompts)
    width = max(map(len, tails)) - 1
    cache = prefilled.past_key_values
    cache.batch_repeat_interleave(many)
    reads = torch.tensor(
        [word[:-1] + [pad] * (width - len(word) + 1) for word in tails], device=device
    )  # (M, W)
    wants = torch.tensor(
        [word[1:] + [-1] * (width - len(word) + 1) for word in tails], device=device
    )  # (M, W)
    mask = torch.cat(
        [mask.repeat_interleave(many, 0), (wants >= 0).long().repeat(rows, 1)], 1
    )  # (B M, T + W)
    after = lm.model(
        input_ids=reads.repeat(rows, 1),
        attention_mask=mask,
        position_ids=positions(mask)[:, -width:],
        past_key_values=cache,
        use_cache=True,
    )
    rest = after.logits.float().log_softmax(-1)  # (B M, W, V)
    picked = rest.gather(-1, wants.clamp(min=0).repeat(rows, 1)[..., None])[..., 0]  # (B M, W)
    tail = (picked * (wants >= 0).repeat(rows, 1)).sum(1).view(rows, many)  # (B, M)
    long = [number for number, word in enumerate(words) if len(word) > 1]
    scores[:, long] += tail
    return scores
