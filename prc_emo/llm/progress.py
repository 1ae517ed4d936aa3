"""What a training tells while it runs: a line on the terminal with loss, wF1 and time left, and `log.jsonl`."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from curriculum import Phase
from prc_emo.files import write_jsonl

Line = dict[str, Any]
_SHOWN = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "eval_wf1": "dev_wf1",
    "eval_accuracy": "dev_accuracy",
}


def lines(
    history: Sequence[Line], phases: Sequence[Phase], ends: Sequence[int], before: Sequence[Line]
) -> list[Line]:
    """The lines of `log.jsonl`: those before, then the trainer's history with steps counted on from them.

    Args:
        phases: Of this training, and `ends`, the optimiser step at which each of them ends.
    """
    offset = int(before[-1]["step"]) if before else 0
    found: dict[int, Line] = {}
    for entry in history:
        step = int(entry["step"])
        phase = next(
            (phase.name for phase, end in zip(phases, ends, strict=True) if step <= end), phases[-1].name
        )
        line = found.setdefault(step, {"step": offset + step, "phase": phase})
        for name, shown in _SHOWN.items():
            if name in entry:
                line[shown] = entry[name]
    return [*before, *(line for _, line in sorted(found.items()) if len(line) > 2)]


class Progress(TrainerCallback):
    """Rewrites `log.jsonl` as the trainer logs, so that a resumed training has each line once, and shows a bar."""

    def __init__(
        self, phases: Sequence[Phase], ends: Sequence[int], before: Sequence[Line], path: Path
    ) -> None:
        self.phases, self.ends, self.before, self.path = phases, ends, list(before), path
        self.loss = self.wf1 = float("nan")
        self.began: tuple[float, int] | None = None
        self.bar: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.began = time.monotonic(), state.global_step
        if state.is_world_process_zero and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self.bar = Progress(*columns, console=Console(stderr=True))
            self.bar.start()
            self.task = self.bar.add_task("training", total=state.max_steps, completed=state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.bar is not None:
            self.bar.update(self.task, completed=state.global_step, description=self._text(state.global_step))

    def on_log(self, args: Any, state: Any, control: Any, logs: Line | None = None, **_: Any) -> None:
        if not state.is_world_process_zero:
            return
        logs = logs or {}
        self.loss = logs.get("loss", self.loss)
        write_jsonl(self.path, lines(state.log_history, self.phases, self.ends, self.before))
        if "eval_wf1" in logs:
            self.wf1 = logs["eval_wf1"]
            if self.bar is None and self.began is not None:
                step = state.global_step
                pace = (time.monotonic() - self.began[0]) / max(1, step - self.began[1])
                left = f"{pace * (state.max_steps - step) / 60:.1f} min left"
                sys.stderr.write(f"step {step}/{state.max_steps} · {self._text(step)} · {left}\n")
                sys.stderr.flush()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.bar is not None:
            self.bar.stop()

    def _text(self, step: int) -> str:
        phase = next(
            (phase.name for phase, end in zip(self.phases, self.ends, strict=True) if step <= end), ""
        )
        known = [f"loss {self.loss:.3f}"] if self.loss == self.loss else []  # NaN: nothing was logged yet
        known += [f"dev wF1 {self.wf1:.4f}"] if self.wf1 == self.wf1 else []
        return " · ".join([phase, *known])
