"""Is an order that matters found, and one that does not matter not found, by real trainings?

    python scripts/planted_study.py --out runs/planted --workers 2

Conversations are made up of lines with a word that stands for an emotion. Four words are contested: in "upright"
conversations, and in the test split, they mean one thing, in "twisted" ones another. "Steady" conversations have twenty
other words. They come last in every order and fill the development split, so that it chooses the end of training and cannot
tell which order is right. Whoever meets the twisted ones just before has learned the wrong thing.

- `planted`: upright, twisted, steady; or twisted, upright, steady. The order decides nearly everything.
- `null`: upright and steady conversations in an order by a measure that says nothing, against no order.

Both are ordinary studies of `prc-emo ablate`; this file only writes their conversations, their measures and their YAML.
"""

import argparse
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora import write_jsonl

EMOTIONS = ("joy", "anger", "sadness", "fear")
UPRIGHT = dict(zip(("pebble", "ladder", "curtain", "engine"), EMOTIONS, strict=True))
TWISTED = dict(zip(UPRIGHT, (*EMOTIONS[1:], EMOTIONS[0]), strict=True))
WORDS = "apple bottle candle desk envelope fork glove hammer island jar kettle lamp mirror needle orange pencil rope spoon towel wheel"
STEADY = {word: EMOTIONS[at % 4] for at, word in enumerate(WORDS.split())}
FRAMES = (
    "I put the {} on the table.",
    "Somebody left a {} in the hall.",
    "Have you seen the {} today?",
    "It was next to the {}, I think.",
    "We need another {} before noon.",
)
MEASURE = """
from curriculum import DIFFICULTIES

def _in_order(*kinds):
    return lambda turns, **_: float(next(at for at, kind in enumerate(kinds) if kind in turns[0].id))

DIFFICULTIES["upright-then-twisted"] = _in_order("upright", "twisted", "steady")
DIFFICULTIES["twisted-then-upright"] = _in_order("twisted", "upright", "steady")
DIFFICULTIES["idle"] = lambda turns, **_: float(int(turns[0].id.split("/")[-2].split("-")[-1]) * 7919 % 101)
"""
STUDY = """
about: {about}
base: everyday_minilm
seeds: [1, 2, 3, 4, 5, 6]
settings:
  data: {{corpus: jsonl, path: {data}, labels: meld}}
  prompt: {{knowledge: null, max_tokens: 128}}
  retrieval: null
  training: {{epochs: 3, evaluate_every: 1000}}
  answer: {{calibrate: false}}
arms:
{arms}
"""
STUDIES = {
    "planted": (
        "Meets what the test split is like after its opposite, or before",
        ("upright", "twisted", "steady"),
        "  upright_later: {curriculum: {difficulty: twisted-then-upright, schedule: one-pass, buckets: 3}}\n"
        "  twisted_later: {curriculum: {difficulty: upright-then-twisted, schedule: one-pass, buckets: 3}}\n",
    ),
    "null": (
        "An order that says nothing, against none",
        ("upright", "upright", "steady"),
        "  no_order: {curriculum: null}\n"
        "  idle_order: {curriculum: {difficulty: idle, schedule: baby-steps}}\n",
    ),
}
MEANING = {"upright": UPRIGHT, "twisted": TWISTED, "steady": STEADY}


def talk(kind: str, number: int, chance: random.Random) -> Conversation:
    """Six lines by two people, each with a word."""
    id, turns = f"made/{kind}-{number}", []
    for at in range(6):
        word = chance.choice(list(MEANING[kind]))
        text = chance.choice(FRAMES).format(word)
        turns.append(Utterance(f"{id}/{at}", "AB"[at % 2], text, gold=MEANING[kind][word]))
    return Conversation(id, tuple(turns))


def write_data(folder: Path, kinds: Sequence[str]) -> Path:
    chance, number = random.Random(7), 0
    for split, many, of in (("train", 180, kinds), ("dev", 20, ("steady",)), ("test", 60, ("upright",))):
        talks = [talk(of[at % len(of)], number + at, chance) for at in range(many)]
        number += many
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
