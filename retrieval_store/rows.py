"""The demonstrations of a store as numbered rows, and each of their words as a number, for comparing by the thousand.

Knows nothing of vectors. A *column* maps the words of one field to codes; code -1 stands for a word no row has.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from retrieval_store.demonstration import Demonstration
from retrieval_store.errors import StoreError
from retrieval_store.exclude import normalise_text

Codes = npt.NDArray[np.int64]

FILTERS = ("source", "domain", "split", "label", "speaker")
COLUMNS = (*FILTERS, "id", "dialogue", "text", "origin")


@dataclass(slots=True)
class Column:
    """The words of one field: ``codes[row]`` is the number of the word, ``code_of[word]`` the same number."""

    code_of: dict[str, int] = field(default_factory=dict)
    codes: Codes = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def extend(self, words: Iterable[str]) -> None:
        fresh = [self.code_of.setdefault(word, len(self.code_of)) for word in words]
        self.codes = np.append(self.codes, np.array(fresh, dtype=np.int64))

    def find(self, words: Iterable[str]) -> list[int]:
        """The codes of those words that occur, ascending."""
        return sorted({self.code_of[word] for word in words if word in self.code_of})


class Rows:
    """Demonstrations in the order in which they were added."""

    def __init__(self, demonstrations: Iterable[Demonstration] = ()) -> None:
        self.demonstrations: list[Demonstration] = []
        self.columns = {name: Column() for name in COLUMNS}
        self._twins: set[tuple[str, ...]] = set()
        self.append(list(demonstrations))

    def __len__(self) -> int:
        return len(self.demonstrations)

    def append(self, demonstrations: list[Demonstration]) -> None:
        self.demonstrations.extend(demonstrations)
        for name in COLUMNS:
            self.columns[name].extend(_word(demonstration, name) for demonstration in demonstrations)
        self._twins.update(map(_twin_key, demonstrations))

    def sift(self, demonstrations: Iterable[Demonstration]) -> list[Demonstration]:
        """Those that are not here yet, in their order; changes nothing.

        A twin of an earlier row, with the same text and the same conversation, speaker, label, source, split and
        domain, is left out: whatever a search may show or must not show, one of the two is enough.

        Raises:
            StoreError: An id is here already or comes twice.
        """
        fresh: list[Demonstration] = []
        ids, twins = set(self.columns["id"].code_of), set(self._twins)
        for demonstration in demonstrations:
            if demonstration.id in ids:
                raise StoreError(
                    f"Demonstration {demonstration.id!r}: this id is in the store already or comes twice. Ids must differ; "
                    "was the same file added before?"
                )
            ids.add(demonstration.id)
            if (key := _twin_key(demonstration)) not in twins:
                twins.add(key)
                fresh.append(demonstration)
        return fresh

    def where(self, filters: Mapping[str, str | Collection[str]]) -> npt.NDArray[np.bool_]:
        """Which rows have, in every named field, one of the words (N).

        Raises:
            StoreError: An unknown field, or a word that no demonstration has there.
        """
        kept = np.ones(len(self), dtype=np.bool_)
        for name, words in filters.items():
            if name not in FILTERS:
                raise StoreError(f"Cannot filter demonstrations by {name!r}. Known: {', '.join(FILTERS)}.")
            column = self.columns[name]
            wanted = [words] if isinstance(words, str) else sorted(words)
            for word in wanted:
                if word not in column.code_of:
                    known = sorted(column.code_of)
                    some = ", ".join(map(repr, known[:20])) + (", ..." if len(known) > 20 else "")
                    raise StoreError(f"No demonstration in the store has {name} {word!r}. Known: {some}.")
            kept &= np.isin(column.codes, column.find(wanted))
        return kept

    def hash(self) -> str:
        """SHA-256 of all rows in their order."""
        digest = hashlib.sha256()
        for demonstration in self.demonstrations:
            digest.update(demonstration.to_json().encode() + b"\n")
        return digest.hexdigest()


def _word(demonstration: Demonstration, column: str) -> str:
    if column == "text":
        return normalise_text(demonstration.text)
    word: str = getattr(demonstration, column)
    return word


def _twin_key(demonstration: Demonstration) -> tuple[str, ...]:
    return tuple(_word(demonstration, name) for name in COLUMNS if name not in ("id", "origin"))
