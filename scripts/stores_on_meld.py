"""What does retrieval (R) bring on MELD, by the store it draws from? And what does a leak in training do to an honest score?

    python scripts/stores_on_meld.py DATA --out runs/stores

DATA holds meld/ and prc_emo_demonstrations/. Stores: MELD's training split, the corpora that ship, the 14,009 demonstrations of
PRC-Emo's authors, and all of them. `nearest` votes over each; PRC-Emo with minilm trains equally many steps with each, with none,
and with MELD's store and the guard of training switched off, so that the own dialogue and the own words come back with their
labels, as in the released code. Everything is scored on the development split, where the guard is always on. Stopped, it
goes on where it was.
"""

import argparse
import os
from pathlib import Path

from prc_emo import load_corpus
from prc_emo.bench.compare import compare
from prc_emo.bench.run import refuse_another_run, run
from prc_emo.compose import demonstrations_of
from prc_emo.config_file import experiment
from retrieval_store import Demonstration, DemonstrationStore, Embedder


def rows_of(corpus: str, path: Path | None) -> list[Demonstration]:
    found = load_corpus(corpus, path)
    return [
        row
        for split, talks in found.splits.items()
        if split == "train"
        for row in demonstrations_of(talks, source=found.name, split=split)
    ]


def build_stores(data: Path, folder: Path) -> dict[str, Path]:
    """A store of each source, and one of all."""
    sources = {
        "meld": rows_of("meld", data / "meld"),
        "shipped": rows_of("everyday", None) + rows_of("demonstrations", None),
        "prc_demonstrations": rows_of("prc-demonstrations", data / "prc_emo_demonstrations"),
    }
    sources["all"] = [row for rows in sources.values() for row in rows]
    for name, rows in sources.items():
        if not (folder / name / "manifest.json").exists():
            print(f"{name}: {len(rows):,} demonstrations")
            DemonstrationStore.build(rows, Embedder(), progress=True).save(folder / name)
    return {name: folder / name for name in sources}


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--steps", type=int, default=150, help="optimiser steps of 32 utterances")
    given = arguments.parse_args()
    os.environ["PRC_EMO_DATA"] = str(given.data.resolve())
    stores = build_stores(given.data, given.out / "stores")

    arms: dict[str, tuple[str, list[str]]] = {}
    for name, store in stores.items():
        arms[f"nearest_{name}"] = "nearest_meld", [f"parameters.store={store}"]
    equal = [
        "curriculum=null",
        "training.epochs=1",
        f"training.steps={given.steps}",
        "training.evaluate_every=50",
    ]
    arms["minilm_none"] = "meld_minilm", ["retrieval=null", *equal]
    for name, store in stores.items():
        arms[f"minilm_{name}"] = "meld_minilm", [f"retrieval.store={store}", *equal]
    arms["minilm_meld_unguarded"] = (
        "meld_minilm",
        [f"retrieval.store={stores['meld']}", "retrieval.guard=utterance", *equal],
    )
    for arm, (name, settings) in arms.items():
        folder = given.out / arm / "seed42"
        one = experiment(name, [f"name={arm}", *settings])
        refuse_another_run(one, folder)
        if not (folder / "report.json").exists():
            run(one, folder, tell=print)
    for first in ("nearest_", "minilm_"):
        print(compare([given.out / arm for arm in arms if arm.startswith(first)]).markdown(), end="\n\n")


if __name__ == "__main__":
    main()
