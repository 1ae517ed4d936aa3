"""Asks all questions that have no answer yet, in rounds: whoever answered badly is told why and asked again.

Knows no server and no model: a `Backend` answers. Each answer is in the log the moment it comes, so that an interrupted
work goes on where it was. What is not answered in the end is missing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol

from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.interpret.log import AnswerLog, Entry
from prc_emo.interpret.questions import Message, Question, Questioner
from prc_emo.interpret.replies import UnusableReplyError, read_reply
from prc_emo.knowledge import Interpretation, Knowledge

_GIVE_UP = 30  # calls in a row that failed: the server is gone, not the one question


@dataclass(frozen=True, slots=True)
class Reply:
    """What a backend brings back: a text, or why there is none."""

    text: str | None
    failure: str | None = None
    tokens: tuple[int, int] = (0, 0)


Asked = tuple[Question, list[Message]]


class Backend(Protocol):
    """Answers many questions, in whatever order the answers come."""

    def replies(self, asked: Iterable[Asked]) -> Iterator[tuple[Question, Reply]]:
        """Takes questions only as fast as it answers them."""


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens of questions and of answers, and how many dollars may be spent in all."""

    question: float = 0.0
    answer: float = 0.0
    budget: float | None = None

    def of(self, tokens: Sequence[int]) -> float:
        return (tokens[0] * self.question + tokens[1] * self.answer) / 1e6


@dataclass(frozen=True)
class Work:
    """What is to be asked, and what is known of it so far."""

    questioner: Questioner
    conversations: Sequence[Conversation]
    log: AnswerLog
    attempts: int = 3
    price: Price = field(default_factory=Price)

    def open(self) -> Iterator[Question]:
        """The questions that may still be asked, each once."""
        seen: set[str] = set()
        for question in self.questioner.ask(self.conversations):
            answered = question.key in self.log.usable
            spent = len(self.log.unusable.get(question.key, ())) >= self.attempts
            if not answered and not spent and question.key not in seen:
                seen.add(question.key)
                yield question

    def estimate(self) -> tuple[int, tuple[int, int]]:
        """How many questions are open, and about how many tokens they and their answers take (4 characters each)."""
        count = asked = 0
        answers = 0
        for question in self.open():
            count += 1
            asked += sum(len(message["content"]) for message in question.messages) // 4
            answers += 150 if question.speaker is None else 180
        return count, (asked, answers)

    def run(self, backend: Backend, *, done: Callable[[], None] = lambda: None) -> None:
        """Asks until every question is answered, or was answered badly `attempts` times, or failed.

        Args:
            done: Told after each reply.

        Raises:
            PrcEmoError: The budget is spent, or nobody answers any more; what came so far is in the log.
        """
        failures = 0
        for attempt in range(self.attempts):
            asked = (
                (question, self._messages(question))
                for question in self.open()
                if len(self.log.unusable.get(question.key, ())) <= attempt
            )
            # answers that are under way when the money runs out still come in and are kept
            for question, reply in backend.replies(takewhile(lambda _: not self._spent(), asked)):
                self.log.add(self._entry(question, reply))
                done()
                failures = failures + 1 if reply.failure else 0
                if failures >= _GIVE_UP:
                    raise PrcEmoError(
                        f"{failures} questions in a row got no answer, the last one because: {reply.failure} What was "
                        "answered is kept; the same command goes on from here."
                    )
            if self._spent() and any(self.open()):
                raise PrcEmoError(
                    f"The budget of {self.price.budget:.2f} USD is spent (by the tokens in {self.log.path}). What was "
                    "answered is kept; raise --budget to go on."
                )

    def knowledge(self) -> Knowledge:
        """All that is answered."""
        interpretations: dict[str, Interpretation] = {}
        characteristics: dict[tuple[str, str], str] = {}
        for question in self.questioner.ask(self.conversations):
            if question.key not in self.log.usable:
                continue
            texts = self.log.usable[question.key].texts or {}
            if question.speaker is None:
                interpretations[question.about] = Interpretation(**texts)
            else:
                characteristics[question.about, question.speaker] = texts["characteristic"]
        return Knowledge(interpretations, characteristics)

    def missing(self) -> dict[str, str]:
        """Id of the utterance, or of the conversation with its speaker: why nothing is known of it."""
        reasons = {}
        for question in self.questioner.ask(self.conversations):
            if question.key not in self.log.usable:
                unusable = self.log.unusable.get(question.key)
                why = (
                    self.log.failed.get(question.key) or (unusable and unusable[-1].reason) or "not asked yet"
                )
                reasons[question.about + (f" {question.speaker}" if question.speaker else "")] = why
        return reasons

    def _messages(self, question: Question) -> list[Message]:
        """The question, and after a bad answer that answer with what was wrong with it."""
        messages = list(question.messages)
        for entry in self.log.unusable.get(question.key, ())[-1:]:
            messages += [
                {"role": "assistant", "content": entry.text or ""},
                {"role": "user", "content": f"{entry.reason} Write the JSON object again."},
            ]
        return messages

    def _spent(self) -> bool:
        return self.price.budget is not None and self.price.of(self.log.tokens) >= self.price.budget

    def _entry(self, question: Question, reply: Reply) -> Entry:
        template = (
            self.questioner.interpretation if question.speaker is None else self.questioner.characteristic
        )
        assert template is not None
        about = (
            question.key,
            question.about,
            question.speaker,
            self.questioner.model,
            f"{template.name} {template.version}",
        )
        if reply.text is None:
            return Entry(*about, "failed", reason=reply.failure, tokens=reply.tokens)
        try:
            texts = read_reply(reply.text, question.speaker, self.questioner.labels)
        except UnusableReplyError as error:
            return Entry(*about, "unusable", text=reply.text, reason=str(error), tokens=reply.tokens)
        return Entry(*about, "usable", texts=texts, tokens=reply.tokens)
