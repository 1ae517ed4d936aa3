"""How varied are the utterances of a corpus? Several corpora side by side, on samples of one size.

    python scripts/diversity.py everyday demonstrations meld=DATA/meld prc-demonstrations=DATA/prc_emo_demonstrations

Of each training split (where there is one; otherwise of all) the same number of utterances with four words or more is drawn:

- distinct-1, distinct-2: different words, and pairs of words within an utterance, among all of them;
- twins: utterances that have another one with a cosine above 0.95 (all-MiniLM-L6-v2);
- nearest: the mean cosine of an utterance with the most similar other one;
- spread: one less the mean cosine of two utterances.
"""

import argparse
import re
from itertools import pairwise
from pathlib import Path

import numpy as np

from prc_emo import load_corpus
from retrieval_store import Embedder


def texts_of(name: str) -> list[str]:
    corpus, _, path = name.partition("=")
    found = load_corpus(corpus, Path(path) if path else None)
    talks = found.splits.get("train", found.all())
    said = [turn.text for talk in talks for turn in talk.utterances]
    return [text for text in said if len(text.split()) >= 4]


def figures(texts: list[str], encoder: Embedder) -> tuple[str, ...]:
    words = [re.findall(r"[\w’']+", text.lower()) for text in texts]
    one = [word for row in words for word in row]
    two = [pair for row in words for pair in pairwise(row)]
    vectors = encoder.encode(texts)
    cosines = vectors @ vectors.T
    spread = 1 - (cosines.sum() - len(texts)) / (len(texts) * (len(texts) - 1))
    np.fill_diagonal(cosines, -1)
    nearest = cosines.max(axis=1)
    return (
        f"{np.mean([len(row) for row in words]):.1f}",
        f"{len(set(one)) / len(one):.3f}",
        f"{len(set(two)) / len(two):.3f}",
        f"{np.mean(nearest > 0.95):.1%}",
        f"{nearest.mean():.2f}",
        f"{spread:.2f}",
    )


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("corpora", nargs="+", help="NAME or NAME=PATH")
    arguments.add_argument("--most", type=int, default=3000, help="utterances of each, at most")
    given = arguments.parse_args()
    texts = {name: texts_of(name) for name in given.corpora}
    size = min(given.most, *map(len, texts.values()))
    encoder = Embedder("minilm")
    print(f"| {size:,} utterances each | words | distinct-1 | distinct-2 | twins | nearest | spread |")
    print("|---|---|---|---|---|---|---|")
    for name, said in texts.items():
        drawn = np.random.default_rng(0).choice(len(said), size, replace=False)
        print(f"| {name.partition('=')[0]} | {' | '.join(figures([said[at] for at in drawn], encoder))} |")


if __name__ == "__main__":
    main()
