"""How much quicker the demonstration store is than the way one writes it in an afternoon, measured in one run.

    python scripts/benchmark_store.py            # the paper's size: 36,712 demonstrations; minutes on two cores
    python scripts/benchmark_store.py --quick    # 3,000 demonstrations

The naive way encodes one text at a time, keeps the vectors in JSON, and compares one query at a time with all of them.
Its building is timed on a part and scaled per text; its searching is timed on a part of the queries, over all vectors.
Sentences are made of random common words, 1 to 30 of them, about 10 on average.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from retrieval_store import Demonstration, DemonstrationStore, Embedder, Exclude, find_weights, normalise_text

COMMON = (
    "i you he she we they it that this what when where why how who not never always just really so too very can could "
    "will would should do did does have had is are was were be been go went come came get got take make want need know "
    "think feel say said tell told see saw look love hate like miss hope wish fear worry happy sad angry afraid sorry "
    "fine good bad great awful nice strange funny tired late early home house door car train work job office school "
    "friend sister brother mother father child doctor dinner coffee phone money night morning today tomorrow again "
    "about with without for from to in on at by of and or but because if then there here now please thanks okay yeah no"
)
K = 3
LABELS = ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear")


def make_demonstrations(rows: int) -> list[Demonstration]:
    """Conversations of twelve turns; every tenth conversation belongs to the split that is evaluated on."""
    random, words = np.random.default_rng(42), COMMON.split()
    made = []
    for row in range(rows):
        length = min(30, 1 + int(random.gamma(1.6, 6.0)))
        text = " ".join(random.choice(words, length)).capitalize() + str(random.choice([".", "!", "?"]))
        split = "test" if row // 12 % 10 == 9 else "train"
        dialogue = f"made/{split}/dia{row // 12}"
        made.append(
            Demonstration(
                f"{dialogue}/utt{row % 12}", text, LABELS[row % 7], "made", dialogue, row % 12, split
            )
        )
    return made


def run(rows: int = 36_712, quick: bool = False) -> dict[str, Any]:
    """All figures of one run; times in seconds.

    Args:
        rows: Demonstrations in the store.
        quick: 3,000 of them at most, and fewer queries.
    """
    rows = min(rows, 3_000) if quick else rows
    queries, naive_queries, naive_texts = (2_000, 100, 100) if quick else (20_000, 400, 400)
    demonstrations = make_demonstrations(rows)
    embedder = Embedder("minilm")
    embedder.encode([row.text for row in demonstrations[:64]])  # the first call is slower; not ours to count

    built, build = clock(lambda: DemonstrationStore.build(demonstrations, embedder, progress=True))
    part = demonstrations[:: max(1, rows // naive_texts)][:naive_texts]
    kept, naive_build = clock(lambda: naive_store(part))
    parsed, naive_load = clock(lambda: np.array(json.loads(kept)["vectors"]))
    assert parsed.shape == (len(part), embedder.dimension)

    known = built.demonstrations
    with tempfile.TemporaryDirectory() as folder:
        _, save = clock(lambda: built.save(Path(folder) / "store"))
        _, load = clock(lambda: DemonstrationStore.load(Path(folder) / "store"))
        vectors = np.load(Path(folder) / "store" / "vectors.npy")
    asked = np.random.default_rng(0).integers(0, len(known), queries)
    excludes = [own(known[at]) for at in asked]
    built.search(vectors[asked[:512]], k=K, exclude=excludes[:512])
    founds, search = clock(lambda: built.search(vectors[asked], k=K, exclude=excludes))
    matrix, texts = vectors.astype(np.float64), [normalise_text(row.text) for row in known]
    ids, naive_search = clock(
        lambda: [naive_nearest(matrix, texts, known, int(at)) for at in asked[:naive_queries]]
    )
    same = [
        [hit.demonstration.id for hit in found.hits] == some for found, some in zip(founds, ids, strict=False)
    ]

    build_ratio = naive_build / len(part) / (build / rows)
    search_ratio = naive_search / naive_queries / (search / queries)
    return {
        "rows": rows,
        "build_seconds": build,
        "build_texts_per_second": rows / build,
        "naive_build_texts_per_second": len(part) / naive_build,
        "build_ratio": build_ratio,
        "queries": queries,
        "search_queries_per_second": queries / search,
        "naive_search_queries_per_second": naive_queries / naive_search,
        "search_ratio": search_ratio,
        "naive_json_megabytes": len(kept) / len(part) * rows / 1e6,
        "naive_load_seconds": naive_load / len(part) * rows,
        "store_megabytes": vectors.nbytes / 1e6,
        "save_seconds": save,
        "load_seconds": load,
        "same_answers": float(np.mean(same)),
        "peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def own(row: Demonstration) -> Exclude:
    return Exclude(
        frozenset({row.id}), frozenset({row.dialogue}), frozenset({row.text}), frozenset({"made/test"})
    )


def naive_store(demonstrations: list[Demonstration]) -> str:
    """One text at a time, vectors as JSON."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find_weights("minilm")), local_files_only=True)
    vectors = [model.encode(row.text, show_progress_bar=False).tolist() for row in demonstrations]
    return json.dumps({"vectors": vectors, "labels": [row.label for row in demonstrations]})


def naive_nearest(
    vectors: np.ndarray, texts: list[str], known: tuple[Demonstration, ...], at: int
) -> list[str]:
    """One query against everything, with the same exclusions: ids, best first."""
    row, query = known[at], vectors[at]
    cosines = vectors @ query  # of length 1 already: kinder than most
    ids: list[str] = []
    shown = {texts[at]}
    for near in np.argsort(-cosines, kind="stable"):
        other = known[near]
        if other.dialogue == row.dialogue or other.split == "test" or texts[near] in shown:
            continue
        shown.add(texts[near])
        ids.append(other.id)
        if len(ids) == K:
            break
    return ids


def clock(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=36_712)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    figures = run(given.rows, given.quick)
    for name, value in figures.items():
        print(f"{name:34}{value:12,.2f}" if isinstance(value, float) else f"{name:34}{value:12,}")


if __name__ == "__main__":
    main()
