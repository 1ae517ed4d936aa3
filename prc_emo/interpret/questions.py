"""What is asked about a corpus: one question per utterance, and one per speaker of a conversation where wanted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from prc_emo.asking.log import AnswerLog
from prc_emo.asking.question import Question, texts
from prc_emo.asking.work import Work
from prc_emo.conversation import Conversation, Utterance
from prc_emo.interpret.replies import KEYS, read_reply
from prc_emo.knowledge import Interpretation, Knowledge
from prc_emo.labels import LabelSet
from prompts import Template

Context = Literal["past", "surrounding", "dialogue"]


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
                    yield self._about_speaker(talk, speaker, self.characteristic)

    def read(self, question: Question, text: str) -> dict[str, Any]:
        """The texts of a reply, by key. Raises UnusableReplyError."""
        return {**read_reply(text, question.schema["required"], self.labels)}

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
        name = f"{self.interpretation.name} {self.interpretation.version}"
        return Question.of(self.model, (turn.id,), name, messages, texts(*KEYS["utterance"]), words=90)

    def _about_speaker(self, talk: Conversation, speaker: str, template: Template) -> Question:
        messages = template.render(labels=list(self.labels), context=_rows(talk.utterances), speaker=speaker)
        name = f"{template.name} {template.version}"
        return Question.of(self.model, (talk.id, speaker), name, messages, texts(*KEYS["speaker"]), words=120)


def knowledge_of(work: Work) -> Knowledge:
    """All that is answered."""
    return _knowledge((question.about, answer) for question, answer in work.answers())


def knowledge_in(log: AnswerLog) -> Knowledge:
    """All usable answers of a log, by the ids that were asked about; of several about one utterance the last."""
    return _knowledge((entry.about, entry.answer or {}) for entry in log.usable.values())


def _knowledge(answers: Iterable[tuple[tuple[str, ...], dict[str, Any]]]) -> Knowledge:
    interpretations: dict[str, Interpretation] = {}
    characteristics: dict[tuple[str, str], str] = {}
    for about, answer in answers:
        match about:
            case (utterance,):
                interpretations[utterance] = Interpretation(**answer)
            case (talk, speaker):
                characteristics[talk, speaker] = answer["characteristic"]
    return Knowledge(interpretations, characteristics)


def _rows(turns: Sequence[Utterance]) -> list[dict[str, str]]:
    return [{"speaker": turn.speaker, "text": turn.text} for turn in turns]
