"""What a study found: means over seeds, differences from the reference, and a plain sentence about each.

Reads the folders of finished cells, never a model. Every score is of the checkpoint that the development split chose;
no test score chooses anything.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from prc_emo.ablation.origin import refuse_mixed
from prc_emo.ablation.study import Study
from prc_emo.ablation.work import State
from prc_emo.ablation.worker import COST
from prc_emo.bench.contrast import Contrast, contrast, holm, seeds_needed
from prc_emo.bench.metrics import Scores, labels_of, score
from prc_emo.bench.predictions import Judged, read_predictions, refuse_different_utterances
from prc_emo.bench.runs import PREDICTIONS
from prc_emo.bench.significance import Difference, confusions, mcnemar, paired_bootstrap
from prc_emo.config import OF_PRC_EMO, Experiment
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_json, read_jsonl, read_object

LEVEL = 0.05


@dataclass(frozen=True)
class Finished:
    """One cell that is done."""

    seed: int
    folder: Path
    judged: tuple[Judged, ...]
    scores: Scores

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its training; none of a baseline."""
        path = self.folder / "log.jsonl"
        return [row for _, row in read_jsonl(path)] if path.exists() else []

    @property
    def cost(self) -> dict[str, Any]:
        return read_object(self.folder / COST)

    @property
    def collapsed(self) -> bool:
        """It was trained, and is no better than always answering the most frequent label."""
        share = max(Counter(line.gold for line in self.judged).values()) / len(self.judged)
        # of that label recall is 1 and precision its share; of all others F1 is 0
        return self.scores.wf1 <= share * 2 * share / (1 + share) and bool(self.log)


@dataclass(frozen=True)
class Arm:
    """An arm with its finished cells, by seed; `differs` is what sets it apart from the other arms."""

    name: str
    settings: Experiment
    cells: tuple[Finished, ...]
    differs: Mapping[str, str]

    @property
    def wf1(self) -> list[float]:
        return [cell.scores.wf1 for cell in self.cells]

    @property
    def accuracy(self) -> list[float]:
        return [cell.scores.accuracy for cell in self.cells]

    @property
    def seconds(self) -> float | None:
        """Of a cell that was not interrupted, in the mean."""
        found = [cell.cost["seconds"] for cell in self.cells if cell.cost and not cell.cost["resumed"]]
        return mean(found) if found else None

    @property
    def steps(self) -> int | None:
        """Optimiser steps, None of a baseline."""
        log = self.cells[0].log
        return int(log[-1]["step"]) if log else None

    def spread(self, figures: Sequence[float]) -> str:
        """Mean and standard deviation over seeds (n - 1)."""
        return f"{mean(figures):.4f}" + (f" ± {stdev(figures):.4f}" if len(figures) > 1 else "")


@dataclass(frozen=True)
class Against:
    """An arm against the reference, on the seeds that both have finished.

    Attributes:
        comparisons: How many there are in the study.
        contrast: Over dialogues and seeds: what the sentence speaks of.
        p: Of the contrast, adjusted for the number of comparisons (Holm).
        dialogues: Paired bootstrap over dialogues with these very models: silent about other seeds.
        mcnemar: Exact p per seed that both are right equally often, utterances taken as independent.
    """

    arm: str
    reference: str
    seeds: int
    comparisons: int
    contrast: Contrast
    p: float
    dialogues: Difference
    mcnemar: tuple[float, ...]

    @property
    def sentence(self) -> str:
        c = self.contrast
        figures = f"{c.value:+.4f} wF1, 95 % interval {c.low:+.4f} to {c.high:+.4f}"
        if self.seeds == 1:
            return (
                f"{self.arm} against {self.reference}: {figures}, of one seed. That interval is about other dialogues only; "
                "what training noise does, one seed cannot tell."
            )
        adjusted = f" (Holm, {self.comparisons} comparisons)" if self.comparisons > 1 else ""
        seeds = f"{self.seeds} seeds" + (", alike in all of them" if not c.seed_sd else "")
        if self.p <= LEVEL:
            better = "better" if c.value > 0 else "worse"
            return f"{self.arm} is {better} than {self.reference}: {figures}, p {small(self.p)}{adjusted}, {seeds}."
        found = (
            f"A true difference of {c.detectable:.3f} would have been found four times out of five."
            if c.detectable < 1
            else "So few seeds could not have found any difference."
        )
        return f"No evidence that {self.arm} differs from {self.reference}: {figures}, p {self.p:.2f}{adjusted}, {seeds}. {found}"


@dataclass(frozen=True)
class Results:
    """All of it. `unfinished` are the cells that are missing, with their errors where they failed."""

    study: Study
    split: str
    arms: tuple[Arm, ...]
    comparisons: tuple[Against, ...]
    unfinished: tuple[State, ...]
    utterances: int
    dialogues: int

    @property
    def warnings(self) -> Iterator[str]:
        """What a reader has to know before believing anything."""
        fewest = min((one.seeds for one in self.comparisons), default=0)
        if self.comparisons and fewest < seeds_needed(LEVEL):
            yield (
                f"With {fewest} seed{'s' * (fewest > 1)}, the permutation test over seeds cannot fall below p = "
                f"{min(1, 2 / 2**fewest):.3g}; {seeds_needed(LEVEL)} seeds are needed to reach {LEVEL}."
                + " Intervals over so few seeds are a few points too narrow, and p is no smaller than in a t test over the "
                "seeds alone." * (fewest > 1)
            )
        if self.split == "dev":
            yield (
                "Scored on the development split, which also chose the checkpoints: all figures are too high, if alike for "
                "all arms."
            )
        if self.unfinished:
            many = len(self.unfinished)
            yield (
                f"{many} cell{'s are' if many > 1 else ' is'} not finished; arms are compared on the seeds that both have."
            )
        steps = {arm.steps for arm in self.arms if arm.steps}
        if len(steps) > 1 and self.study.match in (None, "steps"):
            yield f"The arms were not trained equally long: {min(steps):,} to {max(steps):,} steps."
        for arm in self.arms:
            if lost := [cell for cell in arm.cells if cell.collapsed]:
                yield self._collapse(arm, lost)

    def _collapse(self, arm: Arm, lost: Sequence[Finished]) -> str:
        """What a training that has learned nothing means for the figures: it counts, and this is what it weighs."""
        seeds = {cell.seed for cell in lost}
        said = (
            f"{arm.name} has learned nothing with seed {' and '.join(map(str, sorted(seeds)))}: no more than always answering "
            "the most frequent label. It counts all the same, for a training that collapses is part of what an arm does."
        )
        kept = tuple(cell for cell in arm.cells if cell.seed not in seeds)
        reference = self.arm(self.study.against)
        if arm is reference or not kept or (rest := _against(replace(arm, cells=kept), reference)) is None:
            return said
        found = rest.contrast
        return f"{said} Without: {found.value:+.4f} wF1, 95 % interval {found.low:+.4f} to {found.high:+.4f}."

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)


def results(study: Study, states: Sequence[State]) -> Results:
    """Reads what is finished.

    Raises:
        PrcEmoError: Nothing of the reference is finished, or cells do not belong together: they were scored on different
            utterances, or learned from other data.
    """
    refuse_mixed(states)
    done = {
        name: [one for one in states if one.cell.arm == name and one.status == "done"] for name in study.arms
    }
    if not done[study.against]:
        errors = {one.error for one in states if one.error}
        raise PrcEmoError(
            f"{study.name}: no cell of the reference {study.against!r} is finished, so there is nothing to compare with."
            + "".join(f"\n{error}" for error in sorted(errors))
        )
    settings = {
        name: next(one for one in states if one.cell.arm == name).cell.settings for name in study.arms
    }
    differs = differences(settings)
    arms = tuple(
        Arm(name, settings[name], tuple(map(_finished, done[name])), differs[name])
        for name in study.arms
        if done[name]
    )
    reference = next(arm for arm in arms if arm.name == study.against)
    for arm in arms:
        for cell in arm.cells:
            refuse_different_utterances(
                reference.cells[0].judged, cell.judged, (str(reference.cells[0].folder), str(cell.folder))
            )
    others = [arm for arm in arms if arm is not reference and _common(arm, reference)]
    raw = [one for arm in others if (one := _against(arm, reference, len(others))) is not None]
    adjusted = holm(np.array([one.contrast.p for one in raw]))
    judged = reference.cells[0].judged
    return Results(
        study,
        str(read_json(reference.cells[0].folder / "report.json")["split"]),
        arms,
        tuple(replace(one, p=float(p)) for one, p in zip(raw, adjusted, strict=True)),
        tuple(one for one in states if one.status != "done"),
        len(judged),
        len({line.conversation for line in judged}),
    )


def small(p: float) -> str:
    """A p value as one writes it; none is nothing."""
    return f"{p:.4f}" if p >= 1e-4 else "< 0.0001"


def differences(settings: Mapping[str, Experiment]) -> dict[str, dict[str, str]]:
    """What sets arms apart, by arm: the settings that are not alike in all, as short texts.

    A part that some arms lack is a column of its own, with a tick or a dash, before the settings within it.
    """
    flat = {name: dict(_flat(_said(one))) for name, one in settings.items()}
    keys = dict.fromkeys(key for one in flat.values() for key in one)
    found: dict[str, dict[str, str]] = {name: {} for name in settings}
    for key in keys:
        values = {name: one[key] for name, one in flat.items() if key in one}
        if len(set(values.values())) > 1:  # where a part is missing, what is in it makes no difference
            for name in settings:
                found[name][key] = values.get(name, "–")
    return found


def _said(settings: Experiment) -> dict[str, Any]:
    hidden = {"name", "about", "seed"} | (set() if settings.recognizer == "prc_emo" else OF_PRC_EMO)
    return settings.model_dump(mode="json", exclude=hidden)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if name in OF_PRC_EMO:
            yield name, "✓"
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value)) or "–"
    else:
        yield name, "–" if value is None else value if isinstance(value, str) else json.dumps(value)


def _common(arm: Arm, other: Arm) -> list[int]:
    """The seeds that both have finished."""
    return sorted({cell.seed for cell in arm.cells} & {cell.seed for cell in other.cells})


def _finished(state: State) -> Finished:
    judged = tuple(read_predictions(state.folder / PREDICTIONS))
    return Finished(state.cell.seed, state.folder, judged, score(judged))


def _against(arm: Arm, reference: Arm, comparisons: int = 1) -> Against | None:
    """None where the two have no finished seed in common."""
    ours, theirs = ({cell.seed: cell.judged for cell in side.cells} for side in (arm, reference))
    both = _common(arm, reference)
    if not both:
        return None
    a, b = [ours[seed] for seed in both], [theirs[seed] for seed in both]
    labels = labels_of([line for judged in (*a, *b) for line in judged])
    found = contrast(confusions(a, labels), confusions(b, labels), comparisons=comparisons)
    return Against(
        arm.name,
        reference.name,
        len(both),
        comparisons,
        found,
        found.p,
        paired_bootstrap(a, b, seed=0),
        tuple(mcnemar(one, other) for one, other in zip(a, b, strict=True)),
    )
