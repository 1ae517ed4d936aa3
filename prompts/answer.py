"""Reads what was asked for out of what a language model wrote, or says that it cannot.

Knows words only. It never guesses: an answer with two labels, or with none, is unreadable, and whoever asked counts it.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from prompts.errors import PromptError

# an opening tag that is never closed: the answer was cut off while the model still thought
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)|\A.*</think>", re.DOTALL | re.IGNORECASE)
_DENIED = r"(?:\bnot|\bno|\bnever|\bwithout|n't|n’t)\s+(?:\w+\s+)?"  # "not joy", "isn't very happy"


def read_emotion(text: str, labels: Sequence[str]) -> str | None:
    """The one label that the answer names, spelled as in `labels`, or None.

    >>> read_emotion("The answer is **Joy**.", ["joy", "sadness"])
    'joy'
    >>> read_emotion("joy or sadness", ["joy", "sadness"]) is None
    True

    Args:
        text: What the model wrote; anything between <think> and </think> is passed over.
        labels: At least one. Only whole words count: "sadness" does not name "sad", nor "non-neutral" "neutral".
    """
    answer = _THOUGHT.sub(" ", text)
    spelled = {label.casefold(): label for label in labels}
    # longest first, and denial last: "no emotion" may be a label and is then not a denied "emotion"
    choices = "|".join(re.escape(label) for label in sorted(spelled, key=len, reverse=True))
    whole_word = re.compile(rf"(?P<denied>{_DENIED})??(?<![^\W_])(?<!-)(?P<label>{choices})(?![^\W_]|-)")
    found = list(whole_word.finditer(answer.casefold()))
    named = {spelled[match["label"]] for match in found}
    if len(named) != 1 or any(match["denied"] for match in found):
        return None
    return named.pop()


def read_object(text: str, keys: Sequence[str]) -> dict[str, Any]:
    """The JSON object with just these keys, wherever it stands in the answer.

    >>> read_object('Sure! {"explicit": "A short word.", "implicit": "Doubt."}', ["explicit", "implicit"])
    {'explicit': 'A short word.', 'implicit': 'Doubt.'}

    Raises:
        PromptError: There is no such object; the message tells a model what to do better.
    """
    answer = _THOUGHT.sub(" ", text)
    wrong = "the answer has no JSON object"
    for start in (match.start() for match in re.finditer(r"\{", answer)):
        try:
            found, _ = json.JSONDecoder(strict=False).raw_decode(answer, start)
        except (json.JSONDecodeError, RecursionError):
            continue
        if set(found) == set(keys):
            return {key: found[key] for key in keys}
        wrong = f"the object has the keys {', '.join(map(repr, found)) or 'none'}"
    raise PromptError(f"Expected one JSON object with the keys {', '.join(map(repr, keys))}, but {wrong}.")
