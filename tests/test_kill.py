"""Kill -9 in the middle of a phase, run again, and get the adapter that an undisturbed run gets: on one process and two."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from prc_emo.llm.train import COMPLETE

NAME = "meld_qwen3_8b"
SETTINGS = [
    *("model.tiny=true", "data.corpus=everyday", "data.path=null", "data.limit=4", "prompt.max_tokens=1000"),
    *("training.epochs=4", "training.evaluate_every=5", "training.learning_rate=1e-2", "training.batch=1", "training.accumulate=2"),
]  # fmt: skip
PREFIX = {
    1: [sys.executable, "-m", "prc_emo"],
    2: [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node=2",
        "--master_port=PORT",
        "-m",
        "prc_emo",
    ],
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(out: Path, processes: int) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    prefix = [part.replace("PORT", str(free_port())) for part in PREFIX[processes]]
    command = [*prefix, "run", NAME, *SETTINGS, "--out", str(out)]
    log = (out.parent / f"{out.name}.log").open("ab")
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def finish(out: Path, processes: int) -> Path:
    code = start(out, processes).wait(timeout=400)
    assert code == 0, (out.parent / f"{out.name}.log").read_text()[-3000:]
    return out / NAME / "seed42"


def kill_after(out: Path, processes: int, checkpoint: int) -> None:
    """Ends every process of the run without a word, once a checkpoint is whole and training goes on."""
    run = start(out, processes)
    mark = out / NAME / "seed42" / "checkpoints" / "0" / f"checkpoint-{checkpoint}" / COMPLETE
    deadline = time.monotonic() + 300
    while not mark.exists():
        assert run.poll() is None, (out.parent / f"{out.name}.log").read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)
    # torchrun gives its workers sessions of their own
    for process in [*psutil.Process(run.pid).children(recursive=True), psutil.Process(run.pid)]:
        process.kill()
    run.wait()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_killed_run_ends_with_the_same_adapter_bit_for_bit(tmp_path: Path, processes: int) -> None:
    whole = finish(tmp_path / "whole", processes)
    kill_after(tmp_path / "killed", processes, checkpoint=10)
    assert not (tmp_path / "killed" / NAME / "seed42" / "predictions.jsonl").exists()  # the premise
    killed = finish(tmp_path / "killed", processes)
    for name in ("model/adapter_model.safetensors", "predictions.jsonl", "log.jsonl"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_going_on_with_other_settings_is_refused_in_one_sentence(tmp_path: Path) -> None:
    finish(tmp_path / "run", 1)
    command = [*PREFIX[1], "run", NAME, *SETTINGS, "curriculum.buckets=1", "--out", str(tmp_path / "run")]
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "holds a run with other settings: curriculum.buckets was 2 and is now 1." in again.stderr
    assert "Traceback" not in again.stderr
