"""What is asked of the larger model: one question per utterance, and one per speaker of a conversation where wanted.

A question knows its key, which is a hash of everything that its answer depends on: two utterances with the same words
in the same context are one question, and another template, window or model makes it another one.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from prc_emo.conversation import Conversation, Utterance
from prc_emo.files import sha256
from prc_emo.labels import LabelSet
from prompts import Template

Message = dict[str, str]
Context = Literal["past", "surrounding", "dialogue"]


@dataclass(frozen=True, slots=True)
class Question:
    """Asks about an utterance, or, where `speaker` is set, about that speaker of the conversation `about`."""

    about: str
    speaker: str | None
    messages: tuple[Message, ...]
    key: str


@dataclass(frozen=True)
class Questioner:
    """Asks about conversations, all in the same manner.

    Args:
        model: Who is asked; a part of each question's key.
        interpretation: The template for utterances.
        characteristic: The template for speakers; None asks about no speaker. A speaker is judged by the whole
            conversation, which a live one does not have yet.
        context: Which other turns are shown with an utterance: up to `window` before it, up to `window` on both
            sides (as in the released code of PRC-Emo), or all of the dialogue.
    """

    model: str
    labels: LabelSet
    interpretation: Template
    characteristic: Template | None = None
    context: Context = "past"
    window: int = 10

    def ask(self, conversations: Sequence[Conversation]) -> Iterator[Question]:
        """The questions about all turns, and about all speakers where they are wanted, conversation by conversation."""
        for talk in conversations:
            for position, turn in enumerate(talk.utterances):
                yield self._about_turn(talk, position, turn)
            if self.characteristic is not None:
                for speaker in talk.speakers:
                    yield self._about_speaker(talk, speaker)

    def _about_turn(self, talk: Conversation, position: int, turn: Utterance) -> Question:
        first, last = 0, len(talk)
        if self.context != "dialogue":
            first = max(0, position - self.window)
            last = position + 1 + (self.window if self.context == "surrounding" else 0)
        messages = self.interpretation.render(
            labels=list(self.labels),
            context=_rows(talk.utterances[first:position]),
            following=_rows(talk.utterances[position + 1 : last]),
            speaker=turn.speaker,
            text=turn.text,
        )
        return self._question(turn.id, None, messages)

    def _about_speaker(self, talk: Conversation, speaker: str) -> Question:
        assert self.characteristic is not None
        messages = self.characteristic.render(
            labels=list(self.labels), context=_rows(talk.utterances), speaker=speaker
        )
        return self._question(talk.id, speaker, messages)

    def _question(self, about: str, speaker: str | None, messages: list[Message]) -> Question:
        key = sha256(json.dumps([self.model, messages], sort_keys=True).encode())
        return Question(about, speaker, tuple(messages), key)


def _rows(turns: Sequence[Utterance]) -> list[dict[str, str]]:
    return [{"speaker": turn.speaker, "text": turn.text} for turn in turns]
