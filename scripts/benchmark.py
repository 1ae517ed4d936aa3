"""How much quicker, and how much smaller, are we than the plain way? Ratios measured in one run, on this machine.

    python scripts/benchmark.py                  # everything; a quarter of an hour on two quiet cores
    python scripts/benchmark.py --quick          # three minutes: do all parts run?
    python scripts/benchmark.py --only training --json figures.json
    python scripts/benchmark.py --gpu            # adds LoRA and QLoRA of the full-size Qwen3-8B architecture

Both sides of a ratio see the same model and data and take turns. Memory is that of a process of its own for each side.
The tables go to stdout as Markdown; docs/benchmarks.md says what they mean.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Memory, alone, table

PARTS = ("scoring", "training", "store")


def scoring(quick: bool) -> dict[str, Any]:
    from benchmarks import scoring

    prompts, rounds = (8, 2) if quick else (256, 3)
    found: dict[str, Any] = {}
    for case in scoring.CASES:
        figures = alone(scoring.speed, case, prompts, rounds)
        print(scoring.show(figures), end="\n\n", flush=True)
        found[str(case)] = {"speed": figures}
    for case in scoring.CASES[:1] if quick else scoring.CASES:
        memory = {side: alone(scoring.memory, case, prompts, side) for side in (scoring.OURS, scoring.PLAIN)}
        print(memory_table(str(case), memory), end="\n\n", flush=True)
        found[str(case)]["memory"] = memory
    return found


def training(quick: bool) -> dict[str, Any]:
    from benchmarks import trainers, training

    steps, rounds = (1, 2) if quick else (6, 5)
    figures = alone(training.speed, steps, rounds)
    print(training.show(figures), end="\n\n", flush=True)
    memory = {side: alone(training.memory, steps, side) for side in trainers.SIDES}
    print(memory_table(figures.case, memory), end="\n\n", flush=True)
    return {"speed": figures, "memory": memory}


def store(quick: bool) -> dict[str, Any]:
    from benchmark_store import run

    found = alone(run, quick=quick)
    print(
        table(
            (f"store of {found['rows']:,}", "build, texts/s", "search, queries/s"),
            ("ours", f"{found['build_texts_per_second']:,.0f}", f"{found['search_queries_per_second']:,.0f}"),
            (
                "naive",
                f"{found['naive_build_texts_per_second']:,.0f}",
                f"{found['naive_search_queries_per_second']:,.0f}",
            ),
            ("ours over naive", f"{found['build_ratio']:.1f}x", f"{found['search_ratio']:.1f}x"),
        ),
        end="\n\n",
        flush=True,
    )
    return found


def gpu(quick: bool, peak_tflops: float | None) -> Any:
    from benchmarks import gpu

    steps, rounds = (1, 1) if quick else (5, 3)
    found = alone(gpu.run, steps=steps, rounds=rounds, peak_tflops=peak_tflops)
    print(gpu.show(found), end="\n\n", flush=True)
    return found


def memory_table(case: str, memory: dict[str, Memory]) -> str:
    return table(
        (case, "loaded, MB", "peak, MB", "more, MB"),
        *(
            (side, f"{one.loaded:,.0f}", f"{one.peak:,.0f}", f"{one.peak - one.loaded:,.0f}")
            for side, one in memory.items()
        ),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few items only; the figures mean little")
    parser.add_argument("--only", choices=PARTS, help="this part alone")
    parser.add_argument(
        "--gpu", action="store_true", help="also train the full-size architecture; needs CUDA"
    )
    parser.add_argument("--peak-tflops", type=float, help="bf16 peak of the GPU, where its name is not known")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures, and what they were measured on"
    )
    given = parser.parse_args(arguments)

    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # the libraries' talk to one another
    work = {"scoring": scoring, "training": training, "store": store}
    found: dict[str, Any] = {}
    try:
        if given.gpu:  # first, since it is the one that may be refused
            print("gpu ...", file=sys.stderr, flush=True)
            found["gpu"] = gpu(given.quick, given.peak_tflops)
        for name in [given.only] if given.only else PARTS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            found[name] = work[name](given.quick)
    except ValueError as error:  # the messages meant for people; every part's own error class is one
        print(f"error: {error}", file=sys.stderr)
        return 2
    if given.json:
        from prc_emo.bench.run import environment
        from prc_emo.files import write_json

        write_json(given.json, {"environment": alone(environment), "quick": given.quick, **_plain(found)})
    return 0


def _plain(value: Any) -> Any:
    """Records as dictionaries, all the way down."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    sys.exit(main())
