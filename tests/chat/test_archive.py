"""Sessions in a file: nothing shown is lost, nothing deleted stays, and trouble is told."""

import json
import random
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from chat_kit import WordReader

from prc_emo import PrcEmoError
from prc_emo.chat.archive import Archive
from prc_emo.chat.session import Session
from prc_emo.labels import LabelSet

SECRET = "Nobody must ever read this pomegranate."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sessions.sqlite"


def on_disk(file: Path) -> bytes:
    """Every byte of the database and of what SQLite keeps beside it."""
    return b"".join(path.read_bytes() for path in sorted(file.parent.glob(f"{file.name}*")))


def test_a_session_is_resumed_as_it_was(file: Path) -> None:
    archive = Archive(file)
    session = Session(WordReader(), archive)
    session.say("Ada", "Well.")
    list(session.reply(session.turns[-1], "Machine", "kit", ["Go on."]))
    archive.close()
    again = Archive(file)
    resumed = Session.resume(WordReader(), again, session.id)
    assert resumed.turns == session.turns
    resumed.say("Ada", "No.")
    assert again.load(session.id)[1] == list(resumed.turns)
    (kept,) = again.list()
    assert (kept.id, kept.reader, kept.turns, kept.opening) == (session.id, "words", 3, "Well.")


def test_only_its_user_may_read_it(file: Path) -> None:
    session = Session(WordReader(), Archive(file))
    session.say("Ada", "Well.")
    for path in file.parent.glob(f"{file.name}*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_session_is_not_resumed_in_other_labels(file: Path) -> None:
    archive = Archive(file)
    session = Session(WordReader(), archive)
    session.say("Ada", "Well.")
    other = WordReader()
    other.labels = LabelSet("other", ("calm", "angry"))  # type: ignore[misc]
    with pytest.raises(
        PrcEmoError, match=r"was read by words with the labels joy, sadness, neutral; words answers calm"
    ):
        Session.resume(other, archive, session.id)


TALKS = """
import sys
from pathlib import Path
from chat_kit import WordReader
from prc_emo.chat.archive import Archive
from prc_emo.chat.session import Session
session = Session(WordReader(), Archive(Path(sys.argv[1])), id="killed")
for number in range(1000):
    print(session.say("Ada", f"Turn {number}.").text, flush=True)
    for piece in session.reply(session.turns[-1], "Machine", "kit", [f"Reply {number}", ", and ", "so on."]):
        print(piece, flush=True)
"""


@pytest.mark.parametrize("shown", [1, 30, 31, 32, 33])
def test_kill_9_loses_nothing_that_was_shown(file: Path, shown: int) -> None:
    """Also not in the middle of a reply."""
    command = [sys.executable, "-c", TALKS, str(file)]
    speaker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent)
    assert speaker.stdout is not None
    # a space at the end of a piece is kept once something follows it
    said = "".join(speaker.stdout.readline().rstrip("\n") for _ in range(shown)).rstrip()
    speaker.kill()
    speaker.wait()
    resumed = Session.resume(WordReader(), Archive(file), "killed")
    assert said and "".join(turn.text for turn in resumed.turns).startswith(said)
    resumed.say("Ada", "I am back.")


def test_a_deleted_session_leaves_no_word_in_the_file(file: Path) -> None:
    archive = Archive(file)
    stays = Session(WordReader(), archive)
    gone = Session(WordReader(), archive)
    for number in range(60):  # of many sizes, so that pages split and cells move
        stays.say("Ada", f"Harmless {number}. " + "So. " * (number * 7 % 90))
        gone.say("Zenobia", f"{SECRET} {number} " + "And. " * (number * 13 % 200))
    gone.edit(3, "Something else.")
    for _ in range(20):
        gone.undo()
    archive.list()
    # a word, a name, and a word of what was retrieved
    traces = [b"pomegranate", b"Zenobia", b"etanargemop"]
    assert all(trace in on_disk(file) for trace in traces)  # the premise
    archive.delete(gone.id)
    assert not any(trace in on_disk(file) for trace in traces)
    assert Session.resume(WordReader(), archive, stays.id).turns == stays.turns
    with pytest.raises(PrcEmoError, match="There is no session") as refused:
        archive.load(gone.id)
    assert stays.id not in str(refused.value)  # an id is the key to a conversation


@pytest.mark.parametrize("seed", range(12))
def test_nor_do_the_pages_that_sqlite_moved_words_in(file: Path, seed: int) -> None:
    """Undone and edited words too. Clearing deleted cells is not enough: it leaves words behind with some of these seeds."""
    numbers, archive = random.Random(seed), Archive(file)
    sessions = [Session(WordReader(), archive, id=f"session {number}") for number in range(3)]
    for _ in range(150):
        session = numbers.choice(sessions)
        words = ("pomegranate " if session is sessions[0] else "fine ") * numbers.randrange(1, 60)
        what = numbers.random()
        if what < 0.75 or len(session) < 3:
            session.say("Ada", words)
        elif what < 0.9:
            session.edit(numbers.randrange(len(session)), words)
        else:
            session.undo()
    archive.delete("session 0")
    assert b"pomegranate" not in on_disk(file)
    for session in sessions[1:]:
        assert archive.load(session.id)[1] == list(session.turns)


def test_deleting_says_so_when_another_program_holds_the_old_words(file: Path) -> None:
    archive = Archive(file)
    session = Session(WordReader(), archive)
    session.say("Ada", SECRET)
    archive._base.execute("PRAGMA busy_timeout=100")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM turn").fetchone()
    with pytest.raises(PrcEmoError, match="is deleted, but its words may still be in"):
        archive.delete(session.id)
    other.close()
    with pytest.raises(PrcEmoError, match="There is no session"):
        archive.load(session.id)


def test_a_session_that_was_deleted_elsewhere_goes_on_in_memory_and_does_not_come_back(file: Path) -> None:
    archive = Archive(file)
    session = Session(WordReader(), archive)
    session.say("Ada", SECRET)
    Archive(file).delete(session.id)
    session.say("Ada", "Still here.")
    assert "was deleted or continued elsewhere" in str(session.trouble)
    assert len(session) == 2
    assert archive.list() == []
    assert SECRET.encode() not in on_disk(file)


def test_two_programs_in_one_session_do_not_overwrite_each_other(file: Path) -> None:
    first = Session(WordReader(), Archive(file))
    first.say("Ada", "Well.")
    second = Session.resume(WordReader(), Archive(file), first.id)
    second.say("Ada", "From the second.")
    first.say("Ada", "From the first.")
    assert "continued elsewhere" in str(first.trouble)
    assert [turn.text for turn in Archive(file).load(first.id)[1]] == ["Well.", "From the second."]


def test_a_full_disk_is_told_and_the_session_goes_on_until_there_is_room(file: Path) -> None:
    archive = Archive(file)
    session = Session(WordReader(), archive)
    session.say("Ada", "Well.")
    pages = archive._base.execute("PRAGMA page_count").fetchone()[0]
    archive._base.execute(f"PRAGMA max_page_count={pages}")
    for number in range(3):
        session.say("Ada", f"{number} " + "No room. " * 2000)
    assert "database or disk is full" in str(session.trouble)
    assert "The session goes on in memory" in str(session.trouble)
    assert len(session) == 4 and len(archive.load(session.id)[1]) == 1
    archive._base.execute(f"PRAGMA max_page_count={pages + 1000}")
    session.say("Ada", "There is room again.")
    assert session.trouble is None
    assert archive.load(session.id)[1] == list(session.turns)


def test_another_version_and_another_programs_file_are_refused(file: Path, tmp_path: Path) -> None:
    Archive(file).close()
    with sqlite3.connect(file) as base:
        base.execute("PRAGMA user_version = 7")
    with pytest.raises(PrcEmoError, match="its form is version 7, and this prc-emo knows version 2"):
        Archive(file)
    with sqlite3.connect(tmp_path / "other.sqlite") as base:
        base.execute("CREATE TABLE mine (a)")
    with pytest.raises(PrcEmoError, match="is a database of another program"):
        Archive(tmp_path / "other.sqlite")
    (tmp_path / "text").write_text(json.dumps({"no": "database"}) * 100)
    with pytest.raises(PrcEmoError, match="expected a file of sessions"):
        Archive(tmp_path / "text")
    with pytest.raises(PrcEmoError, match="expected a file of sessions, or a place for one"):
        Archive(tmp_path / "text" / "below.sqlite")
