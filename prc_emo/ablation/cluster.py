"""Where cells run: side by side on this machine, or on a Ray cluster whose nodes see the same folders."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prc_emo.ablation.work import Job, Start, State, local
from prc_emo.ablation.worker import launch, order
from prc_emo.errors import PrcEmoError
from prc_emo.extensions import VARIABLE


def on_this_machine(workers: int, devices: Sequence[str] = ()) -> list[Start]:
    """So many at a time; GPUs are dealt out in turn, and the cores are shared evenly."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, cores // workers)))
    return [
        local(
            {"OMP_NUM_THREADS": threads}
            | ({"CUDA_VISIBLE_DEVICES": devices[number % len(devices)]} if devices else {})
        )
        for number in range(workers)
    ]


def on_ray(address: str, workers: int, *, cpus: float = 1, gpus: float = 0) -> list[Start]:
    """So many tasks of a Ray cluster at a time, each holding so many CPUs and GPUs.

    Args:
        address: Of the cluster; `local` starts one on this machine.

    Raises:
        PrcEmoError: Ray is not installed, or there is no cluster at that address.
    """
    try:
        import ray
    except ImportError:
        raise PrcEmoError(
            "--ray needs Ray, which is not installed. Do `pip install 'prc-emo[ray]'`."
        ) from None
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level="error")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise PrcEmoError(f"--ray {address}: there is no cluster to be reached ({error}).") from None
    remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_in_a_process)

    def start(state: State, shared: Any) -> Job:
        settings, folder = state.cell.settings, state.folder.resolve()
        line = order(settings, folder, shared.resolve())
        keep = {key: os.environ[key] for key in ("PRC_EMO_DATA", "PYTHONPATH", VARIABLE) if key in os.environ}
        return _Task(ray, remote.remote(line, str(state.log.resolve()), str(Path.cwd()), keep), state)

    return [start] * workers


def _in_a_process(line: bytes, log: str, folder: str, environment: dict[str, str]) -> int:
    """What a node does: the same process as here, which ends with the task."""
    process = launch(line, Path(log), environment, Path(folder))
    try:
        return process.wait()
    finally:
        process.kill()


class _Task:
    def __init__(self, ray: Any, reference: Any, state: State) -> None:
        self._ray, self._reference, self._state = ray, reference, state

    def poll(self) -> int | None:
        ready, _ = self._ray.wait([self._reference], timeout=0)
        if not ready:
            return None
        try:
            return int(self._ray.get(self._reference))
        except (
            Exception
        ) as error:  # whatever happened to the node: the cell has failed and may be tried again
            with self._state.log.open("a", encoding="utf-8") as log:
                log.write(f"Ray: {type(error).__name__}: {' '.join(str(error).split())}\n")
            return 1

    def stop(self) -> None:
        self._ray.cancel(self._reference, force=True)
