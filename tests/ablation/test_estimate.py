"""How long a study will take, from what is done or from a trial, on cases whose answer is known; and where its cells run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from prc_emo.ablation import work
from prc_emo.ablation.cluster import on_this_machine
from prc_emo.ablation.estimate import measured, remaining, share, shared_work
from prc_emo.ablation.study import cells, study
from prc_emo.ablation.work import State, states
from prc_emo.files import write_json

TWO_ARMS = """
base: everyday_minilm
seeds: [1, 2]
match: null
settings: {training: {evaluate_every: 50}}
arms:
  fast: {}
  slow: {retrieval: null}
"""


def two_arms(tmp_path: Path, steps: int | None = None) -> list[State]:
    (tmp_path / "two.yaml").write_text(TWO_ARMS)
    of = study(str(tmp_path / "two.yaml"))
    return states(cells(of, dict.fromkeys(of.arms, steps)), tmp_path / "out")


def done(state: State, seconds: float, resumed: bool = False) -> None:
    state.status = "done"
    write_json(state.folder / "cost.json", {"seconds": seconds, "resumed": resumed})


def underway(state: State, step: int, of: int) -> None:
    state.status = "running"
    batch = state.cell.settings.training.batch * state.cell.settings.training.accumulate
    write_json(state.folder / "order.json", {"phases": [{"stop": of * batch}]})
    (state.folder / "log.jsonl").write_text('{"step": 1}\n' + f'{{"step": {step}}}\n')


def test_the_rest_takes_as_long_as_what_is_done(tmp_path: Path) -> None:
    fast1, slow1, fast2, slow2 = every = two_arms(tmp_path)
    names = [one.cell.name for one in every]
    assert names == ["fast/seed1", "slow/seed1", "fast/seed2", "slow/seed2"], (
        "a seed in all arms, then the next"
    )
    assert remaining(every, 1) is None, "a guess out of nothing"
    done(fast1, 100)
    assert remaining(every, 1) == pytest.approx(300)  # nobody knows yet that slow is slow
    assert remaining(every, 2) == pytest.approx(150)
    assert remaining(every, 8) == pytest.approx(100), "no cell can be split over workers"
    done(slow1, 500)
    underway(fast2, step=30, of=40)
    assert share(fast2) == pytest.approx(0.75) and share(slow1) == 1 and share(slow2) == 0
    assert remaining(every, 1) == pytest.approx(100 / 4 + 500)
    slow2.status = "failed"  # and is not tried again
    assert remaining(every, 1) == pytest.approx(25)


def test_a_cell_that_was_interrupted_says_nothing_of_how_long_one_takes(tmp_path: Path) -> None:
    every = two_arms(tmp_path)
    done(every[0], 3, resumed=True)
    assert remaining(every, 1) is None
    done(every[2], 100)
    assert remaining(every, 1) == pytest.approx(200)


class _Trial:
    """A machine that takes 7 s for a run and 2 s for each of its steps, and more for the first run in a folder."""

    def __init__(self, fails: bool = False) -> None:
        self.fails, self.steps = fails, list[int]()

    def __call__(self, state: State, shared: Path) -> Any:
        steps = state.cell.settings.training.steps or 0
        first = 90.0 * (not self.steps)
        self.steps.append(steps)
        write_json(state.folder / "cost.json", {"seconds": first + 7 + 2 * steps, "resumed": False})
        return self

    def poll(self) -> int:
        return int(self.fails)

    def stop(self) -> None: ...


def test_a_trial_tells_a_step_from_all_else(tmp_path: Path) -> None:
    """What the first run makes for all is left out; each evaluation on dev is a third of all else."""
    state, machine = two_arms(tmp_path, steps=120)[0], _Trial()
    assert measured(state, tmp_path, machine) == pytest.approx(7 + 2 * 120 + 2 * 7 / 3)
    assert max(machine.steps) <= 10 and not state.folder.exists(), "a trial is short and leaves nothing"
    assert measured(state, tmp_path, _Trial(fails=True)) is None


def test_what_cells_have_in_common_is_said(tmp_path: Path) -> None:
    lines = list(shared_work([one.cell for one in two_arms(tmp_path)]))
    assert lines == [
        "Store of train (minilm): made once for 2 cells.",
        "Prompts 1 of 2, with their demonstrations and tokens: made once for 2 cells.",
        "Prompts 2 of 2, with their demonstrations and tokens: made once for 2 cells.",
    ]


def test_devices_are_dealt_out_and_cores_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Mapping[str, str]] = []
    monkeypatch.setattr(work, "launch", lambda line, log, environment, folder=None: found.append(environment))
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    state = two_arms(tmp_path)[0]
    for start in on_this_machine(3, ["0", "5"]):
        start(state, tmp_path)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in found] == ["0", "5", "0"]
    assert {one["OMP_NUM_THREADS"] for one in found} == {"2"}
    found.clear()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    for start in on_this_machine(16):
        start(state, tmp_path)
    assert found == [{"OMP_NUM_THREADS": "3"}] * 16, "without --devices, GPUs are left as they are"
