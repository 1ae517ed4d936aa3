"""The pictures of a study. Each comes with the rows that it shows, so that a reader can check and reuse them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np

from prc_emo.ablation.results import Arm, Results
from prc_emo.bench import plots
from prc_emo.bench.plots import ACCENT, INK, SECOND, Plot, plot
from prc_emo.files import read_object

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A plot and its data: a head and rows of text."""

    plot: Plot
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


def forest(results: Results) -> Picture | None:
    """The difference of every arm from the reference, with its interval; None where there is nothing to compare."""
    found = results.comparisons
    if not found:
        return None

    def draw(figure: "Figure") -> None:
        ax = figure.subplots()
        for place, one in enumerate(found):
            c, d = one.contrast, one.dialogues
            ax.plot([c.low, c.high], [place, place], color=ACCENT, linewidth=1.4)
            ax.plot([d.low, d.high], [place, place], color=ACCENT, linewidth=6, alpha=0.35)
            ax.plot(c.value, place, "o", color=ACCENT, markersize=6)
        ax.axvline(0, color=SECOND, linestyle="--", linewidth=1)
        ax.set(yticks=range(len(found)), ylim=(len(found) - 0.4, -0.6), xlabel="difference in wF1")
        ax.set_yticklabels([one.arm for one in found])
        ax.locator_params(axis="x", nbins=5)
        ax.grid(axis="x")

    return Picture(
        plot(
            f"Differences from the reference, {results.study.against}",
            "; ".join(one.sentence for one in found),
            0.9 + 0.34 * len(found),
            draw,
            "Line: 95 % over dialogues and seeds (of one seed: over dialogues). Band: 95 % over dialogues alone, of these very models.",
        ),
        ("arm", "difference", "over dialogues and seeds", "over dialogues"),
        [
            (
                one.arm,
                f"{one.contrast.value:+.4f}",
                f"[{one.contrast.low:+.4f}, {one.contrast.high:+.4f}]",
                f"[{one.dialogues.low:+.4f}, {one.dialogues.high:+.4f}]",
            )
            for one in found
        ],
    )


def seeds(results: Results) -> Picture:
    """The wF1 of every cell, a point each, and the mean of the arm."""
    arms = results.arms

    def draw(figure: "Figure") -> None:
        ax = figure.subplots()
        for place, arm in enumerate(arms):
            ax.scatter(arm.wf1, [place] * len(arm.wf1), s=18, facecolor="none", edgecolor=INK, linewidth=0.8)
            ax.plot([mean(arm.wf1)] * 2, [place - 0.3, place + 0.3], color=ACCENT, linewidth=2.5)
        ax.set(yticks=range(len(arms)), ylim=(len(arms) - 0.4, -0.6), xlabel="wF1")
        ax.set_yticklabels([arm.name for arm in arms])
        ax.locator_params(axis="x", nbins=5)
        ax.grid(axis="x")

    alt = "wF1 by seed: " + "; ".join(f"{arm.name} {arm.spread(arm.wf1)}" for arm in arms)
    every = list(dict.fromkeys(cell.seed for arm in arms for cell in arm.cells))
    by_seed = [{cell.seed: f"{cell.scores.wf1:.4f}" for cell in arm.cells} for arm in arms]
    return Picture(
        plot("Every seed", alt, 0.9 + 0.34 * len(arms), draw, "A ring per seed; the bar is their mean."),
        ("arm", *map(str, every)),
        [
            (arm.name, *(found.get(seed, "") for seed in every))
            for arm, found in zip(arms, by_seed, strict=True)
        ],
    )


def learning(results: Results) -> Picture | None:
    """wF1 on dev over optimiser steps, a panel per arm, with the borders of its phases; None where nothing was trained."""
    curves = {arm.name: found for arm in results.arms if (found := _curves(arm))}
    if not curves:
        return None
    arms = [arm for arm in results.arms if arm.name in curves]
    reference = _mean(curves.get(results.study.against, []))

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(len(arms), sharex=True, sharey=True, squeeze=False)[:, 0]
        for ax, arm in zip(panels, arms, strict=True):
            for curve in curves[arm.name]:
                ax.plot(*zip(*curve, strict=True), color=ACCENT, linewidth=0.6, alpha=0.45)
            if reference:
                ax.plot(*zip(*reference, strict=True), color=SECOND, linestyle="--", linewidth=1)
            ax.plot(*zip(*_mean(curves[arm.name]), strict=True), color=ACCENT, linewidth=1.8)
            for step in _borders(arm):
                ax.axvline(step, color=INK, linestyle=":", linewidth=0.9)
            ax.set_ylabel(arm.name, rotation=0, ha="right", va="center")
            ax.grid(axis="y")
        panels[-1].set_xlabel("optimiser step")

    alt = "wF1 on dev while training. " + "; ".join(
        f"{arm.name} ends at {_mean(curves[arm.name])[-1][1]:.4f}" for arm in arms
    )
    note = f"Thick: mean over seeds. Dashed: the reference, {results.study.against}. Dotted: a phase of the curriculum ends."
    return Picture(
        plot("Learning curves: wF1 on dev", alt, 0.7 + 0.95 * len(arms), draw, note),
        ("arm", "step", "mean wF1 on dev"),
        [(arm.name, str(step), f"{wf1:.4f}") for arm in arms for step, wf1 in _mean(curves[arm.name])],
    )


def difficulties(results: Results) -> list[Picture]:
    """How hard the training conversations are and where buckets end, a picture for each way of measuring among the arms."""
    ways: dict[tuple[tuple[float, ...], tuple[float, ...]], list[str]] = {}
    for arm in results.arms:
        order = read_object(arm.cells[0].folder / "order.json")
        hardness = tuple(order.get("difficulties", ()))
        if len(set(hardness)) > 1:
            ways.setdefault((hardness, tuple(order.get("buckets", ()))), []).append(arm.name)
    return [
        Picture(
            _named(plots.difficulty(hardness, borders), ", ".join(names)),
            ("difficulty from", "to", "conversations"),
            _histogram(hardness),
        )
        for (hardness, borders), names in ways.items()
    ]


def _histogram(values: Sequence[float]) -> list[tuple[str, ...]]:
    counts, edges = np.histogram(values, bins=plots.bars(values))
    return [
        (f"{low:.4f}", f"{high:.4f}", str(count))
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]


def _named(picture: Plot, names: str) -> Plot:
    return Plot(f"{picture.title}: {names}", picture.alt, picture.svg, picture.note)


def _curves(arm: Arm) -> list[list[tuple[int, float]]]:
    found = [
        [(line["step"], line["dev_wf1"]) for line in cell.log if "dev_wf1" in line] for cell in arm.cells
    ]
    return [curve for curve in found if curve]


def _mean(curves: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Over seeds, at the steps where all of them were evaluated."""
    if not curves:
        return []
    common = set.intersection(*({step for step, _ in curve} for curve in curves))
    return [(step, mean(dict(curve)[step] for curve in curves)) for step in sorted(common)]


def _borders(arm: Arm) -> list[int]:
    """The step at which each phase of a curriculum but the last ends."""
    order = read_object(arm.cells[0].folder / "order.json")
    if arm.settings.curriculum is None or not arm.steps or "phases" not in order:
        return []
    return [round(phase["stop"] / len(order["positions"]) * arm.steps) for phase in order["phases"][:-1]]
