"""Runs the cells of a study, some at a time, until all are done: skips what is finished, goes on with what was interrupted,
tries again what failed. Knows processes and folders, not what a cell computes.

Everything that is known of a cell stands in its folder, so a killed driver loses nothing: the next one looks.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from filelock import FileLock, Timeout

from prc_emo.ablation.study import Cell
from prc_emo.ablation.worker import WRONG, launch, order
from prc_emo.bench.run import refuse_another_run
from prc_emo.errors import PrcEmoError

DONE = "report.json"  # the last file that a run writes
POLL = 0.25  # seconds
Start = Callable[["State", Path], "Job"]


class Job(Protocol):
    """A cell under way."""

    def poll(self) -> int | None:
        """The exit code, or None while it works."""
        ...

    def stop(self) -> None:
        """Ends it now; returns when it is gone."""
        ...


@dataclass
class State:
    """How it stands with a cell.

    Attributes:
        error: The last words of a failed one.
        attempts: How often it was started by this driver.
        said: How long its log was when it was started last, in bytes.
    """

    cell: Cell
    folder: Path
    status: Literal["waiting", "running", "done", "failed"] = "waiting"
    attempts: int = 0
    error: str = ""
    said: int = 0

    @property
    def log(self) -> Path:
        """What its worker said; beside the folder, which belongs to the run."""
        return self.folder.parent / f"{self.folder.name}.log"


def states(cells: Sequence[Cell], folder: Path) -> list[State]:
    """How it stands with the cells of the study in this folder.

    Raises:
        PrcEmoError: A cell's folder holds a run with other settings.
    """
    found = [State(cell, folder / "runs" / cell.arm / f"seed{cell.seed}") for cell in cells]
    for state in found:
        refuse_another_run(
            state.cell.settings,
            state.folder,
            "Choose another --out folder, undo the change, or delete that folder.",
        )
        if (state.folder / DONE).exists():
            state.status = "done"
    return found


def work(
    found: Sequence[State],
    folder: Path,
    starts: Sequence[Start],
    *,
    retries: int = 1,
    show: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Works until every cell is done or has failed more than `retries` times; `found` is brought up to date.

    Args:
        starts: One for each cell that may run at the same time.
        show: Called several times a second.
        tell: Receives a line about each cell that ends.

    Raises:
        PrcEmoError: Another driver works in this folder.
        KeyboardInterrupt: The user stops it; all workers are gone by then.
    """
    try:
        lock = FileLock(folder / ".lock", timeout=0)
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise PrcEmoError(
            f"{folder}: another `prc-emo ablate` is at work here. Wait for it, or choose another --out folder."
        ) from None
    free, running = list(starts), dict[str, tuple[State, Job, Start]]()
    waiting = [state for state in found if state.status != "done"]
    try:
        while waiting or running:
            while waiting and free:
                state, start = waiting.pop(0), free.pop()
                state.status, state.error, state.attempts = "running", "", state.attempts + 1
                state.folder.parent.mkdir(parents=True, exist_ok=True)
                state.said = state.log.stat().st_size if state.log.exists() else 0
                running[state.cell.name] = state, start(state, folder / "shared"), start
            for name, (state, job, start) in list(running.items()):
                code = job.poll()
                if code is None:
                    continue
                del running[name]
                free.append(start)
                again = code not in (0, WRONG) and state.attempts <= retries
                if code == 0:
                    state.status = "done"
                    done = sum(one.status == "done" for one in found)
                    tell(f"{name} is done, {done} of {len(found)}.")
                else:
                    state.status, state.error = "failed", _last_words(state, code)
                    tell(f"{name} failed: {state.error}" + " It is tried again." * again)
                if again:
                    waiting.append(state)
            show()
            time.sleep(POLL)
    finally:
        for _, job, _ in running.values():
            job.stop()
        lock.release()


def local(environment: Mapping[str, str]) -> Start:
    """Starts cells as processes of this machine, with these environment variables."""

    def start(state: State, shared: Path) -> Job:
        return _Process(state, shared, environment)

    return start


class _Process:
    def __init__(self, state: State, shared: Path, environment: Mapping[str, str]) -> None:
        line = order(state.cell.settings, state.folder, shared)
        self._process = launch(line, state.log, environment)

    def poll(self) -> int | None:
        return self._process.poll()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def _last_words(state: State, code: int) -> str:
    """The error of a worker, and how it ended where it could not say."""
    log = state.log.read_bytes()[state.said :].decode("utf-8", "replace") if state.log.exists() else ""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    # after its error, torch gives advice, and Python may warn
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    told = (errors or lines or ["it said nothing"])[-1]
    return f"{told} (ended by signal {-code})" if code < 0 else told
