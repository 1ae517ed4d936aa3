"""The three kinds of index: what they find of what is there, and that they find it again."""

from pathlib import Path

import numpy as np
import pytest

from retrieval_store import KINDS, StoreError
from retrieval_store.index import Kind, VectorIndex, choose


def clustered(rows: int, dimension: int = 64, clusters: int = 100, seed: int = 0) -> np.ndarray:
    """Unit vectors around some centres, as sentences lie around topics: (N, D)."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((clusters, dimension))
    vectors = centres[random.integers(0, clusters, rows)] + 0.8 * random.standard_normal((rows, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def recall(index: VectorIndex, exact: VectorIndex, queries: np.ndarray, k: int) -> float:
    """The share of the k true neighbours that the index finds."""
    found, true = index.search(queries, k)[1], exact.search(queries, k)[1]
    return float(
        np.mean([len(set(ours) & set(theirs)) / k for ours, theirs in zip(found, true, strict=True)])
    )


@pytest.mark.parametrize(("kind", "floor"), [("flat", 1.0), ("hnsw", 0.97), ("ivfpq", 0.85)])
def test_an_index_finds_nearly_all_of_the_true_neighbours(kind: Kind, floor: float) -> None:
    vectors, queries = clustered(5000), clustered(200, seed=1)
    assert recall(VectorIndex(kind, vectors), VectorIndex("flat", vectors), queries, 16) >= floor


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_exact_cosines_whatever_the_index_is_made_of(kind: Kind) -> None:
    vectors, queries = clustered(2000), clustered(50, seed=1)
    scores, rows = VectorIndex(kind, vectors).search(queries, 5)
    np.testing.assert_allclose(scores, np.einsum("qd,qkd->qk", queries, vectors[rows]), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_same_vectors_same_answers_also_after_a_reload_and_an_addition(kind: Kind, tmp_path: Path) -> None:
    vectors, queries = clustered(3000), clustered(50, seed=1)
    first, second = VectorIndex(kind, vectors[:2500]), VectorIndex(kind, vectors[:2500])
    second.save(tmp_path / "index")
    second = VectorIndex.load(kind, second.vectors.copy(), tmp_path / "index")
    for index in (first, second):
        index.add(vectors[2500:])
        assert (index.vectors == vectors).all()
    for ours, theirs in zip(first.search(queries, 10), second.search(queries, 10), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_one_thread_and_many_build_the_same_graph() -> None:
    """Older faiss let the threads race for it; an answer would then change from one run to the next."""
    import faiss

    vectors, queries, threads = clustered(3000), clustered(100, seed=1), faiss.omp_get_max_threads()
    answers = []
    try:
        for count in (1, 4, 4):
            faiss.omp_set_num_threads(count)
            answers.append(VectorIndex("hnsw", vectors).search(queries, 10))
    finally:
        faiss.omp_set_num_threads(threads)
    for scores, rows in answers[1:]:
        np.testing.assert_array_equal(rows, answers[0][1])
        np.testing.assert_array_equal(scores, answers[0][0])


@pytest.mark.parametrize("kind", ["hnsw", "ivfpq"])
def test_an_index_of_other_vectors_is_refused(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "index"
    VectorIndex(kind, clustered(400)).save(path)
    with pytest.raises(StoreError, match=r"expected an \w+ index of 300 vectors of 64, got Index\w+ of 400"):
        VectorIndex.load(kind, clustered(300), path)
    path.write_bytes(b"no index")
    with pytest.raises(StoreError, match="not an index that this faiss can read"):
        VectorIndex.load(kind, clustered(400), path)


def test_too_few_vectors_to_learn_from_are_refused() -> None:
    with pytest.raises(StoreError, match=r"at least 256 demonstrations, got 100\. Use index='flat'"):
        VectorIndex("ivfpq", clustered(100))


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(StoreError, match="kind flat, hnsw, ivfpq or auto, got 'tree'"):
        VectorIndex("tree", clustered(10))  # type: ignore[arg-type]


def test_the_kind_follows_the_size() -> None:
    """The paper's store of 36,712 is searched exactly."""
    assert [choose(rows) for rows in (1, 36_712, 199_999, 200_000, 2_000_000)] == [
        "flat",
        "flat",
        "flat",
        "hnsw",
        "ivfpq",
    ]
