"""Asks all questions that have no answer yet, in rounds: whoever answered badly is told why and asked again.

Knows no server and no model: a `Backend` answers. Each answer is in the log the moment it comes, so that an interrupted
work goes on where it was. What is not answered in the end is missing.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Protocol

from prc_emo.asking.log import AnswerLog, Entry
from prc_emo.asking.question import Message, Question, UnusableReplyError
from prc_emo.errors import PrcEmoError

_GIVE_UP = 30  # calls in a row that failed: the server is gone, not the one question


@dataclass(frozen=True, slots=True)
class Reply:
    """What a backend brings back: a text, or why there is none; both, where the text cannot be what was asked for.

    Attributes:
        gone: Whether the failure says that nobody is there at all, whatever the question.
    """

    text: str | None
    failure: str | None = None
    tokens: tuple[int, int] = (0, 0)
    gone: bool = False


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
    """What is to be asked, and what is known of it so far.

    Args:
        model: Who is asked.
        questions: Makes all questions, each time it is called; they may be many.
        read: What a reply says, or UnusableReplyError with the reason.
        attempts: How often a question is asked in all, where replies are unusable.
    """

    model: str
    questions: Callable[[], Iterable[Question]]
    read: Callable[[Question, str], dict[str, Any]]
    log: AnswerLog
    attempts: int = 3
    price: Price = field(default_factory=Price)

    def open(self) -> Iterator[Question]:
        """The questions that may still be asked, each once."""
        seen: set[str] = set()
        for question in self.questions():
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
            answers += question.words * 3 // 2
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
                failures = failures + 1 if reply.gone else 0
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

    def answers(self) -> Iterator[tuple[Question, dict[str, Any]]]:
        """All questions that are answered, with what was read out of the reply."""
        for question in self.questions():
            if (entry := self.log.usable.get(question.key)) is not None:
                yield question, entry.answer or {}

    def missing(self) -> dict[str, str]:
        """What a question without a usable answer is about: why there is none."""
        reasons = {}
        for question in self.questions():
            if question.key not in self.log.usable:
                unusable = self.log.unusable.get(question.key)
                why = (
                    self.log.failed.get(question.key) or (unusable and unusable[-1].reason) or "not asked yet"
                )
                reasons[" ".join(question.about)] = why
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
        about = question.key, question.about, self.model, question.template
        if reply.text is None:
            return Entry(*about, "failed", reason=reply.failure, tokens=reply.tokens)
        text = reply.text.encode(errors="replace").decode()  # half a character cannot be written
        try:
            if reply.failure is not None:
                raise UnusableReplyError(reply.failure)
            answer = self.read(question, text)
            json.dumps(answer, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            reason = "The answer has half a character."
            return Entry(*about, "unusable", text=text, reason=reason, tokens=reply.tokens)
        except UnusableReplyError as error:
            return Entry(*about, "unusable", text=text, reason=str(error), tokens=reply.tokens)
        return Entry(*about, "usable", answer=answer, tokens=reply.tokens)
