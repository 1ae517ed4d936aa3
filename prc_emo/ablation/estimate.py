"""How far is a cell, how long will the rest take, and what do cells have in common? Reads folders, or tries."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from prc_emo.ablation.study import Cell
from prc_emo.ablation.work import Start, State
from prc_emo.ablation.worker import COST
from prc_emo.config import Experiment
from prc_emo.files import read_json


def share(state: State) -> float:
    """How much of its training a cell has done, 0 to 1, by the steps in its log."""
    if state.status == "done":
        return 1.0
    steps, total = _last_step(state.folder / "log.jsonl"), _steps(state)
    return min(1.0, steps / total) if total else 0.0


def remaining(states: Sequence[State], workers: int) -> float | None:
    """Seconds that the unfinished cells will take, by the mean of those of the same arm, or of all; None before the first."""
    by_arm: dict[str, list[float]] = {}
    for state in states:
        path = state.folder / COST
        if state.status == "done" and path.exists() and not (cost := read_json(path))["resumed"]:
            by_arm.setdefault(state.cell.arm, []).append(cost["seconds"])
    if not by_arm:
        return None
    everything = mean(seconds for of_arm in by_arm.values() for seconds in of_arm)
    left = [
        mean(by_arm.get(state.cell.arm, [everything])) * (1 - share(state))
        for state in states
        if state.status in ("waiting", "running")
    ]
    # no cell can be split over workers
    return max(sum(left) / workers, max(left, default=0.0))


def measured(state: State, shared: Path, start: Start) -> float | None:
    """Seconds that this cell will take, by short trainings of its settings; None where they fail.

    A step, and all else that a run does, are told apart by their difference; an evaluation on dev counts as a third of
    all else.
    """
    training, few, more = state.cell.settings.training, 2, 10
    seconds = {}
    with TemporaryDirectory() as folder:
        for number, steps in enumerate((few, few, more)):  # the first one makes what cells share
            short = training.model_copy(update={"epochs": 1, "steps": steps, "evaluate_every": more})
            settings = state.cell.settings.model_copy(update={"curriculum": None, "training": short})
            trial = State(replace(state.cell, settings=settings), Path(folder) / str(number))
            job = start(trial, shared)
            while (code := job.poll()) is None:
                time.sleep(0.1)
            if code != 0:
                return None
            seconds[steps] = float(read_json(trial.folder / COST)["seconds"])
    step = max(0.0, seconds[more] - seconds[few]) / (more - few)
    rest = max(0.0, seconds[few] - few * step)
    steps = training.steps or 0
    return rest + steps * step + steps // training.evaluate_every * rest / 3


def shared_work(cells: Sequence[Cell]) -> Iterator[str]:
    """What is made once for several cells, in a line each."""
    ours = [cell for cell in cells if cell.settings.recognizer == "prc_emo"]
    stores = Counter(_store(cell.settings) for cell in ours if cell.settings.retrieval is not None)
    for (store, encoder), times in stores.items():
        yield f"Store of {store} ({encoder}): made once for {times} cells."
    prompts = Counter(_prompts(cell.settings) for cell in ours)
    for number, times in enumerate(prompts.values(), start=1):
        yield f"Prompts {number} of {len(prompts)}, with their demonstrations and tokens: made once for {times} cells."


def _store(settings: Experiment) -> tuple[str, str]:
    assert settings.retrieval is not None
    return settings.retrieval.store, settings.retrieval.encoder


def _prompts(settings: Experiment) -> str:
    """All that decides prompts."""
    return json.dumps(settings.model_dump(mode="json", include={"data", "prompt", "retrieval", "model"}))


def _steps(state: State) -> int:
    path, training = state.folder / "order.json", state.cell.settings.training
    if not path.exists():
        return 0
    return int(read_json(path)["phases"][-1]["stop"]) // (training.batch * training.accumulate)


def _last_step(log: Path) -> int:
    if not log.exists():
        return 0
    lines = log.read_text(encoding="utf-8").splitlines()
    return int(json.loads(lines[-1])["step"]) if lines else 0
