"""Finds finished runs on disk and names them. Knows the layout `NAME/seed42/predictions.jsonl` and nothing of scores."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prc_emo.bench.predictions import Judged, read_predictions, refuse_different_utterances
from prc_emo.errors import PrcEmoError

PREDICTIONS = "predictions.jsonl"


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run: one experiment, one training seed."""

    folder: Path
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Experiment:
    """The runs of one experiment, which differ in nothing but the seed."""

    name: str
    runs: tuple[Run, ...]


def read_experiments(folders: Sequence[Path]) -> list[Experiment]:
    """One experiment per folder, in the order given.

    Args:
        folders: Each either a run (`NAME/seed42`) or an experiment (`NAME`, all its finished seeds are taken).

    Raises:
        PrcEmoError: A folder holds no finished run, came twice, or its seeds were scored on different utterances.
    """
    if not folders:
        raise PrcEmoError("Expected at least one run folder, such as runs/majority_meld/seed42.")
    twice = [folder for folder, count in Counter(folder.resolve() for folder in folders).items() if count > 1]
    if twice:
        raise PrcEmoError(f"{twice[0]} was given more than once. Name each run once.")
    experiments = [_read(folder) for folder in folders]
    names = Counter(experiment.name for experiment in experiments)
    return [
        replace(experiment, name=str(folder)) if names[experiment.name] > 1 else experiment
        for experiment, folder in zip(experiments, folders, strict=True)
    ]


def _read(folder: Path) -> Experiment:
    if (folder / PREDICTIONS).is_file():
        found = [folder]
        # resolved, so that "." and ".." have a name too
        name = (
            folder.resolve().parent.name
            if folder.resolve().name.startswith("seed")
            else folder.resolve().name
        )
    else:
        found = sorted(path.parent for path in folder.glob(f"seed*/{PREDICTIONS}"))
        name = folder.resolve().name
    if not found:
        raise PrcEmoError(
            f"{folder}: expected a finished run, that is a folder with {PREDICTIONS} or with seed*/{PREDICTIONS}, "
            "and found none. Run the experiment first, or look for a typing mistake."
        )
    runs = tuple(Run(path, tuple(read_predictions(path / PREDICTIONS))) for path in found)
    for run in runs[1:]:
        refuse_different_utterances(runs[0].judged, run.judged, (str(runs[0].folder), str(run.folder)))
    return Experiment(name, runs)
