"""What do interpretations and speaker characteristics (P) bring? MELD's development split, cross-validated by dialogue.

    prc-emo knowledge import INTERPRETATIONS.jsonl meld DATA/meld --split dev --out knowledge.jsonl
    python scripts/knowledge_on_meld_dev.py DATA/meld knowledge.jsonl --out runs/knowledge

For a split that has knowledge while the others have none. Four parts of whole dialogues: two to train on, one to choose the
checkpoint by, one to be labelled, in turn; so every dialogue is labelled once, by a model that never saw it. All arms take
equally many optimiser steps, without retrieval and curriculum. Stopped, it goes on where it was.

A second table leaves out the utterances whose interpretation names their own gold label: what remains is no leak of words.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from prc_emo import load_corpus
from prc_emo.bench.compare import compare
from prc_emo.bench.predictions import read_predictions, write_predictions
from prc_emo.bench.run import refuse_another_run, run
from prc_emo.config_file import experiment
from prc_emo.conversation import Conversation
from prc_emo.corpora import write_jsonl
from prc_emo.knowledge import Knowledge

ARMS = {
    "no_knowledge": ["prompt.use=[]"],
    "speakers": ["prompt.use=[speakers]"],
    "interpretations": ["prompt.use=[interpretations]"],
    "both": ["prompt.use=[interpretations, speakers]"],
}


def write_folds(talks: Sequence[Conversation], folds: int, folder: Path) -> list[Path]:
    """For each fold a corpus of its own: what is trained on, chosen by and labelled."""
    order = np.random.default_rng(0).permutation(len(talks))
    parts = [[talks[at] for at in sorted(order[fold::folds])] for fold in range(folds)]
    for fold in range(folds):
        test, dev = fold, (fold + 1) % folds
        train = [talk for at, part in enumerate(parts) if at not in (test, dev) for talk in part]
        for split, members in (("train", train), ("dev", parts[dev]), ("test", parts[test])):
            write_jsonl(folder / str(fold) / f"{split}.jsonl", members)
    return [folder / str(fold) for fold in range(folds)]


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("meld", type=Path, help="the folder with dev_sent_emo.csv")
    arguments.add_argument("knowledge", type=Path)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--folds", type=int, default=4)
    arguments.add_argument("--steps", type=int, default=80, help="optimiser steps of 16 utterances")
    given = arguments.parse_args()

    corpus = load_corpus("meld", given.meld)
    folds = write_folds(corpus.dev, given.folds, given.out / "folds")
    for arm, settings in ARMS.items():
        judged = []
        for data in folds:
            folder = given.out / "parts" / arm / data.name
            one = experiment(
                "meld_minilm",
                [
                    *(f"name={arm}", "data.corpus=jsonl", f"data.path={data.resolve()}"),
                    *("data.labels=meld", f"prompt.knowledge={given.knowledge.resolve()}"),
                    *("prompt.max_tokens=448", "retrieval=null", "curriculum=null", *settings),
                    *("training.epochs=1", f"training.steps={given.steps}", "training.accumulate=2"),
                    # so few steps want larger ones, as in quickstart
                    *("training.learning_rate=1e-3", "lora.alpha=128"),
                    f"training.evaluate_every={max(1, given.steps // 3)}",
                ],
            )
            refuse_another_run(one, folder)
            if not (folder / "report.json").exists():
                run(one, folder, tell=print)
            judged += read_predictions(folder / "predictions.jsonl")
        judged.sort(key=lambda one: one.id)  # compared turn by turn
        write_predictions(given.out / arm / "seed42" / "predictions.jsonl", judged)
    print(compare([given.out / arm for arm in ARMS]).markdown())

    knowledge = Knowledge.load(given.knowledge)
    told = {
        turn.id
        for talk in corpus.dev
        for turn in talk.utterances
        if (found := knowledge.interpretations.get(turn.id)) is not None
        and turn.gold in corpus.labels.named_in(f"{found.explicit} {found.implicit}")
    }
    print(f"Without the {len(told)} utterances whose interpretation names their own label:\n")
    for arm in ARMS:
        judged = read_predictions(given.out / arm / "seed42" / "predictions.jsonl")
        write_predictions(
            given.out / "not_told" / arm / "seed42" / "predictions.jsonl",
            [one for one in judged if one.id not in told],
        )
    print(compare([given.out / "not_told" / arm for arm in ARMS]).markdown())


if __name__ == "__main__":
    main()
