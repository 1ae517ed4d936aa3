"""A study from the command line to its report: skipped, resumed, failed, killed; equal budgets; shared work."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from curriculum import DIFFICULTIES
from prc_emo.ablation.budget import matched_steps
from prc_emo.ablation.study import cells, settings_of, study
from prc_emo.ablation.work import State, local, states, work
from prc_emo.bench.run import corpus_of, recognizer_of
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_json, write_json

Command = Callable[..., Any]

VOTES = """
about: Two baselines
base: nearest_everyday
seeds: [1, 2]
match: null
settings: {data: {limit: 30}}
arms:
  nearest: {parameters: {neighbours: [5]}}
  majority: {base: majority_everyday}
"""
TOYS = """
base: everyday_minilm
seeds: [1, 2]
settings:
  model: {name: Qwen/Qwen3-8B, tiny: true}
  prompt: {max_tokens: 2000}
  data: {limit: 4}
  training: {evaluate_every: 4, epochs: 2, loss: vocabulary}
arms:
  prc_emo: {}
  shuffled: {curriculum: null}
"""


def write(folder: Path, text: str, name: str = "small") -> Path:
    (folder / f"{name}.yaml").write_text(text)
    return folder / f"{name}.yaml"


def test_a_study_is_run_compared_reported_and_not_run_again(tmp_path: Path, prc_emo: Command) -> None:
    file, out = write(tmp_path, VOTES), tmp_path / "out"
    planned = prc_emo("ablate", file, "--out", out, "--plan")
    assert planned.code in (0, None) and "waiting" in planned.out and not (out / "runs").exists()
    first = prc_emo("ablate", file, "--out", out, "--workers", 2)
    assert first.code in (0, None), first.err
    assert "| majority |" in first.out and "majority is worse than nearest" in first.out
    assert "6 seeds are needed" in first.out
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page and "http" not in page.replace("http://www.w3.org", "").split("</style>")[1][:2000]
    rows = {row["arm"]: row for row in csv.DictReader((out / "table.csv").open(encoding="utf-8"))}
    assert set(rows) == {"nearest", "majority"} and float(rows["majority"]["difference"]) < 0
    assert float(rows["nearest"]["wf1_sd"]) == 0  # it knows no chance
    assert (out / "table.tex").read_text(encoding="utf-8").count(r"\\") == 3

    done = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*/report.json")}
    assert len(done) == 4
    again = prc_emo("ablate", file, "--out", out)
    assert again.out == first.out
    assert {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*/report.json")} == done

    changed = prc_emo("ablate", write(tmp_path, VOTES.replace("[5]", "[7]")), "--out", out)
    assert changed.code == 2 and "parameters.neighbours was [5] and is now [7]" in changed.err


def test_cells_of_another_study_with_the_same_settings_are_taken_over(
    tmp_path: Path, prc_emo: Command
) -> None:
    counts = "base: majority_everyday\nseeds: [1]\nmatch: null\narms:\n  whole: {}\n"
    one, two = tmp_path / "one", tmp_path / "two"
    assert prc_emo("ablate", write(tmp_path, counts), "--out", one, "--workers", 2).code in (0, None)
    file = write(tmp_path, counts.replace("whole:", "all:").replace("[1]", "[1, 2]"), "other")
    planned = prc_emo("ablate", file, "--out", two, "--reuse", one, "--plan")
    assert "all/seed1." in planned.err and "seed2" not in planned.err
    assert not (two / "runs").exists(), "a plan copies nothing"
    done = prc_emo("ablate", file, "--out", two, "--reuse", one)
    assert done.code in (0, None), done.err
    cost = [folder / "seed1" / "cost.json" for folder in (one / "runs" / "whole", two / "runs" / "all")]
    assert cost[0].read_bytes() == cost[1].read_bytes()
    assert (two / "runs" / "all" / "seed2" / "report.json").exists()
    assert prc_emo("ablate", file, "--out", two).out == done.out, "a copy is not its cell"
    wrong = prc_emo("ablate", file, "--out", two, "--reuse", tmp_path / "nowhere")
    assert wrong.code == 2 and "nowhere" in wrong.err


TALKS = "base: majority_everyday\nseeds: [1]\nmatch: null\nsettings: {data: {corpus: jsonl, path: PATH, labels: meld}}\n"


def talks(folder: Path, split: str, emotions: str) -> None:
    """A conversation of utterances that are joyful or sad."""
    names = {"j": "joy", "s": "sadness"}
    rows = [
        {"speaker": "Ada", "text": f"{split} {at}", "emotion": names[one]} for at, one in enumerate(emotions)
    ]
    folder.mkdir(exist_ok=True)
    both = [{"id": f"{split}/{number}", "turns": rows} for number in range(2)]
    (folder / f"{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in both))


def test_what_changed_under_the_same_settings_is_not_mixed(tmp_path: Path, prc_emo: Command) -> None:
    """Data under the same path is other data: neither are its seeds mixed, nor is it taken over by another study."""
    for split in ("train", "dev", "test"):
        talks(tmp_path / "corpus", split, "jjs")
    text = TALKS.replace("PATH", str(tmp_path / "corpus"))
    file, out = write(tmp_path, text + "arms: {whole: {}}\n"), tmp_path / "out"
    assert prc_emo("ablate", file, "--out", out).code in (0, None)
    talks(tmp_path / "corpus", "train", "jss")
    for more in ((), ("seeds=[1,2]",)):
        refused = prc_emo("ablate", file, *more, "--out", out)
        assert refused.code == 2 and "since then the training data changed" in refused.err
        assert str(out / "runs" / "whole" / "seed1") in refused.err
    other = prc_emo("ablate", file, "--out", tmp_path / "other", "--reuse", out)
    assert other.code in (0, None) and "no cell has the same settings" in other.err
    talks(tmp_path / "corpus", "train", "jjs")
    assert prc_emo("ablate", file, "seeds=[1,2]", "--out", out).code in (0, None)


def test_arms_with_other_questions_are_refused_before_any_work(tmp_path: Path, prc_emo: Command) -> None:
    for split in ("train", "dev", "test"):
        talks(tmp_path / "corpus", split, "jjs")
    text = TALKS.replace("PATH", str(tmp_path / "corpus")) + "arms: {whole: {}, less: {data: {limit: 1}}}\n"
    refused = prc_emo("ablate", write(tmp_path, text), "--out", tmp_path / "out", "--plan")
    assert refused.code == 2 and "'less' would be scored on other utterances" in refused.err


def test_cells_that_learned_otherwise_are_not_mixed(tmp_path: Path, prc_emo: Command) -> None:
    """Nor those of which only their own record tells: another measure under an old name, another version of prc-emo."""
    counts = "base: majority_everyday\nseeds: [1, 2]\nmatch: null\narms:\n  whole: {}\n"
    file, out = write(tmp_path, counts), tmp_path / "out"
    assert prc_emo("ablate", file, "--out", out).code in (0, None)
    folder = out / "runs" / "whole" / "seed2"
    for seed, hardest in ((1, 0.5), (2, 0.7)):
        write_json(folder.parent / f"seed{seed}" / "order.json", {"difficulties": [0.1, hardest]})
    assert "differ in the difficulty" in prc_emo("ablate", file, "--out", out).err
    (folder / "order.json").unlink()

    written = read_json(folder / "environment.json")
    write_json(folder / "environment.json", {**written, "prc-emo": "0.0.1"})
    assert "version of prc-emo" in prc_emo("ablate", file, "--out", out).err
    more = prc_emo("ablate", file, "seeds=[1,2,3]", "--out", out)
    assert more.code == 2 and "0.0.1" in more.err and not (out / "runs" / "whole" / "seed3").exists()


def test_another_description_of_the_base_is_no_other_run(tmp_path: Path, prc_emo: Command) -> None:
    base = "name: b\nabout: {}\nrecognizer: majority\ndata: {{corpus: everyday}}\n"
    study_file = write(tmp_path, "base: base.yaml\nseeds: [1]\nmatch: null\narms: {a: {}}\n")
    for about in ("one", "the same in other words"):
        write(tmp_path, base.format(about), "base")
        assert prc_emo("ablate", study_file, "--out", tmp_path / "out").code in (0, None)


def test_a_failed_cell_is_told_with_its_error_and_the_others_go_on(tmp_path: Path, prc_emo: Command) -> None:
    file = write(tmp_path, VOTES + "  broken: {data: {corpus: jsonl, path: nowhere, labels: meld}}\n")
    done = prc_emo("ablate", file, "seeds=[1]", "--out", tmp_path / "out")
    assert done.code == 2
    assert "broken/seed1 failed" in done.err and "nowhere" in done.err and "broken" in done.err
    assert "| majority |" in done.out and "1 cell is not finished" in done.out


@pytest.mark.slow
def test_cells_run_on_a_ray_cluster(tmp_path: Path, prc_emo: Command) -> None:
    ray = pytest.importorskip("ray", reason="pip install 'prc-emo[ray]'")
    counts = "base: majority_everyday\nseeds: [1, 2]\nmatch: null\narms:\n  whole: {}\n"
    broken = "  broken: {data: {corpus: jsonl, path: nowhere, labels: meld}}\n"
    try:
        done = prc_emo(
            "ablate",
            write(tmp_path, counts + broken),
            "--out",
            tmp_path / "out",
            "--ray",
            "local",
            "--workers",
            2,
        )
    finally:
        ray.shutdown()
    assert "whole/seed1 is done" in done.err and "whole/seed2 is done" in done.err
    assert done.code == 2 and "broken/seed1 failed" in done.err and "nowhere" in done.err


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (b"RuntimeError: CUDA error: out of luck\nCompile with TORCH_USE_CUDA_DSA.\n", 1, "RuntimeError: CUDA error: out of luck"),
        (b"a file that is not there\n", 2, "a file that is not there"),
        (b"", -9, "it said nothing (ended by signal 9)"),
    ],
)  # fmt: skip
def test_a_failed_cell_is_told_by_its_error_alone(tmp_path: Path, said: bytes, code: int, told: str) -> None:
    """Neither by the advice that comes after it, nor by what an earlier attempt left in the log."""
    of = study(str(write(tmp_path, VOTES)), ["seeds=[1]", "arms={a: {}}"])

    class Ended:
        def poll(self) -> int:
            return code

        def stop(self) -> None: ...

    def start(state: State, shared: Path) -> Ended:
        with state.log.open("ab") as log:
            log.write(said)
        return Ended()

    (found,) = states(cells(of), tmp_path / "out")
    found.log.parent.mkdir(parents=True)
    found.log.write_text("ValueError: of yesterday\n")
    work([found], tmp_path / "out", [start], retries=0)
    assert found.error == told


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_an_interrupt_ends_the_workers_and_the_next_command_goes_on(tmp_path: Path, prc_emo: Command) -> None:
    file, out = write(tmp_path, VOTES), tmp_path / "out"
    process = driver(file, out)
    while not (workers := psutil.Process(process.pid).children(recursive=True)):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    assert prc_emo("ablate", file, "--out", out).code in (0, None)


def test_a_second_driver_is_refused(tmp_path: Path) -> None:
    from filelock import FileLock

    of = study(str(write(tmp_path, VOTES)))
    (tmp_path / "out").mkdir()
    with (
        FileLock(tmp_path / "out" / ".lock"),
        pytest.raises(PrcEmoError, match="another `prc-emo ablate` is at work"),
    ):
        work(states(cells(of), tmp_path / "out"), tmp_path / "out", [local({})])


def test_a_measure_of_one_s_own_joins_by_name(tmp_path: Path, prc_emo: Command) -> None:
    (tmp_path / "mine.py").write_text(
        "from curriculum import DIFFICULTIES\n"
        "DIFFICULTIES['questions'] = lambda turns, **_: sum('?' in turn.text for turn in turns)\n"
    )
    text = TOYS.replace("[1, 2]", "[1]").replace(
        "shuffled: {curriculum: null}", "mine: {curriculum: {difficulty: questions}}"
    )
    file = write(tmp_path, text)
    unknown = prc_emo("ablate", file, "--out", tmp_path / "out")
    assert unknown.code == 2 and "'questions' is no measure" in unknown.err and "--import" in unknown.err
    try:
        more = ("retrieval=null", "--out", tmp_path / "out", "--workers", 2)
        done = prc_emo("--import", tmp_path / "mine.py", "ablate", file, *more)
        assert done.code in (0, None), done.err
        assert "| mine | questions |" in done.out
        order = json.loads((tmp_path / "out" / "runs" / "mine" / "seed1" / "order.json").read_text())
        assert set(order["difficulties"]) <= set(range(20)), "not the measure of mine.py"
    finally:
        DIFFICULTIES.pop("questions", None)
    broken = prc_emo("--import", tmp_path / "nowhere.py", "ls")
    assert broken.code == 2 and "nowhere.py" in broken.err


def budget(tmp_path: Path, unit: str, arms: str) -> tuple[Any, dict[str, int | None]]:
    text = TOYS[: TOYS.index("arms:")] + f"match: {unit}\narms:\n{arms}"
    of = study(str(write(tmp_path, text, unit)))
    return of, matched_steps(of, tmp_path / "shared")


def test_equal_steps_and_samples(tmp_path: Path) -> None:
    arms = "  all: {}\n  shuffled: {curriculum: null}\n  large: {training: {batch: 16}}\n  own: {training: {steps: 9}}\n"
    _, steps = budget(tmp_path, "steps", arms)
    assert steps["own"] is None and len({steps[arm] for arm in ("all", "shuffled", "large")}) == 1
    _, samples = budget(tmp_path, "samples", arms)
    assert samples["all"] == samples["shuffled"] == steps["all"]
    assert samples["large"] == round((steps["all"] or 0) / 2)
    with pytest.raises(PrcEmoError, match=r"amount=NUMBER of steps"):
        matched_steps(study(str(write(tmp_path, VOTES)), ["match=steps", "base=quickstart", "settings={}", "arms={a: {base: majority_everyday}, b: {}}"]), tmp_path)  # fmt: skip


def test_equal_tokens_are_equal_but_for_half_a_step(tmp_path: Path) -> None:
    arms = "  all: {}\n  bare: {prompt: {knowledge: null}, retrieval: null, curriculum: null}\n"
    of, steps = budget(tmp_path, "tokens", arms)
    assert (steps["bare"] or 0) > (steps["all"] or 0)  # shorter prompts
    seen = {}
    for arm, of_arm in steps.items():
        settings = settings_of(of, arm, 1, of_arm)
        corpus = corpus_of(settings)
        recognizer = recognizer_of(settings, corpus.labels, corpus.name)
        recognizer.remember(corpus.train, tmp_path / arm)
        batch = settings.training.batch * settings.training.accumulate
        order = recognizer.order(corpus.train, batch=batch).positions
        lengths = np.array(
            [
                len(one.tokens)
                for one in recognizer.prompts(corpus.train, frozenset(talk.id for talk in corpus.dev))
            ]
        )
        seen[arm] = int(lengths[order].sum()), int(lengths.max()) * batch
    assert abs(seen["all"][0] - seen["bare"][0]) <= seen["bare"][1] / 2


def driver(file: Path, out: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "prc_emo", "ablate", file, "--out", out, "--workers", "2"]
    log = (out.parent / f"{out.name}.log").open("ab")
    return subprocess.Popen(
        command,
        stdout=log,
        stderr=log,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # who starts the tests in the background has them ignore interrupts, and a child inherits that
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.slow
def test_twenty_kills_of_driver_and_workers_change_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, TOYS.replace("[1, 2]", "[1, 2, 3]"))
    assert driver(file, tmp_path / "whole").wait(timeout=600) == 0
    chance, kills, out = random.Random(5), 0, tmp_path / "killed"
    process = driver(file, out)
    while kills < 20:
        time.sleep(chance.uniform(0.5, 3.5))
        if process.poll() is not None:  # a killed driver, or one that has seen a cell fail twice
            assert len(list(out.glob("runs/*/*/report.json"))) < 6, (
                f"done after {kills} kills: too little work"
            )
            process = driver(file, out)
        workers = psutil.Process(process.pid).children(recursive=True)
        chance.choice([psutil.Process(process.pid), *workers]).kill()
        kills += 1
    while process.wait(timeout=600) != 0:
        process = driver(file, out)
    assert (out / "table.md").read_bytes() == (tmp_path / "whole" / "table.md").read_bytes()
    for path in (tmp_path / "whole").glob("runs/*/*/predictions.jsonl"):
        assert (out / path.relative_to(tmp_path / "whole")).read_bytes() == path.read_bytes(), path
