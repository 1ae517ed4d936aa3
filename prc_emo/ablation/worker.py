"""Runs one cell in a process of its own: `python -m prc_emo.ablation.worker`, told what to do by one line of JSON on stdin.

It ends with whoever started it: when stdin closes, nobody waits for the result any more. Two workers never write into
the same folder.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import yaml
from filelock import FileLock, Timeout

from prc_emo.config import Experiment
from prc_emo.config_file import to_yaml
from prc_emo.errors import PrcEmoError
from prc_emo.extensions import VARIABLE, import_extensions
from prc_emo.files import write_json

COST = "cost.json"
ABANDONED = 3  # exit code when the one who started this is gone
WRONG = 2  # exit code where trying again would not help
WAIT = 60.0  # seconds for an abandoned worker to let go of the folder


def order(settings: Experiment, out: Path, shared: Path) -> bytes:
    """The line for stdin."""
    told = {"settings": to_yaml(settings), "out": str(out), "shared": str(shared)}
    return (json.dumps(told) + "\n").encode()


def launch(
    line: bytes, log: Path, environment: Mapping[str, str], folder: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Starts a worker that does what the line says, with these variables and in this folder; it writes to `log`.

    Its stdin stays open: whoever closes it, or ends, ends the worker.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(
            # -P: a file of the folder we are in, such as somebody's curriculum.py, is no module of ours
            [sys.executable, "-P", "-m", "prc_emo.ablation.worker"],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            cwd=folder,
            env={**os.environ, **environment},
        )
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it is gone already; its exit code tells
        process.stdin.write(line)
        process.stdin.flush()
    return process


def main() -> int:
    """Does what stdin says; returns the exit code."""
    told = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    import_extensions(os.environ.get(VARIABLE, ""))
    settings, out = Experiment.model_validate(yaml.safe_load(told["settings"])), Path(told["out"])
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out.parent / f".{out.name}.lock", timeout=WAIT):
            _run(settings, out, Path(told["shared"]))
    except Timeout:
        _say(f"{out}: another process has been working here for {WAIT:.0f} s.")
        return 1
    except PrcEmoError as error:
        _say(error)
        return WRONG
    return 0


def _run(settings: Experiment, out: Path, shared: Path) -> None:
    from prc_emo.ablation.inputs import FILE, inputs
    from prc_emo.bench.run import corpus_of, run

    resumed, begun = (out / "training.json").exists(), time.monotonic()
    made_of = inputs(settings, corpus_of(settings))
    run(settings, out, shared=shared, tell=_say)
    write_json(out / FILE, made_of)
    write_json(
        out / COST,
        {"seconds": time.monotonic() - begun, "resumed": resumed, "peak_memory_mb": _peak_memory()},
    )


def _peak_memory() -> dict[str, float]:
    """Megabytes of this process, and of its GPUs where it has any."""
    import resource

    import torch

    found = {}
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts what the parent held before this program was loaded
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        found["process"] = int(line.split()[1]) / 1024
    else:
        found["process"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    for number in range(torch.cuda.device_count()):
        found[f"gpu {number}"] = torch.cuda.max_memory_allocated(number) / 2**20
    return found


def _end_with_stdin() -> None:
    # the descriptor and not sys.stdin, whose lock the interpreter wants when it ends
    while os.read(0, 4096):
        pass
    os._exit(ABANDONED)


def _say(line: object) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    # an interrupt is for the one who started this, who then closes stdin
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main())
