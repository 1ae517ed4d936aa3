"""Do voices, as discrete units, tell more than the words? And is the context of any use? On DailyTalk.

    PRC_EMO_DATA=... python scripts/speech_on_dailytalk.py --out runs/dailytalk --workers 2

Words alone, voices alone, and both (`dailytalk_units_minilm`), three seeds each. The published development split is what is
scored here; every tenth dialogue of the training split chooses the checkpoint instead. The control: the same models, each
utterance after the context of another dialogue, with the words and voices of that. Intervals are over dialogues.
What is finished is not done again; what was interrupted goes on.
"""

import argparse
import random
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.cells import computed
from benchmarks.measure import table

from prc_emo import PRCEmo
from prc_emo.ablation.study import Study, cells
from prc_emo.bench.metrics import score
from prc_emo.bench.predictions import Judged, read_predictions, write_predictions
from prc_emo.bench.significance import Difference, bootstrap, paired_bootstrap
from prc_emo.config import data_path
from prc_emo.conversation import Conversation
from prc_emo.corpora import load_corpus
from prc_emo.files import read_jsonl, write_jsonl

ARMS: dict[str, dict[str, Any]] = {
    "words": {"speech": None},
    "voices": {"prompt": {"template": "listen_compact"}},
    "both": {},
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="by default dailytalk_units in the data folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    given = parser.parse_args()
    data = split_anew(given.data or data_path("dailytalk_units"), given.out / "data")
    study = Study.model_validate(
        {
            "name": "dailytalk",
            "base": "dailytalk_units_minilm",
            "seeds": given.seeds,
            "arms": ARMS,
            "settings": {"data": {"path": str(data)}, "speech": {"units": str(data)}},
        }
    )
    found = computed(cells(study), given.out, given.workers, tell=print)

    true, shuffled = {}, {}
    for arm in ARMS:
        folders = [state.folder for state in found if state.cell.arm == arm]
        true[arm] = [read_predictions(folder / "predictions.jsonl") for folder in folders]
        shuffled[arm] = [after_other_contexts(folder, data) for folder in folders]

    rows: list[tuple[str, ...]] = [
        ("heard and read", "wF1 [95 %]", "UA", "wF1 after another dialogue's context")
    ]
    for arm in ARMS:
        ua = mean(score(judged).ua for judged in true[arm])
        rows.append(
            (arm, str(bootstrap(true[arm], seed=0)), f"{ua:.3f}", str(bootstrap(shuffled[arm], seed=0)))
        )
    print(table(*rows), end="\n\n")
    rows = [("difference", "wF1 [95 %]", "p")]
    for arm in ("voices", "both"):
        rows.append((f"{arm} - words", *told(paired_bootstrap(true[arm], true["words"], seed=0))))
    for arm in ARMS:
        rows.append(
            (f"{arm}: its own context - another's", *told(paired_bootstrap(true[arm], shuffled[arm], seed=0)))
        )
    print(table(*rows))


def split_anew(published: Path, out: Path) -> Path:
    """A folder of DailyTalk whose test split is the published development split, and whose development split is a tenth of training."""
    out.mkdir(parents=True, exist_ok=True)
    train = [row for _, row in read_jsonl(published / "train.jsonl")]
    tenth = set(sorted({row["dialogue_id"] for row in train})[::10])
    write_jsonl(out / "train.jsonl", [row for row in train if row["dialogue_id"] not in tenth])
    write_jsonl(out / "dev.jsonl", [row for row in train if row["dialogue_id"] in tenth])
    write_jsonl(out / "test.jsonl", [row for _, row in read_jsonl(published / "dev.jsonl")])
    return out.resolve()


def after_other_contexts(folder: Path, data: Path) -> list[Judged]:
    """What a finished run answers where each labelled utterance follows the turns of another dialogue; kept beside the run."""
    kept = folder / "predictions_after_other_contexts.jsonl"
    if not kept.exists():
        model = PRCEmo.load(folder)
        talks, chance = load_corpus("dailytalk", data).test, random.Random(0)
        true = {line.id: line for line in read_predictions(folder / "predictions.jsonl")}
        judged = []
        for talk in talks:
            for at, turn in enumerate(talk.utterances):
                if turn.gold is None:
                    continue
                other = chance.choice([one for one in talks if one.id != talk.id and len(one) >= at])
                mixed = Conversation(talk.id, (*other.utterances[:at], turn))
                ((answer, _),) = model.examine([mixed], only={turn.id})
                judged.append(
                    replace(true[turn.id], label=answer.label, probabilities=dict(answer.probabilities))
                )
        write_predictions(kept, judged)
    return read_predictions(kept)


def told(difference: Difference) -> tuple[str, str]:
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]", f"{difference.p:.3f}"


if __name__ == "__main__":
    main()
