"""Many who ask at once, one recognizer: what waits is read together, in each batch the shortest requests and those that came first.

A reader like any other, so a session can stand in front of it. Knows no HTTP. One thread reads; a few milliseconds after
the first turn, or once a batch is full, it begins, and while it reads the next batch gathers.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field, replace

from prc_emo.chat.reader import Reader
from prc_emo.chat.turn import Reading
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError

Readings = Mapping[str, Reading]

_SHORT = (
    0.25  # of a batch, for the shortest requests; the rest is for who came first, so that none waits for ever
)


class BusyError(PrcEmoError):
    """More turns wait than may wait.

    Attributes:
        seconds: After which there is likely room.
    """

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


@dataclass
class _Job:
    """One call: its turns are read some at a time, and its future has all of them or an error."""

    conversations: Sequence[Conversation]
    left: deque[str]
    future: "Future[Readings]" = field(default_factory=Future)
    readings: dict[str, Reading] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()


def _end(job: _Job, found: Readings | Exception) -> None:
    """Answers; who has given up, or was told already that all is being stopped, takes no answer."""
    with suppress(InvalidStateError):
        if isinstance(found, Exception):
            job.future.set_exception(found)
        else:
            job.future.set_result(found)


def _stopped() -> PrcEmoError:
    return PrcEmoError("The recognizer is being stopped. Ask again once it runs.")


class BatchingReader:
    """A reader that reads for many callers at once. What it answers does not depend on who else asks.

    Args:
        reader: Does the reading, from one thread.
        batch: How many turns are read together at most.
        wait: Seconds to wait for company, once somebody has asked.
        most: How many turns may wait; further calls are refused.
        told: Told after each batch how many turns it held.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        batch: int = 32,
        wait: float = 0.005,
        most: int = 2000,
        told: Callable[[int], None] = lambda turns: None,
    ) -> None:
        self.name, self.labels, self.window, self.see = reader.name, reader.labels, reader.window, reader.see
        self.hears = reader.hears
        self._reader, self._batch, self._wait, self._most, self._told = reader, batch, wait, most, told
        self._jobs: deque[_Job] = deque()
        self._change = threading.Condition()
        self._pace: float | None = None  # seconds a turn, from the batches so far
        self._closing = False
        self._worker = threading.Thread(target=self._work, name="reader", daemon=True)
        self._worker.start()

    @property
    def waiting(self) -> int:
        """How many turns wait to be read."""
        with self._change:
            return sum(len(job.left) for job in self._jobs)

    @property
    def alive(self) -> bool:
        return self._worker.is_alive() and not self._closing

    def read(self, conversations: Sequence[Conversation], only: Set[str]) -> Readings:
        return self.submit(conversations, only).result()

    def submit(
        self, conversations: Sequence[Conversation], only: Set[str], *, within: float = math.inf
    ) -> "Future[Readings]":
        """The readings to come, or the error; cancel it to give up, and its turns are not read any more.

        Args:
            within: Seconds in which the caller needs them.

        Raises:
            BusyError: Too much waits already: too many turns, or so many that these will hardly be read in time.
            PrcEmoError: It is closed.
        """
        left = deque(turn.id for talk in conversations for turn in talk.utterances if turn.id in only)
        turns = (turn.id for talk in conversations for turn in talk.utterances)
        ids = frozenset([*(talk.id for talk in conversations), *turns])
        job = _Job(conversations, left, ids=ids)
        if not left:
            job.future.set_result({})
            return job.future
        with self._change:
            if self._closing:
                raise _stopped()
            jobs = [one for one in self._jobs if not one.future.cancelled()]
            pace = self._pace or 0.0
            waiting = sum(len(one.left) for one in jobs)
            if waiting and waiting + len(left) > self._most:
                raise BusyError(
                    f"{waiting} turns wait to be read, and {self._most} is the most. Ask again later.",
                    max(1, math.ceil(waiting * pace)),
                )
            shorter = sum(len(one.left) for one in jobs if len(one.left) <= len(left))
            in_turn = (waiting + len(left)) * pace / (1 - _SHORT)
            as_a_short_one = (shorter + len(left)) * pace / _SHORT
            if waiting and min(in_turn, as_a_short_one) > within:
                raise BusyError(
                    f"{waiting} turns wait to be read, and these would not be read in {within:g} s. Ask again later, or for less at once.",
                    max(1, math.ceil(waiting * pace)),
                )
            self._jobs.append(job)
            self._change.notify_all()
        return job.future

    def close(self, within: float | None = None) -> None:
        """Reads what waits, for so many seconds at most, then stops; what is left then is refused."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._worker.join(within)
        with self._change:
            left, self._jobs = self._jobs, deque()
        for job in left:
            _end(job, _stopped())

    def _work(self) -> None:
        while jobs := self._gather():
            start = time.monotonic()
            self._answer(jobs)
            turns = sum(len(ids) for _, ids in jobs)
            took = (time.monotonic() - start) / turns
            self._pace = took if self._pace is None else self._pace + (took - self._pace) / 4
            self._told(turns)

    def _gather(self) -> list[tuple[_Job, list[str]]]:
        """The next batch; empty once closed and done."""
        with self._change:
            while True:
                self._jobs = deque(job for job in self._jobs if not job.future.cancelled())
                if self._jobs:
                    break
                if self._closing:
                    return []
                self._change.wait()
            until = time.monotonic() + self._wait
            while (
                not self._closing
                and sum(len(job.left) for job in self._jobs) < self._batch
                and (rest := until - time.monotonic()) > 0
            ):
                self._change.wait(rest)
            shares = self._share()
            self._jobs = deque(job for job in self._jobs if job.left)
            return shares

    def _share(self) -> list[tuple[_Job, list[str]]]:
        """Takes turns for a batch, and leaves the rest: of short jobs first, as far as their part goes, then of who came first."""
        owners: dict[str, _Job] = {}
        jobs: list[_Job] = []
        # two callers may call conversations or turns alike: one of them waits for the next batch
        for job in self._jobs:
            if not any(one in owners for one in job.ids):
                owners.update(dict.fromkeys(job.ids, job))
                jobs.append(job)
        shares: dict[int, tuple[_Job, list[str]]] = {}
        room, for_others = self._batch, round(self._batch * (1 - _SHORT))
        for least, some in ((for_others, sorted(jobs, key=lambda job: len(job.left))), (0, jobs)):
            for job in some:
                while job.left and room > least:
                    shares.setdefault(id(job), (job, []))[1].append(job.left.popleft())
                    room -= 1
        return list(shares.values())

    def _answer(self, jobs: list[tuple[_Job, list[str]]]) -> None:
        """Reads a batch; where it cannot be read, the halves of it, so that an error is only its own caller's."""
        talks = [talk for job, ids in jobs for talk in self._asked(job, ids)]
        try:
            found = self._reader.read(talks, {one for _, ids in jobs for one in ids})
            readings = {one: found[one] for _, ids in jobs for one in ids}
        except Exception as error:
            if len(jobs) > 1:
                middle = len(jobs) // 2
                self._answer(jobs[:middle])
                self._answer(jobs[middle:])
                return
            job = jobs[0][0]
            with self._change:
                job.left.clear()
                self._jobs = deque(one for one in self._jobs if one is not job)
            _end(job, error)
            return
        for job, ids in jobs:
            job.readings.update((one, readings[one]) for one in ids)
            if not job.left:
                _end(job, job.readings)

    def _asked(self, job: _Job, ids: Sequence[str]) -> Iterator[Conversation]:
        """What the reader looks at to read these turns: no voice is heard again for each batch of a long conversation."""
        wanted = set(ids)
        for talk in job.conversations:
            places = [at for at, turn in enumerate(talk.utterances) if turn.id in wanted]
            if not places:
                continue
            if self.window is None:
                yield talk
                continue
            end = places[-1] + 1 + (self.window if self.see == "surrounding" else 0)
            yield replace(talk, utterances=talk.utterances[max(0, places[0] - self.window) : end])
