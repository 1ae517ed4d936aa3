"""What one visitor does with the page: one conversation at a time, in one browser tab. Knows no Gradio and no HTML.

Nothing here is shared with other visitors but the reader, the replier and the archive. Of the archive a visitor sees the
sessions whose ids they bring: an id has 128 random bits, so knowing it is the right to read, continue and delete.
"""

import secrets
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from prc_emo.chat.archive import Archive, Kept
from prc_emo.chat.reader import Reader
from prc_emo.chat.replies import Replier, answer, silent
from prc_emo.chat.replies.crisis import speaks_of_crisis
from prc_emo.chat.session import Session
from prc_emo.chat.turn import Turn
from prc_emo.chat.typed import hint, understand
from prc_emo.corpora import read_conversations
from prc_emo.errors import PrcEmoError

MOST_TURNS = 500  # of a dialogue that is added at once; the recognizer is shared with the other visitors
MOST_WORDS = 100_000  # characters of one input
MOST_BYTES = 4 * MOST_WORDS  # of a file with a dialogue
PAGE = 200  # turns that are shown before somebody asks for earlier ones

# what there is to draw anew: all, or only what is coming (words that are being read, a reply that is being written)
Step = Literal["all", "coming"]
Steps = Iterator[Step]


@dataclass(frozen=True, slots=True)
class Coming:
    """A turn that is not there yet; `by` is empty where a person spoke and the words are being read."""

    speaker: str
    text: str
    by: str = ""


class Tab:
    """A visitor's conversation. Its steps yield what has changed as it changes; a refusal is said in `notice`.

    Attributes:
        chosen: The turn whose reading is explained; None is the last one that was read.
        shown: How many turns are drawn, counted from the end.
        coming: What will be the next turn.
        replying: Whether a reply is under way.
        needs_help: Whether somebody spoke of suicide or self-harm; known before the words are read, and not taken back.
        notice: What went wrong, or what there is to know; empty where nothing is.
        news: What somebody who does not see the page is told of the last step.
    """

    session: Session
    chosen: int | None
    shown: int
    coming: Coming | None
    replying: bool
    needs_help: bool

    def __init__(self, reader: Reader, archive: Archive | None, replier: Replier | None) -> None:
        self.reader, self.archive, self.replier = reader, archive, replier
        self._turn_to(Session(reader, archive, id=_new_id()))
        self.notice = self.news = ""

    def explained(self, turns: Sequence[Turn]) -> Turn | None:
        """Of these turns, the one whose reading is explained; None where nothing was read yet."""
        if self.chosen is not None and self.chosen < len(turns):
            return turns[self.chosen]
        return next((turn for turn in reversed(turns) if turn.reading), None)

    def send(self, speaker: str, text: str, *, wants_reply: bool, audio: Path | None = None) -> Steps:
        """Somebody says something, with a recording or without, or pastes a dialogue, which nobody answers."""
        self._stop.set()
        text = _of_a_length(text.strip())
        meant = text if text.startswith("/") or audio else understand(text, self.session.speakers)
        self.coming = Coming(speaker, text)
        self._mind([text])
        yield "coming"
        if isinstance(meant, tuple):
            yield from self._say(meant)
            return
        self.notice = hint(text)
        yield from self._say([(speaker, text) if audio is None else (speaker, text, audio)])
        if wants_reply:
            yield from self._answer()

    def add(self, text: str) -> Steps:
        """The turns of one dialogue, in a form that `prc-emo read` takes too."""
        self._stop.set()
        talks = read_conversations(_of_a_length(text))
        if len(talks) > 1:
            raise PrcEmoError(
                f"Expected one conversation, got {len(talks)}. Add them one by one: an empty line in plain text begins "
                "another. `prc-emo read` reads many."
            )
        for number, turn in enumerate(talks[0].utterances, start=1):
            if turn.audio is not None:
                raise PrcEmoError(
                    f"Turn {number} names a recording, {turn.audio.name!r}; this page reads no files by their names. Take "
                    "'audio' out, or let `prc-emo read` read the file."
                )
        said = [(turn.speaker, turn.text) for turn in talks[0].utterances]
        if len(said) > MOST_TURNS:
            raise PrcEmoError(
                f"Expected at most {MOST_TURNS} turns at once, got {len(said)}. Add them in parts, or let `prc-emo read` "
                "read the file."
            )
        self.coming = Coming(said[0][0], said[0][1] + "\n…" * (len(said) > 1))
        self._mind(words for _, words in said)
        yield "coming"
        yield from self._say(said)

    def undo(self) -> Steps:
        """Takes back what was said last, and the reply to it."""
        self._stop.set()
        while (gone := self.session.undo()).by:
            pass
        self.chosen = None
        self.news = f"Taken back: {gone.speaker}, {gone.text}"
        yield "all"

    def edit(self, number: int, text: str, *, wants_reply: bool) -> Steps:
        """Other words for a turn. Replies that follow it, and nothing else, are replies to the old words: they go."""
        self._stop.set()
        self._mind([_of_a_length(text)])
        turn = self.session.edit(number, text)
        self.chosen = number
        self._tell([turn])
        after = self.session.turns[number + 1 :]
        if all(one.by for one in after):
            for _ in after:
                self.session.undo()
            yield "all"
            if wants_reply:
                yield from self._answer()
            return
        self.notice = "The turns after it keep their readings. Re-read reads everything as it stands now."
        yield "all"

    def reread(self) -> Steps:
        self._stop.set()
        changed = self.session.reread()
        self.notice = (
            f"Read again. Turns with another label now: {len(changed)} of {len(self.session)}."
            if len(self.session)
            else "Nothing was said yet."
        )
        yield "all"

    def choose(self, number: int) -> Steps:
        self.chosen = number
        yield "all"

    def earlier(self) -> Steps:
        self.shown += PAGE
        yield "all"

    def stop(self) -> None:
        """No further piece of a reply is taken; what came stays."""
        self._stop.set()

    def new(self) -> Steps:
        self._stop.set()
        self._turn_to(Session(self.reader, self.archive, id=_new_id()))
        self.news = "A new conversation."
        yield "all"

    def resume(self, id: str) -> Steps:
        self._stop.set()
        if not self.kept([id.strip()]):
            raise PrcEmoError(_unknown(id))
        self._turn_to(Session.resume(self.reader, self._kept_in(), id.strip()))
        self.news = f"Resumed, with {len(self.session)} turns."
        yield "all"

    def delete(self, id: str) -> Steps:
        """Deletes a session for good; where it is this one, another begins."""
        self._stop.set()
        if self.kept([id]):
            self._kept_in().delete(id)
        elif id != self.session.id:
            raise PrcEmoError(_unknown(id))
        if id == self.session.id:
            self._turn_to(Session(self.reader, self.archive, id=_new_id()))
        self.news = self.notice = "The conversation is deleted."
        yield "all"

    def recording(self, number: int) -> bytes | None:
        """The recording of a turn, to be played."""
        turns = self.session.turns
        path = turns[number].audio if 0 <= number < len(turns) else None
        return path.read_bytes() if path is not None and path.is_file() else None

    def kept(self, ids: Collection[str]) -> list[Kept]:
        """Those of these sessions that there are, those that changed last first."""
        return self.archive.list(ids) if self.archive is not None else []

    def doing(self, steps: Steps) -> Steps:
        """Steps that end in a notice where they are refused; a last step draws what is there then."""
        self.notice = self.news = ""
        try:
            yield from steps
        except PrcEmoError as error:
            self.notice = self._discreet(str(error))
            self.coming = None
            yield "all"

    def trouble(self) -> str:
        """Why the conversation is in memory only; empty where it is kept."""
        return self._discreet(self.session.trouble or "")

    def _say(self, said: Collection[tuple[str | Path, ...]]) -> Steps:
        turns = self.session.say_all(said)
        self.coming = self.chosen = None
        self._tell(turns)
        yield "all"

    def _answer(self) -> Steps:
        if self.replier is None:
            return
        stop = self._stop = threading.Event()
        why = silent(self.session.turns[-1])
        pieces, text = answer(self.session, self.replier, stopped=stop.is_set), ""
        self.replying = True
        yield "coming"
        try:
            for piece in pieces:
                if piece.kind == "reply":  # help is shown already: `needs_help`
                    text += piece.text
                    self.coming = Coming("PRC-Emo", text, piece.by)
                    yield "coming"
                if stop.is_set():
                    break
        except PrcEmoError:
            if not stop.is_set():  # otherwise it ends because the visitor went on
                raise
        finally:
            pieces.close()  # a model that is still writing stops
            if stop is self._stop:
                self.coming, self.replying = None, False
        if stop.is_set():  # by the visitor, who knows
            yield "all"
            return
        self.news += f" PRC-Emo: {text}" if text else f" {why}"
        if not text and not self.needs_help:
            self.notice = f"{self.notice} {why}".strip()
        yield "all"

    def _tell(self, turns: Collection[Turn]) -> None:
        readings = [turn for turn in turns if turn.reading]
        if len(readings) > 3:
            self.news = f"{len(readings)} turns were read."
            return
        self.news = " ".join(map(self._in_words, readings))

    def _in_words(self, turn: Turn) -> str:
        assert turn.reading is not None
        sure, shift = turn.reading.confidence, self.session.shift(turn.number)
        words = f"Turn {turn.number + 1}, {turn.speaker}: {turn.reading.label or 'not readable'}"
        return (
            words
            + ("" if sure is None else f", {sure:.0%}")
            + (f", was {shift.before}" if shift else "")
            + (f", recording {turn.voice}" if turn.voice else "")
            + "."
        )

    def _mind(self, said: Iterable[str]) -> None:
        self.needs_help = self.needs_help or any(map(speaks_of_crisis, said))

    def _turn_to(self, session: Session) -> None:
        self.session = session
        self.chosen, self.shown = None, PAGE
        self.coming, self.replying, self.needs_help = None, False, False
        self._mind(turn.text for turn in session.turns if not turn.by)
        self._stop = threading.Event()

    def _kept_in(self) -> Archive:
        if self.archive is None:
            raise PrcEmoError("No conversation is kept: the server was started with --no-save.")
        return self.archive

    def _discreet(self, message: str) -> str:
        """Visitors need not know where the server keeps its files."""
        return message if self.archive is None else message.replace(str(self.archive.path), "The archive")


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(16)}"


def _of_a_length(text: str) -> str:
    if len(text) > MOST_WORDS:
        raise PrcEmoError(f"Expected at most {MOST_WORDS:,} characters, got {len(text):,}. Say it in parts.")
    return text


def _unknown(id: str) -> str:
    # no "did you mean": the ids of others are theirs
    return (
        f"There is no conversation {id.strip()!r:.60}. Check that its id is whole; it may have been deleted."
    )
