"""An encoder that counts letter pairs, and small stores made with it: no network, no weights, no waiting."""

import zlib
from collections.abc import Sequence

import numpy as np

from retrieval_store import Demonstration
from retrieval_store.embedder import Vectors

LABELS = ("joy", "sadness", "anger", "neutral")
WORDS = (
    "rain",
    "tea",
    "train",
    "late",
    "dinner",
    "call",
    "sister",
    "never",
    "again",
    "fine",
    "happy",
    "door",
    "key",
)


class LetterPairs:
    """Texts that share letter pairs are near. Counts how many texts it was given."""

    id = "letter-pairs@1"
    dimension = 48

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, texts: Sequence[str], progress: bool = False) -> Vectors:
        self.encoded += len(texts)
        vectors = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for pair in zip(f" {text}", f"{text} ", strict=True):
                vectors[row, zlib.crc32("".join(pair).lower().encode()) % self.dimension] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def talk(conversations: int, turns: int = 6, source: str = "tiny", seed: int = 0) -> list[Demonstration]:
    """Conversations of random words; many sentences occur in several of them, as "Yeah." does in real ones."""
    random = np.random.default_rng(seed)
    made = []
    for conversation in range(conversations):
        split = "test" if conversation % 5 == 4 else "train"
        dialogue = f"{source}/{split}/c{conversation}"
        for position in range(turns):
            text = " ".join(random.choice(WORDS, size=random.integers(1, 4)))
            text = text.capitalize() + random.choice([".", "!", "?"])
            label, speaker = str(random.choice(LABELS)), ("Ann", "Ben")[position % 2]
            made.append(
                Demonstration(
                    f"{dialogue}/{position}",
                    text,
                    label,
                    source,
                    dialogue,
                    position,
                    split,
                    speaker,
                    "family",
                )
            )
    return made
