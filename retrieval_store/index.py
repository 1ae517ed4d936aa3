"""Nearest vectors. The only file that knows faiss; knows nothing of texts, labels or what may be shown.

Letters: N vectors in the index, Q queries, D dimensions, K neighbours asked for.

Three kinds, all over one exact copy of the vectors, the *storage*: ``flat`` compares with every vector; ``hnsw`` walks a
graph of neighbours; ``ivfpq`` looks into the nearest cells, at vectors shortened to a few bytes. The last two may miss a
neighbour. None decides the order: every proposal is scored again from the exact vectors, which also makes a score
independent of the batch that a query came in (faiss takes another summation order from 20 queries on).
"""

import math
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from retrieval_store.embedder import Vectors
from retrieval_store.errors import StoreError

Rows = npt.NDArray[np.int64]
Kind = Literal["flat", "hnsw", "ivfpq"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_LINKS = 32  # edges per vector of the HNSW graph
_EF_BUILD = 100
_EF_SEARCH = 96
_BYTE_DIMENSIONS = 8  # dimensions that share one byte of a shortened vector
_SCORED_AGAIN = 8  # ivfpq: proposals per neighbour asked for
_GATHERED = 1 << 13  # vectors copied at once to be scored again


def choose(rows: int) -> Kind:
    """The kind for a size (README, "Which index").

    Reckoned for two cores and 384 dimensions: up to 200,000 vectors a flat search answers over a thousand queries a second
    and misses nothing; up to two million a graph is built in minutes; beyond, cells are learned from a sample.

    >>> choose(36_712), choose(500_000), choose(5_000_000)
    ('flat', 'hnsw', 'ivfpq')
    """
    return "flat" if rows < 200_000 else "hnsw" if rows < 2_000_000 else "ivfpq"


class VectorIndex:
    """Vectors of length 1 that can be searched, added to, saved and loaded. Same vectors in, same answers out: the
    cells are learned from a fixed seed, and from faiss 1.15 on any number of threads builds the same graph.

    Args:
        kind: See the file's first lines.
        vectors: (N, D); ``ivfpq`` learns its cells from these, once. Later additions are sorted into them.

    Raises:
        StoreError: faiss is not installed, the kind is unknown, or too few vectors to learn ``ivfpq`` from.
    """

    def __init__(self, kind: Kind, vectors: Vectors) -> None:
        faiss = _faiss()
        if kind not in KINDS:
            raise StoreError(f"Expected an index of kind {', '.join(KINDS)} or auto, got {kind!r}.")
        self.kind: Kind = kind
        self._storage = faiss.IndexFlatIP(vectors.shape[1])
        self._guide: Any = None  # the graph or the cells; none for flat
        if kind == "hnsw":
            self._guide = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
            self._guide.hnsw.efConstruction = _EF_BUILD
            self._storage = faiss.downcast_index(self._guide.storage)
        elif kind == "ivfpq":
            self._guide = _learn_cells(vectors)
        self.add(vectors)

    def __len__(self) -> int:
        return int(self._storage.ntotal)

    @property
    def vectors(self) -> Vectors:
        """(N, D), a view into the index: valid until the next ``add``."""
        faiss = _faiss()
        shape = (len(self), int(self._storage.d))
        flat: Vectors = faiss.rev_swig_ptr(self._storage.get_xb(), shape[0] * shape[1])
        return flat.reshape(shape)

    def add(self, vectors: Vectors) -> None:
        """Appends (M, D); their rows follow the last one."""
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if self.kind != "hnsw":
            self._storage.add(vectors)
        if self._guide is not None:
            self._guide.add(vectors)  # a graph adds to the storage too, which is its own

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Rows]:
        """The k nearest of each query, as far as the kind finds them.

        Args:
            queries: (Q, D) of length 1.
            k: K, at most N.

        Returns:
            Cosines (Q, K), descending only by faiss' own scores, and rows (Q, K); -inf and -1 where fewer were found.
        """
        faiss = _faiss()
        if self.kind == "flat":
            _, rows = self._storage.search(queries, k)
        elif self.kind == "hnsw":
            reach = faiss.SearchParametersHNSW(efSearch=max(_EF_SEARCH, 2 * k))
            _, rows = self._guide.search(queries, k, params=reach)
        else:
            reach = faiss.SearchParametersIVF(nprobe=max(1, self._guide.nlist // 16))
            _, rows = self._guide.search(queries, min(len(self), _SCORED_AGAIN * k), params=reach)
        scores = np.empty(rows.shape, dtype=np.float32)
        step = max(1, _GATHERED // rows.shape[1])
        for at in range(0, len(rows), step):
            near = self.vectors[rows[at : at + step]]
            np.einsum("qd,qkd->qk", queries[at : at + step], near, out=scores[at : at + step])
        scores[rows < 0] = -np.inf
        if rows.shape[1] > k:
            best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            return np.take_along_axis(scores, best, axis=1), np.take_along_axis(rows, best, axis=1)
        return scores, rows

    def save(self, path: Path) -> None:
        """Writes the graph or the cells, not the vectors; ``flat`` has nothing to write.

        Raises:
            OSError: The disk is full or may not be written to.
        """
        faiss = _faiss()
        if self._guide is None:
            return
        try:
            faiss.write_index(self._guide, str(path), faiss.IO_FLAG_SKIP_STORAGE)
        except RuntimeError as error:
            raise OSError(f"{path}: could not be written ({error}).") from None

    @classmethod
    def load(cls, kind: Kind, vectors: Vectors, path: Path) -> "VectorIndex":
        """The index that ``save`` wrote, over its vectors (N, D); nothing is learned or built again.

        Raises:
            StoreError: The file does not belong to these vectors.
        """
        if kind == "flat":
            return cls(kind, vectors)
        faiss = _faiss()
        try:
            guide = faiss.read_index(str(path))
        except RuntimeError as error:
            raise StoreError(
                f"{path}: not an index that this faiss can read ({error}). Build the store again."
            ) from None
        expected = faiss.IndexHNSWFlat if kind == "hnsw" else faiss.IndexIVFPQ
        if not isinstance(guide, expected) or (guide.ntotal, guide.d) != vectors.shape:
            raise StoreError(
                f"{path}: expected an {kind} index of {vectors.shape[0]} vectors of {vectors.shape[1]}, got "
                f"{type(guide).__name__} of {guide.ntotal} vectors of {guide.d}. Build the store again."
            )
        index = cls.__new__(cls)
        index.kind, index._guide = kind, guide
        index._storage = faiss.IndexFlatIP(vectors.shape[1])
        index._storage.add(np.ascontiguousarray(vectors, dtype=np.float32))
        if kind == "hnsw":
            guide.storage = index._storage
            guide.own_fields = False  # Python owns the storage; freed twice otherwise
        return index


def _learn_cells(vectors: Vectors) -> Any:
    """An empty IVF-PQ index whose cells are learned from the vectors."""
    faiss = _faiss()
    rows, width = vectors.shape
    if rows < 256:
        raise StoreError(
            f"An ivfpq index learns from at least 256 demonstrations, got {rows}. Use index='flat'."
        )
    pieces = next(pieces for pieces in range(max(1, width // _BYTE_DIMENSIONS), 0, -1) if width % pieces == 0)
    cells = max(1, min(int(4 * math.sqrt(rows)), rows // 39))  # faiss wants 39 vectors per cell to learn from
    index = faiss.IndexIVFPQ(faiss.IndexFlatIP(width), width, cells, pieces, 8, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = index.pq.cp.seed = 1234
    index.pq.cp.min_points_per_centroid = 1  # a small store is the user's choice, not worth a warning
    index.train(np.ascontiguousarray(vectors, dtype=np.float32))
    return index


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError:
        raise StoreError(
            "Searching needs faiss, which is not installed: pip install 'prc-emo[cpu]' (or 'prc-emo[gpu]' with CUDA)."
        ) from None
    return faiss
