"""One conversation as it happens: turns are said, read, edited and taken back. Knows no screen, no server and no file form.

A turn is read once, with what was said until then (the window of training), and keeps that reading whatever is said
later; `reread` is the way to change it. Whatever changes is kept before the caller hears of it; a recording is copied, and
the copy goes when its turn does. Several threads may use one session, and many sessions one reader.
"""

import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from prc_emo.chat.archive import Archive, ArchiveError, OutOfDateError
from prc_emo.chat.reader import Reader, deaf
from prc_emo.chat.recordings import Recordings
from prc_emo.chat.turn import Shift, Turn, shift
from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.fields import speaker_name, words
from prc_emo.errors import PrcEmoError


@dataclass(frozen=True, slots=True)
class Situation:
    """What a reply answers: the last turn, those before it, and the labels in which it was read."""

    turn: Turn
    before: tuple[Turn, ...]
    labels: tuple[str, ...]


class Session:
    """A conversation, with what a recognizer reads in it.

    Args:
        reader: Reads the turns.
        archive: Where it is kept; None keeps it in memory alone.
        id: Its name; by default the time and four random bytes.

    Attributes:
        trouble: Why what was said last is in memory only; None where all is kept.
    """

    def __init__(self, reader: Reader, archive: Archive | None = None, *, id: str | None = None) -> None:
        self.id = id or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        self.reader = reader
        self.trouble: str | None = None
        self._archive = archive
        self._recordings = Recordings(archive.recordings(self.id) if archive is not None else None)
        self._turns: list[Turn] = []
        self._revision = 0
        self._unkept = 0  # the first turn that the archive may not have as it is
        self._change = threading.RLock()

    @classmethod
    def resume(cls, reader: Reader, archive: Archive, id: str) -> "Session":
        """The session as it was when it was kept last.

        Raises:
            PrcEmoError: There is none of that id, or it was read in other labels than the reader's.
        """
        kept, turns = archive.load(id)
        if set(kept.labels) != set(reader.labels):
            raise PrcEmoError(
                f"Session {id} was read by {kept.reader} with the labels {', '.join(kept.labels)}; {reader.name} answers "
                f"{', '.join(reader.labels)}. Resume it with {kept.reader}, or export it and read it anew."
            )
        session = cls(reader, archive, id=id)
        session._turns, session._revision, session._unkept = list(turns), kept.revision, len(turns)
        return session

    def __len__(self) -> int:
        return len(self._turns)

    @property
    def turns(self) -> tuple[Turn, ...]:
        with self._change:
            return tuple(self._turns)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Each speaker once, in order of appearance."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns))

    @property
    def note(self) -> str | None:
        """What somebody who sees these labels must know about the model's view; None where there is nothing to know."""
        if self.reader.see == "past":
            return None
        return (
            "This model was trained to see also the turns that follow. In a live chat there are none yet: a turn is read "
            "without them, so its label may differ from what `read` says of the finished conversation; reread to read "
            "everything again with what followed."
        )

    def say(self, speaker: str, text: str, audio: Path | None = None) -> Turn:
        """Somebody says something: it is read, kept, and returned. See `say_all`."""
        return self.say_all([(speaker, text) if audio is None else (speaker, text, audio)])[0]

    def say_all(self, said: Iterable[Sequence[str | Path]]) -> tuple[Turn, ...]:
        """Several turns at once, such as a dialogue that was pasted; they are read in one go.

        Args:
            said: (speaker, text), or (speaker, text, path of the recording); what was recorded may have no words.

        Raises:
            PrcEmoError: A turn has no speaker, neither words nor a voice that is heard, or is too long; then nothing was
                said.
        """
        with self._change:
            first = len(self._turns)
            new: list[Turn] = []
            try:
                for number, (speaker, text, *recording) in enumerate(said, start=first):
                    new.append(self._new(number, speaker, text, Path(recording[0]) if recording else None))
                read = [*self._read([*self._turns[self._from(first) :], *new], new)]
            except BaseException:
                self._drop(new)
                raise
            self._become(read, first)
            return tuple(self._turns[first:])

    def reply(self, turn: Turn, speaker: str, by: str, pieces: Iterable[str]) -> Iterator[str]:
        """A reply to a turn, handed on piece by piece as it comes; each piece is kept before it is handed on.

        Raises:
            PrcEmoError: Something else was said or taken back since that turn; what came until then stays.
        """
        number, text = turn.number + 1, ""
        written: Turn | None = None
        for piece in pieces:
            text = (text + piece).lstrip()
            if not text:
                continue
            with self._change:
                if self._turns[turn.number :] != [turn, *([] if written is None else [written])]:
                    raise PrcEmoError(
                        "The conversation went on while a reply was coming. The reply ends here."
                    )
                written = Turn(number, speaker_name(speaker, "The reply"), words(text, "The reply"), by)
                self._become([written], number)
            yield piece if len(text) > len(piece) else text

    def edit(self, number: int, text: str) -> Turn:
        """Other words for a turn (from 0), which is read again; the readings of other turns stay as they are.

        Raises:
            PrcEmoError: There is no such turn, it is a reply, or the words cannot be read; then nothing has changed.
        """
        with self._change:
            turn = self._at(number)
            if turn.by:
                raise PrcEmoError(f"Turn {number + 1} is a reply: take it back instead of editing it.")
            new = replace(turn, text=_some_words(text, f"Turn {number + 1}", turn.audio is not None))
            turns = [*self._turns[:number], new, *self._turns[number + 1 :]]
            read = next(self._read(turns[self._from(number) : self._until(number)], [new]))
            self._become([read, *turns[number + 1 :]], number)
            return read

    def undo(self) -> Turn:
        """Takes back the last turn, and returns it; everything is as it was before it was said.

        Raises:
            PrcEmoError: Nothing was said yet.
        """
        with self._change:
            last = self._at(len(self._turns) - 1)
            self._become([], last.number)
            return last

    def reread(self) -> tuple[Turn, ...]:
        """Reads everything again as it stands now, and returns the turns whose label has changed."""
        with self._change:
            before = self._turns
            spoken = [turn for turn in before if not turn.by]
            if spoken:
                again = {turn.number: turn for turn in self._read(before, spoken)}
                self._become([again.get(turn.number, turn) for turn in before], 0)
            return tuple(
                now
                for then, now in zip(before, self._turns, strict=True)
                if then.reading and now.reading and then.reading.label != now.reading.label
            )

    def shift(self, number: int) -> Shift | None:
        """How the emotion of a turn differs from that of its speaker's turn before; None where it does not."""
        return shift(self.turns, number)

    def mood(self, speaker: str | None = None) -> list[tuple[int, float]]:
        """Valence over time, of everybody or of one speaker: turn number, and how pleasant (-1 to 1)."""
        return [
            (turn.number, valence)
            for turn in self.turns
            if speaker in (None, turn.speaker)
            and turn.reading
            and (valence := turn.reading.valence) is not None
        ]

    def situation(self, before: int = 10) -> Situation:
        """What the next reply answers, with so many turns before it.

        Raises:
            PrcEmoError: Nothing was said yet.
        """
        with self._change:
            last = self._at(len(self._turns) - 1)
            start = max(0, last.number - before)
            before_it = tuple(turn for turn in self._turns[start : last.number] if turn.text)
            return Situation(last, before_it, tuple(self.reader.labels))

    def conversation(self) -> Conversation:
        """The record that every corpus becomes and every recognizer reads.

        Raises:
            PrcEmoError: Nothing was said yet.
        """
        return self._talk(self.turns)

    def _new(self, number: int, speaker: object, text: object, recording: Path | None) -> Turn:
        where = f"Turn {number + 1}"
        if recording is not None and not self.reader.hears:
            raise deaf(self.reader, where)
        turn = Turn(number, speaker_name(speaker, where), _some_words(text, where, recording is not None))
        return turn if recording is None else replace(turn, audio=self._recordings.take(recording))

    def _drop(self, turns: Iterable[Turn]) -> None:
        for turn in turns:
            if turn.audio is not None:
                self._recordings.drop(turn.audio)

    def _at(self, number: int) -> Turn:
        if not self._turns:
            raise PrcEmoError("Nothing was said yet.")
        if not 0 <= number < len(self._turns):
            raise PrcEmoError(f"There is no turn {number + 1}: expected 1 to {len(self._turns)}.")
        return self._turns[number]

    def _from(self, number: int) -> int:
        """The first turn that the reader looks at when it reads this one."""
        return 0 if self.reader.window is None else max(0, number - self.reader.window)

    def _until(self, number: int) -> int:
        return number + 1 + ((self.reader.window or 0) if self.reader.see == "surrounding" else 0)

    def _read(self, turns: Sequence[Turn], asked: Sequence[Turn]) -> Iterator[Turn]:
        """The turns that were asked about, with their readings; `turns` is what the reader may look at.

        Raises:
            PrcEmoError: One has no words, and its voice is not heard.
        """
        if not asked:
            return
        ids = {turn.number: f"{self.id}/{turn.number}" for turn in asked}
        readings = self.reader.read([self._talk(turns)], set(ids.values()))
        for turn in asked:
            read = replace(turn, reading=readings[ids[turn.number]])
            if not read.text and not (read.reading and read.reading.voice and read.reading.voice.heard):
                raise PrcEmoError(
                    f"Turn {turn.number + 1} has no words, and its recording is {read.voice}. Record it again, or type the words."
                )
            yield read

    def _talk(self, turns: Sequence[Turn]) -> Conversation:
        return Conversation(
            self.id,
            tuple(
                Utterance(f"{self.id}/{turn.number}", turn.speaker, turn.text, audio=turn.audio)
                for turn in turns
            ),
        )

    def _become(self, turns: Sequence[Turn], first: int) -> None:
        """From turn `first` on the conversation is `turns`; they are kept, and what could not be kept before."""
        stay = {turn.audio for turn in turns}
        gone = [turn for turn in self._turns[first:] if turn.audio not in stay]
        self._turns[first:] = turns
        self._unkept = min(self._unkept, first)
        if self._archive is None:
            self._drop(gone)
            return
        try:
            self._revision = self._archive.keep(
                self.id,
                self._revision,
                self._turns[self._unkept :],
                first=self._unkept,
                reader=self.reader.name,
                labels=tuple(self.reader.labels),
            )
        except ArchiveError as error:
            self.trouble = str(error)
            if isinstance(error, OutOfDateError):
                self._go_on_alone(self._archive)
        else:
            self._unkept, self.trouble = len(self._turns), None
            self._drop(gone)

    def _go_on_alone(self, archive: Archive) -> None:
        """What is kept under this id is somebody else's by now; recordings that are this one's alone come along."""
        try:
            theirs = {turn.audio for turn in archive.load(self.id)[1]}
        except PrcEmoError:
            theirs = set()
        here, self._recordings, self._archive = self._recordings, Recordings(), None
        for at, turn in enumerate(self._turns):
            if turn.audio is not None and turn.audio not in theirs and turn.audio.is_file():
                self._turns[at] = replace(turn, audio=self._recordings.take(turn.audio))
                here.drop(turn.audio)


def _some_words(text: object, where: str, recorded: bool) -> str:
    said = words(text, where)
    if not said and not recorded:
        raise PrcEmoError(f"{where}: expected some words, got none.")
    return said
