"""How to measure: rounds that alternate between the sides, ratios with their spread, memory in a process of its own.

Standard library only, and it knows nothing of what is measured.
"""

import resource
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Ratio:
    """How many times one side's figure is another's: of the medians, and in the rounds that differed most."""

    of_medians: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.of_medians:.1f}x ({self.lowest:.1f} to {self.highest:.1f})"


@dataclass(frozen=True)
class Memory:
    """The most memory that a process held, in MB: once model and data were there, and in the end."""

    loaded: float
    peak: float


def alternate(sides: Mapping[str, Callable[[], Result]], rounds: int) -> dict[str, list[Result]]:
    """What every side answers in every round, A B C A B C.

    A machine that slows down for a while then slows all sides, not one of them.
    """
    found: dict[str, list[Result]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    return found


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """`above` over `below`, round by round.

    >>> print(ratio([6.0, 9.0, 8.0], [2.0, 2.0, 2.0]))
    4.0x (3.0 to 4.5)
    """
    each = [a / b for a, b in zip(above, below, strict=True)]
    return Ratio(median(above) / median(below), min(each), max(each))


def alone(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs
) -> Result:
    """What `work` answers in a fresh process, which holds nothing that others have loaded."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments, **options).result()


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    status = Path("/proc/self/status")
    if status.exists():  # not ru_maxrss, which on Linux begins at what the parent process held
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes


def table(*rows: Sequence[object]) -> str:
    """Rows as a Markdown table; the first is its head.

    >>> print(table(("side", "seconds"), ("ours", 1.5)))
    | side | seconds |
    |------|---------|
    | ours | 1.5     |
    """
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = [
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in texts
    ]
    return "\n".join([lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]])
