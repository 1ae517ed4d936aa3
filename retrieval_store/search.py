"""From query vectors to what may be shown: ask the index, bar what must not be seen, select, ask for more if short.

Letters: Q queries, N rows, F candidates fetched per query, D dimensions.

The answer is the one that sorting all N rows would give (for ``flat``; the other kinds may miss a neighbour): scores are
rounded to a millionth, equal scores go to the lower row, and a candidate counts only when it is clearly nearer than the
last one fetched, since of equals at the end of a fetch the index may bring any.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrieval_store.embedder import Vectors
from retrieval_store.exclude import Exclude, normalise_text
from retrieval_store.found import REASONS, Excluded, Found, Hit, Reason
from retrieval_store.index import VectorIndex
from retrieval_store.rows import Codes, Rows
from retrieval_store.select import Candidates, Wish, select

Reasons = npt.NDArray[np.int8]
Scores = npt.NDArray[np.float64]

_CODE: dict[Reason, int] = {reason: at for at, reason in enumerate(REASONS, start=1)}  # 0: may be shown
# the column that a field of `Exclude` names; where several bar a row, the last one has the say
_BARS: tuple[tuple[str, str, Reason], ...] = (
    ("origin", "splits", "evaluation split"),
    ("text", "texts", "same text"),
    ("dialogue", "dialogues", "same dialogue"),
    ("id", "ids", "same utterance"),
)
# asked of the index at once: faiss divides a large batch among threads far better than small ones
_QUERIES = 4096
_CELLS = 1 << 20  # candidates held at once


@dataclass(frozen=True, slots=True)
class Question:
    """What holds for all queries of one search.

    Args:
        words: The labels as they read for the asker.
        word_of: Per label code of the store, the place of its word; -1 where it has none.
        standing: (N) the reason why a row is shown to nobody here, 0 for none.
        wish: How many and how different.
    """

    words: list[str]
    word_of: Codes
    standing: Reasons
    wish: Wish

    @classmethod
    def of(
        cls,
        rows: Rows,
        wish: Wish,
        relabel: Callable[[str], str | None] | None,
        where: Mapping[str, str | Collection[str]] | None,
    ) -> "Question":
        column = rows.columns["label"]
        read = [label if relabel is None else relabel(label) for label in column.code_of]
        words = sorted({word for word in read if word is not None})
        word_of = np.array([-1 if word is None else words.index(word) for word in read], dtype=np.int64)
        standing = np.zeros(len(rows), dtype=np.int8)
        if where:
            standing[~rows.where(where)] = _CODE["filtered"]
        standing[word_of[column.codes] < 0] = _CODE["no such label here"]
        return cls(words, word_of, standing, wish)


def search(
    rows: Rows, index: VectorIndex, queries: Vectors, excludes: Sequence[Exclude], question: Question
) -> list[Found]:
    """One answer per query.

    Args:
        rows: The store's rows.
        index: Their vectors.
        queries: (Q, D) of length 1.
        excludes: One per query; the same object may stand for many.
        question: Labels, filters and number.
    """
    founds: list[Found | None] = [None] * len(queries)
    excluder = _Excluder(rows)
    allowed = max(1, int((question.standing == 0).sum()))
    fetch = max(16, 4 * question.wish.k, 2 * question.wish.pool) * len(rows) // allowed
    # beyond so many, comparing with every row is quicker, and exact
    widest = min(max(1024, len(rows) // 64), len(rows) - 1)
    # "Yeah." is asked many times and has many equals to get past: equal questions share one look into the index
    first: dict[bytes, int] = {}
    same_as = np.array([first.setdefault(query.tobytes(), at) for at, query in enumerate(queries)])
    open_ = np.argsort(same_as, kind="stable")
    while len(open_):
        exhausted = fetch > widest
        step = max(1, min(_QUERIES, _CELLS // (len(rows) if exhausted else fetch)))
        for part in (open_[at : at + step] for at in range(0, len(open_), step)):
            distinct, back = np.unique(same_as[part], return_inverse=True)
            asked = queries[distinct]
            scores, near = _everything(index, asked) if exhausted else _nearest(index, asked, fetch)
            scores, near = scores[back], near[back]
            reasons = excluder.reasons(near, [excludes[at] for at in part], question.standing)
            answers = _answers(rows, index, scores, near, reasons, question, exhausted)
            for at, found in zip(part, answers, strict=True):
                founds[at] = found
        open_ = np.array([at for at in open_ if founds[at] is None], dtype=np.int64)
        fetch *= 4
    return [found for found in founds if found is not None]


def _nearest(index: VectorIndex, queries: Vectors, fetch: int) -> tuple[Scores, Codes]:
    """The nearest candidates the index proposes, ranked: scores and rows (Q, F), row -1 where there is none."""
    cosines, rows = index.search(queries, fetch)
    scores = cosines.astype(np.float64).round(6)
    order = np.lexsort((rows, -scores))
    scores, rows = np.take_along_axis(scores, order, axis=1), np.take_along_axis(rows, order, axis=1)
    # of equals at the end the index may bring any; two millionths are more than two ways to sum can differ by
    return scores, np.where(scores > scores[:, -1:] + 2e-6, rows, -1)


def _everything(index: VectorIndex, queries: Vectors) -> tuple[Scores, Codes]:
    """All rows, ranked: scores and rows (Q, N)."""
    scores = np.einsum("qd,nd->qn", queries, index.vectors).astype(np.float64).round(6)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(scores, order, axis=1), order


class _Excluder:
    """Looks up what `Exclude` names, once per set of names."""

    def __init__(self, rows: Rows) -> None:
        self._columns = rows.columns
        self._known: dict[tuple[str, frozenset[str]], list[int]] = {}

    def reasons(self, near: Codes, excludes: Sequence[Exclude], standing: Reasons) -> Reasons:
        """Why each candidate (Q, F) may not be shown, 0 if it may; the first reason of `REASONS` that applies."""
        distinct = {id(exclude): exclude for exclude in excludes}
        group_of = {key: at for at, key in enumerate(distinct)}
        groups = np.array([group_of[id(exclude)] for exclude in excludes])[:, None]  # (Q, 1)
        reasons = standing[near]
        reasons[near < 0] = -1  # no candidate; whatever the columns say of it below, it is not shown
        for column, field, reason in _BARS:
            names = [getattr(exclude, field) for exclude in distinct.values()]
            reasons[self._barred(column, near, groups, names)] = _CODE[reason]
        return reasons

    def _barred(
        self, column: str, near: Codes, groups: Codes, names: Sequence[frozenset[str]]
    ) -> npt.NDArray[np.bool_]:
        """Which candidates (Q, F) have one of their query's names in the column."""
        size = len(self._columns[column].code_of)
        # pairs (group, code) as one ascending list of numbers, looked up by halving
        pairs = [at * size + code for at, some in enumerate(names) for code in self._codes(column, some)]
        barred = np.array(pairs, dtype=np.int64)
        if not len(barred):
            return np.zeros(near.shape, dtype=np.bool_)
        wanted = self._columns[column].codes[near] + groups * size
        place = np.searchsorted(barred, wanted).clip(max=len(barred) - 1)
        return barred[place] == wanted

    def _codes(self, column: str, names: frozenset[str]) -> list[int]:
        if (column, names) not in self._known:
            words = map(normalise_text, names) if column == "text" else names - {""}  # "" is no conversation
            self._known[column, names] = self._columns[column].find(words)
        return self._known[column, names]


def _answers(
    rows: Rows,
    index: VectorIndex,
    scores: Scores,
    near: Codes,
    reasons: Reasons,
    question: Question,
    exhausted: bool,
) -> list[Found | None]:
    """An answer per query, None where more candidates are needed."""
    vectors = index.vectors
    labels = question.word_of[rows.columns["label"].codes[near]]
    texts = rows.columns["text"].codes[near]
    # plain lists: a handful of numbers per query is read quicker by Python than through numpy
    tables = zip(*(table.tolist() for table in (scores, near, reasons, labels, texts)), strict=True)
    answers: list[Found | None] = []
    for table in tables:
        candidates = Candidates(*table)
        shown = select(candidates, question.wish, vectors, exhausted)
        answers.append(None if shown is None else _found(rows, candidates, shown, question))
    return answers


def _found(rows: Rows, candidates: Candidates, shown: list[int], question: Question) -> Found:
    known = rows.demonstrations
    hits = [
        Hit(known[candidates.rows[at]], question.words[candidates.labels[at]], candidates.scores[at])
        for at in shown
    ]
    texts = {candidates.texts[at] for at in shown}
    labels = [candidates.labels[at] for at in shown]
    excluded = []
    for at in range(max(shown) if shown else min(question.wish.k, len(candidates.rows))):
        if at in shown:
            continue
        if code := candidates.reasons[at]:
            reason = REASONS[code - 1]
        elif candidates.texts[at] in texts:
            reason = "repeated"
        elif labels.count(candidates.labels[at]) == question.wish.per_label:
            reason = "quota"
        else:
            reason = "too alike"
        excluded.append(Excluded(known[candidates.rows[at]], candidates.scores[at], reason))
    return Found(tuple(hits), tuple(excluded))
