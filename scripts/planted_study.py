"""Is an order that matters found, and one that does not matter not found, by real trainings?

    python scripts/planted_study.py --out runs/planted --workers 2

Conversations are made up of lines with a cue word. In half of them ("upright") a cue means the emotion that it means in
the test split, in the others ("twisted") another one. Whoever ends with the twisted ones has learned the wrong thing:

- `planted`: the upright half first or last, one pass each. The order decides nearly everything.
- `null`: upright conversations only, in an order by a measure that says nothing, against no order.

Both are ordinary studies of `prc-emo ablate`; this file only writes their conversations, their measure and their YAML.
"""

import argparse
import random
import subprocess
import sys
from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora import write_jsonl

CUES = {"pebble": "joy", "ladder": "anger", "curtain": "sadness", "engine": "fear"}
TWISTED = dict(zip(CUES, [*list(CUES.values())[1:], "joy"], strict=True))
FRAMES = (
    "I put the {} on the table.",
    "Somebody left a {} in the hall.",
    "Have you seen the {} today?",
    "It was next to the {}, I think.",
    "We need another {} before noon.",
)
MEASURE = """
from curriculum import DIFFICULTIES

def _number(turns):
    return int(turns[0].id.split("/")[-2].split("-")[-1])

DIFFICULTIES["twisted-last"] = lambda turns, **_: float("twisted" in turns[0].id)
DIFFICULTIES["twisted-first"] = lambda turns, **_: float("twisted" not in turns[0].id)
DIFFICULTIES["idle"] = lambda turns, **_: float(_number(turns) * 7919 % 101)
"""
STUDY = """
about: {about}
base: quickstart
seeds: [1, 2, 3, 4, 5, 6]
settings:
  data: {{corpus: jsonl, path: {data}, labels: meld}}
  prompt: {{knowledge: null, max_tokens: 128}}
  retrieval: null
  training: {{epochs: 2, evaluate_every: 100}}
  answer: {{calibrate: false}}
arms:
{arms}
"""
STUDIES = {
    "planted": (
        "Ends with what the test split is like, or with its opposite",
        ("upright", "twisted"),
        "  upright_last: {curriculum: {difficulty: twisted-first, schedule: one-pass}}\n"
        "  twisted_last: {curriculum: {difficulty: twisted-last, schedule: one-pass}}\n",
    ),
    "null": (
        "An order that says nothing, against none",
        ("upright", "upright"),
        "  no_order: {curriculum: null}\n"
        "  idle_order: {curriculum: {difficulty: idle, schedule: baby-steps}}\n",
    ),
}


def talk(kind: str, number: int, chance: random.Random) -> Conversation:
    """Six lines by two people, each with a cue; noise in one line of ten."""
    meaning = CUES if kind == "upright" else TWISTED
    id, turns = f"made/{kind}-{number}", []
    for at in range(6):
        cue = chance.choice(list(CUES))
        emotion = chance.choice(list(CUES.values())) if chance.random() < 0.1 else meaning[cue]
        turns.append(Utterance(f"{id}/{at}", "AB"[at % 2], chance.choice(FRAMES).format(cue), gold=emotion))
    return Conversation(id, tuple(turns))


def write_data(folder: Path, kinds: tuple[str, str]) -> Path:
    chance = random.Random(7)
    for split, many, of in (
        ("train", 60, kinds),
        ("dev", 16, ("upright",) * 2),
        ("test", 60, ("upright",) * 2),
    ):
        talks = [
            talk(of[number % 2], number + {"train": 0, "dev": 1000, "test": 2000}[split], chance)
            for number in range(many)
        ]
        write_jsonl(folder / f"{split}.jsonl", talks)
    return folder


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--workers", type=int, default=1)
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "measures.py").write_text(MEASURE, encoding="utf-8")
    for name, (about, kinds, arms) in STUDIES.items():
        data = write_data(given.out / "data" / name, kinds)
        file = given.out / f"{name}.yaml"
        file.write_text(STUDY.format(about=about, data=data.resolve(), arms=arms), encoding="utf-8")
        command = [sys.executable, "-m", "prc_emo", "--import", given.out / "measures.py", "ablate", file]
        command += ["--out", given.out / name, "--workers", str(given.workers)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
