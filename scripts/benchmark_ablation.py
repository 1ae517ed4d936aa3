"""What an ablation study saves: two workers against one, and work done once against work done by every cell.

    python scripts/benchmark_ablation.py

A study of four short cells of `everyday_minilm` (two arms, two seeds, a few optimiser steps), run from nothing each time; the sides take
turns. One thread per worker, as `--workers 2` on two cores. Without sharing, every cell is a study of its own, and makes its
own store and prompts.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.cells import computed
from benchmarks.measure import alternate, ratio

from prc_emo.ablation.study import Study, cells

STUDY = Study.model_validate(
    {
        "name": "short",
        "base": "everyday_minilm",
        "seeds": [1, 2],
        "match": None,
        "settings": {"curriculum": None, "training": {"epochs": 1}},
        "arms": {"usual": {}, "slower": {"training": {"learning_rate": 1.0e-4}}},
    }
)


def timed(task: Callable[[Path], None]) -> float:
    folder = Path(tempfile.mkdtemp())
    start = time.perf_counter()
    try:
        task(folder)
        return time.perf_counter() - start
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=4, help="optimiser steps of a cell")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    steps = dict.fromkeys(STUDY.arms, given.steps)
    of = cells(STUDY, steps)

    def apart(folder: Path) -> None:
        for cell in of:
            computed([cell], folder / cell.name, 1)

    sides: dict[str, Callable[[Path], None]] = {
        "one worker": lambda folder: computed(of, folder, 1),
        "two workers": lambda folder: computed(of, folder, 2),
        "one worker, nothing shared": apart,
    }
    found = alternate(
        {name: (lambda task=task: timed(task)) for name, task in sides.items()},  # type: ignore[misc]
        given.rounds,
    )
    for name, seconds in found.items():
        print(
            f"{name:28} {median(seconds):7.1f} s   one worker takes {ratio(found['one worker'], seconds)} of it"
        )


if __name__ == "__main__":
    main()
