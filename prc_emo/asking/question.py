"""A question to a larger model, and an answer that is not what was asked for.

A question knows its key, a hash of everything that its answer depends on: two with the same words to the same model are
one question, and whoever was answered once is not asked again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prc_emo.files import sha256

Message = dict[str, str]


class UnusableReplyError(Exception):
    """Why an answer is not used, in a sentence that also tells the model what to do better."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        about: What the answer will be about: an utterance, or a conversation and its speaker, as ids and names.
        template: Name and version of the words around it.
        schema: The JSON schema of the answer's object; servers that know schemas are held to it.
        words: About how many words the answer takes, for the estimate.
    """

    about: tuple[str, ...]
    template: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any]
    words: int
    key: str

    @classmethod
    def of(
        cls,
        model: str,
        about: tuple[str, ...],
        template: str,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        words: int,
    ) -> "Question":
        key = sha256(json.dumps([model, messages], sort_keys=True).encode())
        return cls(about, template, tuple(messages), schema, words, key)


def texts(*keys: str) -> dict[str, Any]:
    """The schema of an object with just these keys and a text for each."""
    return schema({key: {"type": "string"} for key in keys})


def schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object with just these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
