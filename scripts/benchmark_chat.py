"""What one more turn costs as a conversation grows: reading it, and keeping it, at 10, 100 and 1,000 turns.

    python scripts/benchmark_chat.py runs/quickstart
    python scripts/benchmark_chat.py runs/quickstart --turns 10 100 --whole

Three sessions of these lengths take turns, so that a machine that slows down slows all of them; their turns are those of the
corpus that ships, as often as needed, and their last ten are the same. --whole also times what a chat that reads the whole
conversation for each turn would pay, once. Ratios are of medians over the shortest session; in brackets, over its rounds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from benchmarks.measure import alternate, ratio

from prc_emo.chat.archive import Archive
from prc_emo.chat.reader import Reader, open_run
from prc_emo.chat.session import Session
from prc_emo.corpora import load_corpus


def fill(reader: Reader, archive: Archive, turns: int) -> Session:
    """A session that is so long already."""
    session = Session(reader, archive)
    corpus = load_corpus("everyday").train
    said = [(turn.speaker, turn.text) for talk in corpus for turn in talk.utterances]
    session.say_all([*islice(cycle(said[10:]), turns - 10), *said[:10]])
    return session


def say_and_undo(session: Session) -> float:
    """Seconds that one more turn takes; it is taken back, so that the session keeps its length."""
    start = time.perf_counter()
    session.say("Mara", "Then I take the late train, and nobody waits for me.")
    seconds = time.perf_counter() - start
    session.undo()
    return seconds


def read_whole(session: Session) -> float:
    talk = session.conversation()
    start = time.perf_counter()
    session.reader.read([talk], {turn.id for turn in talk.utterances})
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a trained run's folder")
    parser.add_argument("--turns", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    reader = open_run(given.run)
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder) / "sessions.sqlite")
        sessions = {turns: fill(reader, archive, turns) for turns in given.turns}
        for session in sessions.values():
            say_and_undo(session)  # the first one loads the encoder
        show("one more turn", sessions, say_and_undo, given.rounds)
        if given.whole:
            show("whole", sessions, read_whole, 1)
        archive.close()


def show(name: str, sessions: dict[int, Session], measure: Callable[[Session], float], rounds: int) -> None:
    found = alternate(
        {str(turns): (lambda session=session: measure(session)) for turns, session in sessions.items()},  # type: ignore[misc]
        rounds,
    )
    shortest = found[str(min(sessions))]
    for turns, seconds in found.items():
        print(f"{name:14} {turns:>6} turns {median(seconds) * 1000:9.1f} ms  {ratio(seconds, shortest)}")


if __name__ == "__main__":
    main()
