"""A larger model replies: the conversation, what was read in its last line and on which demonstrations go into its prompt.

The model is one on this machine, or one behind a server of OpenAI's form.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from prc_emo.chat.replies.answer import Reply
from prc_emo.chat.session import Situation
from prc_emo.chat.turn import Reading, percent
from prc_emo.errors import PrcEmoError
from prompts import Template, load_template

if TYPE_CHECKING:
    from prc_emo.asking.endpoint import Endpoint
    from prc_emo.llm.load import LanguageModel

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Written:
    """Replies that a model writes.

    Args:
        name: Of the model, for whoever reads its replies.
        write: Messages in, pieces of a reply out.
        fits: Whether the model can hold messages; those of a long conversation are left out, oldest first.
    """

    name: str
    write: Callable[[Messages], Iterator[str]]
    fits: Callable[[Messages], bool] = lambda messages: True
    template: Template = field(default_factory=lambda: load_template("reply"))

    @classmethod
    def local(cls, lm: "LanguageModel", *, max_new_tokens: int = 200) -> "Written":
        """Replies of a chat model that is loaded here.

        Raises:
            PrcEmoError: The model is none for chatting.
        """
        if not lm.chat:
            raise PrcEmoError(
                f"{lm.name} has no chat template, so it cannot reply. Take a chat model, such as Qwen/Qwen3-0.6B, or "
                "--reply retrieval."
            )

        from prc_emo.llm.generate import stream
        from prc_emo.llm.tokens import prompt_ids

        return cls(
            lm.name,
            lambda messages: stream(lm, prompt_ids(lm, messages), max_new_tokens=max_new_tokens),
            lambda messages: len(prompt_ids(lm, messages)) <= lm.positions - max_new_tokens,
        )

    @classmethod
    def endpoint(cls, server: "Endpoint") -> "Written":
        """Replies of a server's model."""
        return cls(f"{server.model} (server)", server.stream)

    def reply(self, situation: Situation) -> Reply:
        messages = self.messages(situation)
        while not self.fits(messages):
            if not situation.before:
                raise PrcEmoError(f"{self.name} cannot hold this turn beside a reply. Say it in parts.")
            situation = replace(situation, before=situation.before[1:])
            messages = self.messages(situation)
        return Reply(f"written by {self.name}", self.write(messages))

    def messages(self, situation: Situation) -> Messages:
        """What the model is asked."""
        turn, reading = situation.turn, situation.turn.reading
        return self.template.render(
            speaker=turn.speaker,
            text=turn.text,
            context=[{"speaker": one.speaker, "text": one.text} for one in situation.before],
            emotion=_in_words(reading) if reading else None,
            demonstrations=[{"text": one.text, "label": one.label} for one in reading.shown]
            if reading
            else [],
        )


def _in_words(reading: Reading) -> str | None:
    """What was read, for the prompt.

    >>> _in_words(Reading("joy", {"joy": 0.7, "fear": 0.25, "anger": 0.05}))
    'joy (70 %), then fear (25 %)'
    """
    if not reading.probabilities:
        return reading.label
    return ", then ".join(f"{label} ({percent(share)})" for label, share in reading.likely[:2])
