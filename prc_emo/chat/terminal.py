"""The chat in a terminal, or in a pipe: what is typed goes to the session, what it reads is shown.

Knows the commands. How a line is typed is in `keyboard`, how a reading looks in `show`.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from prc_emo.chat import show
from prc_emo.chat.archive import Archive
from prc_emo.chat.export import export
from prc_emo.chat.reader import Reader
from prc_emo.chat.replies import Prepared, Replier, answer, silent
from prc_emo.chat.replies.crisis import HELP as POINTER
from prc_emo.chat.replies.crisis import speaks_of_crisis
from prc_emo.chat.session import Session
from prc_emo.chat.turn import Turn
from prc_emo.chat.typed import Command, file_and_words, hint, understand
from prc_emo.errors import PrcEmoError, did_you_mean

HELP = """\
Type what you say and press Enter. Alt+Enter begins a new line. Paste a dialogue
of "NAME: words" lines, and its turns become those of its speakers.

  /as NAME         speak as NAME
  /audio FILE [WORDS]
                   say WORDS with their recording, where the model hears; nobody
                   else writes them down, but a voice alone is read, too
  /explain [N]     why turn N (the last) was read so: labels, demonstrations
  /mood            how pleasant it was, turn by turn, for each speaker
  /undo            take back the last thing said, and the reply to it
  /edit [N] WORDS  other words for turn N (your last); it is read again
  /reread          read everything again as it stands now
  /reply on|off    whether you are answered
  /export FILE     write the session as JSONL
  /sessions        the sessions that are kept
  /resume ID       go on with one of them       /new       begin another
  /delete [ID]     delete one for good (this one)
  /help  /quit     also Ctrl-D; Ctrl-C stops a reply, or leaves

A text that begins with a slash: type two."""


# each is a method of Chat with an underscore before it
COMMANDS = (
    *("as", "audio", "explain", "mood", "undo", "edit", "reread", "reply"),
    *("export", "sessions", "resume", "new", "delete", "help", "quit"),
)


# asks for one input, of one line or several; EOFError where there is no more, KeyboardInterrupt for Ctrl-C
Ask = Callable[[str], str]


class Chat:
    """One person at a terminal, with one session at a time.

    Args:
        prepare: Makes the way to reply, once it is needed; None replies to nothing.
        forget: Empties what else remembers words that were typed, such as a history, when a session is deleted.
        piped: Each "NAME: words" line is a turn of NAME, and nothing is asked back.
    """

    def __init__(
        self,
        reader: Reader,
        archive: Archive | None,
        out: Console,
        *,
        session: Session | None = None,
        speaker: str = "You",
        prepare: Callable[[], Replier] | None = None,
        forget: Callable[[], None] = lambda: None,
        piped: bool = False,
    ) -> None:
        self.session = session or Session(reader, archive)
        self.speaker = speaker
        self._reader, self._archive, self._out, self._piped = reader, archive, out, piped
        self._replier = None if prepare is None else Prepared(prepare)
        self._replies = prepare is not None
        self._forget = forget
        self._trouble: str | None = None
        self._ask: Ask | None = None

    def run(self, ask: Ask) -> None:
        """Reads and answers until there is no more input, or until somebody leaves."""
        self._ask = ask
        if self.session.note:
            self._say(self.session.note)
        self._show_last()
        while True:
            try:
                text = ask(f"{show.plain(self.speaker)}> ")
            except (EOFError, KeyboardInterrupt):
                break
            try:
                if self.take(text):
                    break
            except KeyboardInterrupt:
                self._out.print()
            except PrcEmoError as error:
                self._say(str(error))
            if self.session.trouble != self._trouble:
                self._trouble = self.session.trouble
                self._say(self._trouble or "All is kept again.")

    def take(self, text: str) -> bool:
        """One input; returns whether it asked to leave.

        Raises:
            PrcEmoError: It cannot be done; the message says why, and nothing has changed.
        """
        meant = understand(text, self.session.speakers, lines_name_speakers=self._piped)
        if isinstance(meant, Command):
            return self._obey(meant)
        if isinstance(meant, tuple):
            said = self.session.say_all(meant)
            for turn in said:
                self._show(turn, whole=True)
            self._point_to_help(said)
            return False
        if meant:
            self._show(self.session.say(self.speaker, meant), whole=self._piped)
            if told := hint(meant):
                self._say(told)
            self._answer()
        return False

    def _answer(self) -> None:
        """The pointer to help, where crisis words were said, and the reply, where one is wanted."""
        replier = self._replier if self._replies else None
        writer, helped = None, False
        pieces = answer(self.session, replier)
        try:
            for piece in pieces:
                if piece.kind == "help":
                    self._out.print(Text(piece.text, style="bold"))
                    helped = True
                    continue
                if writer is None:
                    self._out.print(Text.assemble("PRC-Emo ", (f"({show.plain(piece.by)})", "dim")))
                    writer = show.Wrapped(self._out)
                writer.write(show.plain(piece.text))
        finally:
            pieces.close()  # a model that is still writing stops
            if writer is not None:
                writer.end()
        if replier is not None and writer is None and not helped:
            self._out.print(Text(silent(self.session.turns[-1]), style="dim"))

    def _point_to_help(self, said: Iterable[Turn]) -> None:
        """What `answer` does first, for turns that nobody answers."""
        if any(speaks_of_crisis(turn.text) for turn in said):
            self._out.print(Text(POINTER, style="bold"))

    def _obey(self, command: Command) -> bool:
        if command.name not in COMMANDS:
            raise PrcEmoError(f"There is no command /{command.name}. {did_you_mean(command.name, COMMANDS)}")
        getattr(self, f"_{command.name}")(command.argument)
        return command.name == "quit"

    def _help(self, _: str) -> None:
        self._out.print(HELP, markup=False, highlight=False)

    def _quit(self, _: str) -> None:
        """Nothing is left to do: all is kept."""

    def _as(self, name: str) -> None:
        if not name.strip():
            raise PrcEmoError("/as: expected a name, as in /as Mara.")
        self.speaker = " ".join(name.split())

    def _audio(self, argument: str) -> None:
        if not argument:
            raise PrcEmoError(
                "/audio: expected a recording and what was said, as in /audio talk.wav I am fine."
            )
        recording, words = file_and_words(argument)
        self._show(self.session.say(self.speaker, words, recording), whole=True)
        self._answer()

    def _explain(self, number: str) -> None:
        turns = self.session.turns
        spoken = [turn for turn in turns if not turn.by]
        turn = turns[_number(number, len(turns), "/explain")] if number or not spoken else spoken[-1]
        self._out.print(show.explanation(turn, self.session.shift(turn.number)))

    def _mood(self, _: str) -> None:
        curves = [(speaker, self.session.mood(speaker)) for speaker in self.session.speakers]
        self._out.print(show.moods(curves))

    def _undo(self, _: str) -> None:
        while self.session.undo().by:
            pass
        self._say(f"Taken back; {len(self.session)} turns are left.")

    def _edit(self, argument: str) -> None:
        first, _, rest = argument.partition(" ")
        spoken = [turn.number for turn in self.session.turns if not turn.by]
        if first.isdecimal() and not rest and 1 <= int(first) <= len(self.session):
            raise PrcEmoError(f"/edit: expected words after the number, as in /edit {first} I am not.")
        if first.isdecimal() and rest:
            number, words = _number(first, len(self.session), "/edit"), rest
        elif spoken:
            number, words = spoken[-1], argument
        else:
            raise PrcEmoError("Nothing was said yet.")
        turn = self.session.edit(number, words)
        self._show(turn, whole=True)
        replies = self.session.turns[number + 1 :]
        if turn.speaker == self.speaker and all(one.by for one in replies):
            for _reply in replies:
                self.session.undo()
            self._answer()
            return
        self._point_to_help([turn])
        if replies:
            self._say("The turns after it keep their readings; /reread reads everything anew.")

    def _reread(self, _: str) -> None:
        changed = self.session.reread()
        for turn in changed:
            self._show(turn, whole=True)
        self._say(f"Read again; {len(changed)} of {len(self.session)} turns have another label now.")

    def _reply(self, wish: str) -> None:
        if wish not in ("on", "off") or (wish == "on" and self._replier is None):
            raise PrcEmoError(
                "/reply: expected on or off; to be answered at all, start without --reply none."
            )
        self._replies = wish == "on"
        self._say("You are answered." if self._replies else "You are read, and not answered.")

    def _export(self, file: str) -> None:
        if not file:
            raise PrcEmoError("/export: expected a file, as in /export talk.jsonl.")
        try:
            path = Path(file).expanduser()
        except RuntimeError:
            raise PrcEmoError(f"/export: there is no user of that name, in {file!r}.") from None
        if os.path.exists(path):  # noqa: PTH110  a Path raises for a name that is too long
            raise PrcEmoError(f"{path} is there already. Name another file.")
        folder = export(self.session, path)
        beside = f", their recordings in {folder.name} beside it" if folder else ""
        self._say(f"{len(self.session)} turns are in {path}{beside}.")

    def _sessions(self, _: str) -> None:
        self._out.print(show.sessions(self._kept().list()[:20], self.session.id))

    def _resume(self, id: str) -> None:
        self._turn_to(resume(self._reader, self._kept(), id or "last"))

    def _new(self, _: str) -> None:
        self._turn_to(Session(self._reader, self._archive))
        self._say("A new session.")

    def _delete(self, id: str) -> None:
        kept, gone = self._kept(), id or self.session.id
        if not self._piped and self._ask is not None:
            sure = self._ask(f"Delete session {show.plain(gone)} for good? Type yes: ")
            if sure.strip().lower() != "yes":
                self._say("Nothing was deleted.")
                return
        if gone != self.session.id or any(one.id == gone for one in kept.list()):
            kept.delete(gone)
        self._forget()
        if gone == self.session.id:
            self._turn_to(Session(self._reader, self._archive))
        self._say(f"Session {gone} is deleted, and with it the history of what was typed.")

    def _turn_to(self, session: Session) -> None:
        self.session, self._trouble = session, None
        self._show_last()

    def _show_last(self, count: int = 6) -> None:
        turns = self.session.turns
        if len(turns) > count:
            self._say(f"{len(turns) - count} turns, and then:")
        for turn in turns[-count:]:
            self._show(turn, whole=True)

    def _kept(self) -> Archive:
        if self._archive is None:
            raise PrcEmoError("No session is kept: the chat was started with --no-save.")
        return self._archive

    def _show(self, turn: Turn, *, whole: bool) -> None:
        """A turn's reading; `whole` for one whose words are not on the screen yet."""
        if whole:
            by = f" ({show.plain(turn.by)})" if turn.by else " (recording)" if turn.audio else ""
            said = Text.assemble((show.plain(turn.speaker), "bold"), (by, "dim"), ": ", show.plain(turn.text))
            self._out.print(said)
        if turn.reading is not None:
            self._out.print(show.line(turn, self.session.shift(turn.number)))
        if turn.voice:
            self._out.print(Text(f"      {turn.voice}", style="dim"))

    def _say(self, line: str) -> None:
        self._out.print(Text(show.plain(line), style="italic"))


def resume(reader: Reader, archive: Archive, id: str) -> Session:
    """A kept session; `last` is the one that changed last.

    Raises:
        PrcEmoError: There is none.
    """
    kept = [one.id for one in archive.list()]
    if id == "last":
        if not kept:
            raise PrcEmoError(f"No session is kept in {archive.path} yet.")
        id = kept[0]
    elif id not in kept:
        raise PrcEmoError(f"There is no session {id!r} in {archive.path}. {did_you_mean(id, kept[:5])}")
    return Session.resume(reader, archive, id)


def _number(text: str, turns: int, command: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= turns:
        raise PrcEmoError(f"{command}: expected the number of a turn, 1 to {turns}, got {text!r}.")
    return int(text) - 1
