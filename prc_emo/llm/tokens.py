"""From messages to token ids and back: the prompt of an example, and the answer whose tokens carry the loss.

Utterances are untrusted. A control token written into a text stays text, in chat models and in plain ones.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from prc_emo.errors import PrcEmoError
from prc_emo.llm.load import LanguageModel
from prompts import marked, replace_marks

IGNORED = -100  # torch's cross entropy passes over this label
SLOT = -1  # no token: a place that a soft prompt fills
_STAND_IN = "\N{CJK RADICAL MEAT}"  # for a mark, while its text is made into tokens; nobody writes it

Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One example in tokens: the prompt and then the answer, which alone carries labels."""

    id: str
    input_ids: list[int]
    labels: list[int]
    heard: Sequence[str] = ()  # the utterances whose soft prompts fill the slots, in their order


def readable(lm: LanguageModel, tokens: Sequence[int]) -> str:
    """The text of a prompt, with `<speech>` for each place that a soft prompt fills."""
    return "".join(
        "<speech>" * len(some) if slots else lm.tokenizer.decode(some)
        for slots, some in ((slots, list(each)) for slots, each in groupby(tokens, SLOT.__eq__))
    )


def prompt_ids(
    lm: LanguageModel, messages: Sequence[Message], slots: Callable[[str], int] | None = None
) -> list[int]:
    """The prompt up to the place where the answer begins, with a `SLOT` for every soft prompt.

    A chat model gets its own template, with thinking switched off where it has such a switch; a plain model gets
    the messages' text after its opening token.

    Args:
        slots: How many soft prompts the speech of an utterance becomes, by its id; needed where messages are marked.

    Raises:
        PrcEmoError: The model's chat template refuses the messages, or its tokenizer has no token for the stand-in.
    """
    heard = marked(messages)
    if not heard:
        return _ids(lm, messages)
    assert slots is not None
    stood_in = [
        {**message, "content": replace_marks(message["content"].replace(_STAND_IN, ""), _STAND_IN)}
        for message in messages
    ]
    return _with_slots(lm, _ids(lm, stood_in), [slots(id) for id in heard])


def _with_slots(lm: LanguageModel, ids: Sequence[int], many: Sequence[int]) -> list[int]:
    """The tokens with that many slots in place of each stand-in."""
    stand_in = _stand_in_ids(lm.tokenizer)
    found = [at for at in range(len(ids)) if list(ids[at : at + len(stand_in)]) == stand_in]
    if len(found) != len(many) or lm.tokenizer.unk_token_id in stand_in:
        raise PrcEmoError(
            f"The tokenizer of {lm.name} hides where speech goes: it shows {len(found)} of {len(many)} places. Take another model."
        )
    pieces, start = [], 0
    for at, slots in zip(found, many, strict=True):
        pieces += [*ids[start:at], *[SLOT] * slots]
        start = at + len(stand_in)
    return [*pieces, *ids[start:]]


@lru_cache(maxsize=2)
def _stand_in_ids(tokenizer: Any) -> list[int]:
    """The stand-in's tokens with those of the space before it, as they are amid a text."""
    amid, before, both = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (f"x {_STAND_IN} x", "x", "x x")
    )
    return list(amid[len(before) : len(amid) - (len(both) - len(before))])


def _ids(lm: LanguageModel, messages: Sequence[Message]) -> list[int]:
    if lm.chat:
        return _chat_ids(lm, messages)
    text = "\n".join(message["content"] for message in messages)
    return [
        *_opening(lm.tokenizer),
        *lm.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"],
    ]


def _chat_ids(lm: LanguageModel, messages: Sequence[Message]) -> list[int]:
    from jinja2 import TemplateError

    try:
        encoded = lm.tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            enable_thinking=False,
            sanitize_control_tokens=True,
        )
    except TemplateError as error:
        # some models have no system role, and their templates say so by an error
        if len(messages) > 1 and messages[0]["role"] == "system":
            system, user, *others = messages
            both = f"{system['content']}\n\n{user['content']}"
            return _chat_ids(lm, [{**user, "content": both}, *others])
        raise PrcEmoError(
            f"The chat template of {lm.name} takes neither a system and a user message nor a user message alone "
            f"({error}). Take another model."
        ) from None
    return list(encoded["input_ids"])


def answer_ids(lm: LanguageModel, answer: str) -> list[int]:
    """The answer's own tokens and the token that ends it; a control token written into the answer stays text."""
    # a plain model continues a text, so the word follows a space; after a chat template it opens the turn
    word = answer if lm.chat else f" {answer}"
    ids = lm.tokenizer(word, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [*ids, closing(lm.tokenizer)]


def closing(tokenizer: Any) -> int:
    """The token that ends an answer: end of turn, or what the tokenizer separates texts with."""
    for token in (tokenizer.eos_token_id, tokenizer.sep_token_id):
        if token is not None:
            return int(token)
    raise PrcEmoError(
        f"{type(tokenizer).__name__} has neither an end token nor a separator; it cannot end an answer."
    )


def encode(
    lm: LanguageModel,
    id: str,
    prompt: Sequence[int],
    answer: str,
    word: Sequence[int] | None = None,
    heard: Sequence[str] = (),
) -> Encoded:
    """An example for training: prompt and answer, with the loss on the answer only.

    Args:
        prompt: Of `prompt_ids`.
        word: The answer's tokens, where not all of them are to be learned.
        heard: The utterances whose speech the prompt holds.
    """
    prompt, word = list(prompt), list(word or answer_ids(lm, answer))
    return Encoded(id, prompt + word, [IGNORED] * len(prompt) + word, heard)


def left_pad(rows: Iterable[Sequence[int]], value: int) -> Any:
    """Rows of different length, aligned at the end, where the answer is: (B, T) int64."""
    import torch

    rows = list(rows)
    width = max(map(len, rows))
    return torch.tensor([[value] * (width - len(row)) + list(row) for row in rows])  # (B, T)


def positions(mask: Any) -> Any:
    """Position of every token counted from its own row's first: (B, T) from a (B, T) attention mask.

    Absolute positions would otherwise depend on how long the neighbours in the batch are.
    """
    return (mask.cumsum(-1) - 1).clamp(min=0)


def visible(lm: LanguageModel, mask: Any, tail: Any = 1) -> Any:
    """What each token may look at: the `attention_mask` for a forward pass over left-padded rows without a cache.

    A causal model gets the (B, T) mask back and looks to the left. A prefix language model (Raffel et al., 2020, section
    3.2.1) also looks to the right, but not into the tail: a (B, 1, T, T) mask, true where row sees column.

    Args:
        mask: (B, T), 1 where there is a token.
        tail: How many columns at the end are read from left to right: the prompt's last token, which asks, and the
            answer. One number, or one for each row, (B).
    """
    import torch

    if not lm.prefix:
        return mask
    columns = torch.arange(mask.shape[1], device=mask.device)  # (T)
    tail = torch.as_tensor(tail, device=mask.device).reshape(-1, 1)  # (B or 1, 1)
    prompt = columns < mask.shape[1] - tail  # (B or 1, T)
    seen = (columns <= columns[:, None]) | prompt[:, None]  # (B or 1, T, T)
    itself = columns == columns[:, None]  # padding sees at least something: no softmax over nothing
    return (seen & mask[:, None].bool() | itself)[:, None]


def _opening(tokenizer: Any) -> list[int]:
    for token in (tokenizer.bos_token_id, tokenizer.cls_token_id):
        if token is not None:
            return [int(token)]
    return []
