"""The demonstration store: what was said with which feeling, found again by nearness. Retrieval never shows the answer.

Composes the rooms of this package; the work is in `rows`, `index`, `search` and `folder`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from retrieval_store.demonstration import Demonstration
from retrieval_store.embedder import Embedder, Encoder, Vectors
from retrieval_store.errors import StoreError
from retrieval_store.exclude import Exclude
from retrieval_store.folder import read_store, write_store
from retrieval_store.found import Found
from retrieval_store.index import Kind, VectorIndex, choose
from retrieval_store.rows import Rows
from retrieval_store.search import Question, search
from retrieval_store.select import Wish


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store holds. ``counts[source, domain, label]`` is a number of rows, ``skipped`` that of twins left out."""

    rows: int
    skipped: int
    index: str
    encoder: str
    dimension: int
    hash: str
    counts: dict[tuple[str, str, str], int]


class DemonstrationStore:
    """Demonstrations with their vectors. Made by `build` or `load`.

    >>> store = DemonstrationStore.build(demonstrations, Embedder("minilm"))      # doctest: +SKIP
    >>> store.search(["What?"], k=3, exclude=Exclude.nothing())[0].hits[0].label  # doctest: +SKIP
    'surprise'
    """

    def __init__(
        self, rows: Rows, index: VectorIndex, encoder_id: str, embedder: Encoder | None, skipped: int
    ) -> None:
        self._rows = rows
        self._index = index
        self._encoder_id = encoder_id
        self._embedder = embedder
        self._skipped = skipped
        self._hash: str | None = None

    @classmethod
    def build(
        cls,
        demonstrations: Iterable[Demonstration],
        embedder: Encoder,
        *,
        index: Kind | Literal["auto"] = "auto",
        progress: bool = False,
    ) -> "DemonstrationStore":
        """A store of all that differ.

        Twins (same text, conversation, speaker, label, source, split and domain under another id) are left out and
        counted in `info`.

        Args:
            demonstrations: What to remember.
            embedder: Makes the vectors; the store accepts no other later.
            index: How to search; "auto" chooses by the number of rows.
            progress: Shows a bar with the time left on stderr.

        Raises:
            StoreError: An id comes twice, or there is nothing to remember.
        """
        given = list(demonstrations)
        fresh = Rows().sift(given)
        if not fresh:
            raise StoreError("A store needs at least one demonstration, got none.")
        vectors = _encode(embedder, [demonstration.text for demonstration in fresh], progress)
        kind = choose(len(fresh)) if index == "auto" else index
        return cls(Rows(fresh), VectorIndex(kind, vectors), embedder.id, embedder, len(given) - len(fresh))

    @classmethod
    def load(cls, folder: Path | str, embedder: Encoder | None = None) -> "DemonstrationStore":
        """The store that `save` wrote: same rows, same answers.

        Args:
            folder: Where it lies.
            embedder: Encodes text queries; None makes the store's own when the first text is asked.

        Raises:
            StoreError: The folder is no store, was changed, or was made with another encoder.
        """
        manifest, rows, index = read_store(Path(folder))
        store = cls(rows, index, manifest.encoder, None, manifest.skipped)
        if embedder is not None:
            store._embedder = store._own(embedder)
        return store

    def save(self, folder: Path | str) -> None:
        """Writes the store as a folder, whole or not at all; an older store there is replaced.

        Raises:
            StoreError: The folder exists and is no store.
            OSError: The disk is full or may not be written to.
        """
        write_store(Path(folder), self._rows, self._index, self._encoder_id, self._skipped)

    def add(self, demonstrations: Iterable[Demonstration], *, progress: bool = False) -> int:
        """Appends what is not here yet and returns how many that were; nothing before is encoded again.

        The kind of index stays; build anew when a store has grown past the size its kind is good for.

        Raises:
            StoreError: An id is here already; then nothing is added.
        """
        given = list(demonstrations)
        fresh = self._rows.sift(given)
        if fresh:
            texts = [demonstration.text for demonstration in fresh]
            self._index.add(_encode(self.embedder, texts, progress))
            self._rows.append(fresh)
            self._hash = None
        self._skipped += len(given) - len(fresh)
        return len(fresh)

    def search(
        self,
        queries: Sequence[str] | Vectors,
        *,
        k: int,
        exclude: Exclude | Sequence[Exclude],
        relabel: Callable[[str], str | None] | None = None,
        where: Mapping[str, str | Collection[str]] | None = None,
        mmr: float | None = None,
        per_label: int | None = None,
    ) -> list[Found]:
        """The nearest demonstrations that may be shown, for each query.

        No two hits of a query have the same text. Fewer than k come back where no more may be shown.

        Args:
            queries: Texts, or their vectors (Q, D).
            k: Demonstrations per query.
            exclude: What must not be shown, for all queries or one per query. It has no default on purpose.
            relabel: How a stored label reads for the corpus that asks (`LabelSet.translate`); None: not shown.
            where: Per field (source, domain, split, label as stored, speaker) the word or words to keep.
            mmr: 0..1, weight of nearness against variety; None is nearness alone.
            per_label: At most so many hits of one label, as it reads for the asker.

        Raises:
            StoreError: Something asked for cannot be; the message says what.
        """
        if isinstance(queries, str):
            raise StoreError(
                f"Expected a list of queries, got one text: {queries[:40]!r}. Put it into a list."
            )
        question = Question.of(self._rows, Wish(k, per_label, mmr), relabel, where)
        excludes = [exclude] * len(queries) if isinstance(exclude, Exclude) else list(exclude)
        if len(excludes) != len(queries):
            raise StoreError(
                f"Expected one Exclude for all or one per query, got {len(excludes)} for {len(queries)} queries."
            )
        if not len(queries):
            return []
        vectors = self._unit(queries) if isinstance(queries, np.ndarray) else self._vectors(queries)
        return search(self._rows, self._index, vectors, excludes, question)

    def info(self) -> StoreInfo:
        counts = Counter((row.source, row.domain, row.label) for row in self._rows.demonstrations)
        return StoreInfo(
            len(self),
            self._skipped,
            self._index.kind,
            self._encoder_id,
            self.dimension,
            self.hash,
            dict(sorted(counts.items())),
        )

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def demonstrations(self) -> tuple[Demonstration, ...]:
        """All rows, in the order in which they were added."""
        return tuple(self._rows.demonstrations)

    @property
    def dimension(self) -> int:
        return int(self._index.vectors.shape[1])

    @property
    def hash(self) -> str:
        """SHA-256 of the rows in their order; with the encoder's id it says which store this is."""
        if self._hash is None:
            self._hash = self._rows.hash()
        return self._hash

    @property
    def embedder(self) -> Encoder:
        """What encodes the queries; made from the store's encoder id when none was given.

        Raises:
            StoreError: The encoder is not on this machine, or is another one than the store's.
        """
        if self._embedder is None:
            try:
                own = Embedder(self._encoder_id.rpartition("@")[0] or self._encoder_id)
            except StoreError as error:
                raise StoreError(
                    f"Texts are encoded with {self._encoder_id} here; give it to load(..., embedder=...). {error}"
                ) from None
            self._embedder = self._own(own)
        return self._embedder

    def _own(self, embedder: Encoder) -> Encoder:
        same = _weights(embedder.id) == _weights(self._encoder_id)  # wherever they lie on this machine
        if not same or embedder.dimension != self.dimension:
            raise StoreError(
                f"This store was made with the encoder {self._encoder_id} ({self.dimension} dimensions), got {embedder.id} "
                f"({embedder.dimension}). Take that encoder, or build the store again."
            )
        return embedder

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        """(Q, D); a text that is remembered here has its vector already, as every training utterance has."""
        known = {row.text: at for at, row in enumerate(self._rows.demonstrations)}
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        encoded = dict(zip(fresh, _encode(self.embedder, fresh), strict=True)) if fresh else {}
        vectors = self._index.vectors
        return np.stack([encoded[text] if text in encoded else vectors[known[text]] for text in texts])

    def _unit(self, queries: Vectors) -> Vectors:
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise StoreError(f"Expected query vectors (Q, {self.dimension}), got {queries.shape}.")
        lengths = np.linalg.norm(queries, axis=1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise StoreError("Expected query vectors with finite numbers and some length, got one without.")
        return np.ascontiguousarray(queries / lengths, dtype=np.float32)


def _weights(encoder_id: str) -> str:
    return encoder_id.rpartition("@")[2]


def _encode(embedder: Encoder, texts: Sequence[str], progress: bool = False) -> Vectors:
    """(N, D); a text that comes many times ("Yeah.") is encoded once."""
    place = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    vectors = embedder.encode(list(place), progress=progress)
    lengths = np.linalg.norm(vectors, axis=-1)
    if vectors.shape != (len(place), embedder.dimension) or not (np.abs(lengths - 1) < 1e-3).all():
        raise StoreError(
            f"Encoder {embedder.id}: expected {len(place)} vectors of {embedder.dimension} numbers and length 1, "
            f"got {vectors.shape} of lengths {lengths.min():.3g} to {lengths.max():.3g}."
        )
    return vectors[[place[text] for text in texts]]
