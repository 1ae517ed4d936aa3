"""How well are eight emotions told from the voice alone, of actors whom training has not heard?

    PRC_EMO_DATA=... python scripts/speech_on_ravdess.py --out runs/ravdess --workers 2

Five folds of actors; one is tested, two actors of another choose the checkpoint, the rest train. Three systems on the same folds:

- `prc_emo`: log-mel energies, Q-Former, soft prompts in minilm (`ravdess_minilm`).
- `qformer`: the same Q-Former and a linear head, no language model (`voice_ravdess`).
- `mean`: frames pooled by their mean, and a linear head (`voice_ravdess` with pool=mean); with levels as recorded, since the mean
  of what is normalised by utterance says nothing, and nothing masked, since that moves a mean by more than an emotion does.

What is finished is not done again; what was interrupted goes on.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.cells import computed
from benchmarks.measure import table

from prc_emo.ablation.study import Study, cells
from prc_emo.ablation.worker import COST
from prc_emo.files import read_object

FOLDS = (1, 2, 3, 4, 5)
SYSTEMS: Mapping[str, Mapping[str, Any]] = {
    "prc_emo": {"base": "ravdess_minilm"},
    "qformer": {"base": "voice_ravdess"},
    "mean": {
        "base": "voice_ravdess",
        "parameters": {"pool": "mean", "speech": {"mask": False, "options": {"normalise": "recorded"}}},
    },
}
CHOOSING = (8, 9)  # a woman and a man of fold 3; for that fold itself, two of fold 5
INSTEAD = (16, 15)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    given = parser.parse_args()
    study = Study.model_validate(
        {
            "name": "ravdess",
            "base": "ravdess_minilm",
            "seeds": [42],
            "match": None,
            "arms": {
                f"{system}_{fold}": {**SYSTEMS[system], "data": {"options": options(fold)}}
                for system in given.systems
                for fold in FOLDS
            },
        }
    )
    found = computed(cells(study), given.out, given.workers, tell=print)
    folders = {state.cell.arm: state.folder for state in found}
    rows = [("system", "UA, mean ± sd of folds", *(f"fold {fold}" for fold in FOLDS), "WA", "longest fold")]
    for system in given.systems:
        reports = [read_object(folders[f"{system}_{fold}"] / "report.json") for fold in FOLDS]
        costs = [read_object(folders[f"{system}_{fold}"] / COST) for fold in FOLDS]
        ua = [report["ua"] for report in reports]
        longest = max((cost["seconds"] for cost in costs if not cost["resumed"]), default=0.0)
        rows.append(
            (
                system,
                f"{mean(ua):.3f} ± {stdev(ua):.3f}",
                *(f"{one:.3f}" for one in ua),
                f"{mean(report['accuracy'] for report in reports):.3f}",
                f"{longest / 60:.0f} min",
            )
        )
    print(table(*rows))


def options(fold: int) -> dict[str, Any]:
    return {
        "test_fold": fold,
        "dev_fold": None,
        "dev_actors": list(INSTEAD if fold == 3 else CHOOSING),
    }


if __name__ == "__main__":
    main()
