"""Can a label of the corpora that ship be told from the words by a model that learned elsewhere, and the other way round?

    python scripts/transfer.py DATA/meld --out runs/transfer

Two data sets in MELD's seven labels. `to_shipped`: learn from MELD's training split, choose by its development split, label all
dialogues that ship. `to_meld`: learn from the dialogues that ship, choose by those of one domain, label MELD's
development split. Without knowledge, retrieval and curriculum: the words of an utterance and of those before it are all
there is. Beside each, `majority`: the most frequent label of what was learned. Stopped, it goes on where it was.
"""

import argparse
from pathlib import Path

from prc_emo import load_corpus
from prc_emo.bench.compare import compare
from prc_emo.bench.run import refuse_another_run, run
from prc_emo.config_file import experiment
from prc_emo.corpora import translated, write_jsonl
from prc_emo.labels import MELD

CHOSEN_BY = "mixed"  # the domain that chooses the checkpoint on the way to MELD


def write_directions(meld: Path, folder: Path) -> dict[str, Path]:
    """The two data sets."""
    official = load_corpus("meld", meld)
    everyday = load_corpus("everyday")
    shipped = [
        *(talk for talks in everyday.splits.values() for talk in talks),
        *translated(load_corpus("demonstrations").train, MELD),
    ]
    directions = {
        "to_shipped": {"train": official.train, "dev": official.dev, "test": shipped},
        "to_meld": {
            "train": [talk for talk in shipped if talk.domain != CHOSEN_BY],
            "dev": [talk for talk in shipped if talk.domain == CHOSEN_BY],
            "test": official.dev,
        },
    }
    for name, splits in directions.items():
        for split, talks in splits.items():
            write_jsonl(folder / name / f"{split}.jsonl", talks)
    return {name: folder / name for name in directions}


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("meld", type=Path, help="the folder with train_sent_emo.csv and dev_sent_emo.csv")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--steps", type=int, default=150, help="optimiser steps of 32 utterances")
    given = arguments.parse_args()
    for name, data in write_directions(given.meld, given.out / "data").items():
        corpus = ["data.corpus=jsonl", f"data.path={data.resolve()}", "data.labels=meld"]
        arms = {
            "majority": ("majority_meld", corpus),
            "minilm": (
                "meld_minilm",
                [
                    *corpus,
                    *("retrieval=null", "curriculum=null", "training.epochs=1"),
                    *(f"training.steps={given.steps}", f"training.evaluate_every={max(1, given.steps // 3)}"),
                ],
            ),
        }
        for arm, (base, settings) in arms.items():
            folder = given.out / name / arm / "seed42"
            one = experiment(base, [f"name={arm}", *settings])
            refuse_another_run(one, folder)
            if not (folder / "report.json").exists():
                run(one, folder, tell=print)
        print(f"{name}:\n{compare([given.out / name / arm for arm in arms]).markdown()}\n")


if __name__ == "__main__":
    main()
