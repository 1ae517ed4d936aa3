"""What is said after a turn: where it speaks of suicide or self-harm, first where people help; then the reply, if one is wanted."""

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, Protocol

from prc_emo.chat.replies.crisis import HELP, speaks_of_crisis
from prc_emo.chat.session import Session, Situation
from prc_emo.chat.turn import Turn


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it comes. `by` says who made it up, for whoever reads it: "retrieved from everyday/social-01/3"."""

    by: str
    pieces: Iterator[str]


class Replier(Protocol):
    """A way to reply. One serves many sessions, from any thread."""

    def reply(self, situation: Situation) -> Reply | None:
        """What follows the last turn; None where nothing fits.

        Raises:
            PrcEmoError: There is no reply, here or while its pieces come; the message says why.
        """
        ...


class Prepared:
    """A way to reply that is made when it is asked first, once: help does not wait for a model to load, or to fail."""

    def __init__(self, prepare: Callable[[], Replier]) -> None:
        self._prepare = prepare
        self._replier: Replier | None = None
        self._turn = threading.Lock()

    def reply(self, situation: Situation) -> Reply | None:
        with self._turn:
            self._replier = self._replier or self._prepare()
        return self._replier.reply(situation)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what is said: `help` comes at once and is no turn of the conversation."""

    kind: Literal["help", "reply"]
    text: str
    by: str = ""


def reply_to(
    situation: Situation,
    replier: Replier | None,
    spoken: Callable[[Reply], Iterator[str]] = lambda reply: reply.pieces,
) -> Generator[Piece]:
    """What to say after a turn: where people help, then the reply. Close it to stop a reply that is coming.

    A recording without words is read and not answered: nobody knows what was said in it.

    Args:
        spoken: Hands on the pieces of a reply, and may keep them.

    Raises:
        PrcEmoError: The reply failed; the pointer to help was handed on before.
    """
    if speaks_of_crisis(situation.turn.text):
        yield Piece("help", HELP)
    if replier is not None and situation.turn.text and (reply := replier.reply(situation)) is not None:
        for text in spoken(reply):
            yield Piece("reply", text, reply.by)


def silent(turn: Turn) -> str:
    """Why a turn was not answered."""
    if turn.text:
        return "No reply fits."
    return "What was said in the recording is not known here; to be answered, type the words beside it."


def answer(
    session: Session,
    replier: Replier | None,
    speaker: str = "PRC-Emo",
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[Piece]:
    """The same after a session's last turn; the reply becomes its next turn as its pieces come.

    Args:
        stopped: Whether no further piece is wanted; asked before each.
    """
    situation = session.situation()

    def kept(reply: Reply) -> Iterator[str]:
        pieces = takewhile(lambda _: not stopped(), reply.pieces)
        return session.reply(situation.turn, speaker, reply.by, pieces)

    return reply_to(situation, replier, kept)
