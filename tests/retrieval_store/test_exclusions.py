"""What must not be shown is not shown, is counted, and costs no allowed neighbour its place."""

from collections.abc import Callable

import numpy as np
import pytest
from retrieval_store_kit import LetterPairs, talk

from retrieval_store import (
    Demonstration,
    DemonstrationStore,
    Exclude,
    StoreError,
    count_excluded,
    normalise_text,
)

EVALUATED = frozenset({"tiny/test"})


def own(row: Demonstration) -> Exclude:
    """What an utterance in training must not see."""
    return Exclude(frozenset({row.id}), frozenset({row.dialogue}), frozenset({row.text}), EVALUATED)


def test_a_search_without_saying_what_to_exclude_is_no_search(store: DemonstrationStore) -> None:
    with pytest.raises(TypeError, match="exclude"):
        store.search(["Rain."], k=3)  # type: ignore[call-arg]


def test_the_own_conversation_text_and_evaluation_split_never_come_back(store: DemonstrationStore) -> None:
    """The paper's figures mean nothing if the answer, or its conversation, stands among the demonstrations."""
    rows = store.demonstrations
    founds = store.search([row.text for row in rows], k=3, exclude=[own(row) for row in rows])
    for row, found in zip(rows, founds, strict=True):
        assert len(found.hits) == 3
        for hit in found.hits:
            shown = hit.demonstration
            assert shown.id != row.id and shown.dialogue != row.dialogue
            assert normalise_text(shown.text) != normalise_text(row.text)
            assert shown.split != "test"
    counts = count_excluded(founds)
    assert counts["same utterance"] >= 0.9 * len(rows)  # the premise: all of them would have come
    assert {"same utterance", "same dialogue", "same text", "evaluation split"} <= set(counts)


def test_all_of_it_agrees_with_sorting_everything_by_hand(
    store: DemonstrationStore, encoder: LetterPairs
) -> None:
    """Batches, growing fetches and number codes are an economy: the answer is the plain one."""
    rows = store.demonstrations
    kinds = {"joy": "happy", "sadness": "sad", "anger": None, "neutral": "neutral"}
    queries = [row.text for row in rows[::3]] + ["Tea?", "Never again the door key."]
    excludes = [own(row) for row in rows[::3]] + [Exclude.nothing()] * 2
    founds = store.search(queries, k=4, exclude=excludes, relabel=kinds.get, where={"speaker": "Ann"})
    vectors = encoder.encode([row.text for row in rows])
    for query, exclude, found in zip(queries, excludes, founds, strict=True):
        hits, excluded = by_hand(vectors, rows, encoder.encode([query])[0], exclude, kinds.get, 4)
        assert [(hit.demonstration.id, hit.label) for hit in found.hits] == hits
        assert [(row.demonstration.id, row.reason) for row in found.excluded] == excluded


def by_hand(
    vectors: np.ndarray,
    rows: tuple[Demonstration, ...],
    query: np.ndarray,
    exclude: Exclude,
    relabel: Callable[[str], str | None],
    k: int,
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    scores = np.einsum("d,nd->n", query, vectors).round(6)
    hits: list[tuple[str, str]] = []
    excluded: list[tuple[str, str]] = []
    seen: set[str] = set()
    waiting: list[tuple[str, str]] = []
    for at in sorted(range(len(rows)), key=lambda at: (-scores[at], at)):
        row, text = rows[at], normalise_text(rows[at].text)
        reason = (
            "same utterance"
            if row.id in exclude.ids
            else "same dialogue"
            if row.dialogue in exclude.dialogues
            else "same text"
            if text in {normalise_text(text) for text in exclude.texts}
            else "evaluation split"
            if row.origin in exclude.splits
            else "no such label here"
            if relabel(row.label) is None
            else "filtered"
            if row.speaker != "Ann"
            else "repeated"
            if text in seen
            else None
        )
        if reason:
            waiting.append((row.id, reason))
            continue
        excluded += waiting
        waiting = []
        seen.add(text)
        hits.append((row.id, str(relabel(row.label))))
        if len(hits) == k:
            break
    return hits, excluded


def test_a_sentence_said_two_thousand_times_hides_no_other(encoder: LetterPairs) -> None:
    """More copies than any fetch brings: the search goes on until it has k or has seen everything."""
    copies = [Demonstration(f"a/{at}", "Yeah!", "joy", "tiny", f"a{at}", 0, "train") for at in range(2000)]
    others = [
        Demonstration(f"b/{at}", f"Yeah, {word}.", "joy", "tiny", "b")
        for at, word in enumerate(["tea", "rain"])
    ]
    store = DemonstrationStore.build(copies + others, encoder)
    (found,) = store.search(["yeah"], k=3, exclude=Exclude(texts=frozenset({"YEAH..."})))
    assert {hit.demonstration.id for hit in found.hits} == {"b/0", "b/1"}
    assert count_excluded([found]) == {"same text": 2000}
    (found,) = store.search(["yeah"], k=3, exclude=Exclude.nothing())
    assert [hit.demonstration.id for hit in found.hits] == ["a/0", "b/0", "b/1"]  # of equals, the first row
    assert count_excluded([found]) == {"repeated": 1999}


def test_of_equals_the_first_row_is_shown_whichever_the_index_brings(encoder: LetterPairs) -> None:
    """Forty copies tie for sixteen places; faiss does not promise which of them it brings."""
    others = [
        Demonstration(f"b/{at}", f"{word} tea.", "joy", "tiny") for at, word in enumerate(["Door", "Key"])
    ]
    for copies in (20, 40, 300):
        rows = [Demonstration(f"a/{at}", "Yeah.", "joy", "tiny", f"a{at}") for at in range(copies)]
        store = DemonstrationStore.build(others + rows, encoder)
        (found,) = store.search(["Yeah."], k=1, exclude=Exclude.nothing())
        assert found.hits[0].demonstration.id == "a/0" and not found.excluded
        (found,) = store.search(["Yeah."], k=1, exclude=Exclude(ids=frozenset({"a/0"})))
        assert found.hits[0].demonstration.id == "a/1"


def test_a_query_gets_the_same_answer_alone_as_among_others(store: DemonstrationStore) -> None:
    rows = store.demonstrations[:40]
    together = store.search([row.text for row in rows], k=3, exclude=[own(row) for row in rows])
    alone = [store.search([row.text], k=3, exclude=own(row))[0] for row in rows]
    assert together == alone


def test_where_nothing_may_be_shown_the_list_is_empty_and_says_why(store: DemonstrationStore) -> None:
    (found,) = store.search(["Rain."], k=2, exclude=Exclude(splits=frozenset({"tiny/train", "tiny/test"})))
    assert found.hits == ()
    assert [excluded.reason for excluded in found.excluded] == ["evaluation split"] * 2


def test_a_short_store_gives_a_short_list(encoder: LetterPairs) -> None:
    store = DemonstrationStore.build(talk(1), encoder)
    (found,) = store.search(["Rain."], k=50, exclude=Exclude.nothing())
    assert 0 < len(found.hits) <= 6


def test_sentences_without_a_conversation_do_not_exclude_each_other(encoder: LetterPairs) -> None:
    rows = [
        Demonstration(f"written/{at}", text, "joy", "written") for at, text in enumerate(["Rain.", "Train."])
    ]
    store = DemonstrationStore.build(rows, encoder)
    (found,) = store.search(
        ["Rain."], k=2, exclude=Exclude(dialogues=frozenset({""}), ids=frozenset({"written/0"}))
    )
    assert [hit.demonstration.id for hit in found.hits] == ["written/1"]


def test_names_the_store_does_not_hold_exclude_nothing(store: DemonstrationStore) -> None:
    some = frozenset({"no such name"})
    assert store.search(["Rain."], k=3, exclude=Exclude(some, some, some, some)) == store.search(
        ["Rain."], k=3, exclude=Exclude.nothing()
    )


def test_a_single_name_is_not_taken_for_a_set_of_letters() -> None:
    """It would exclude nothing, silently."""
    with pytest.raises(StoreError, match="ids should be a frozenset of names, got 'tiny/c0/1'"):
        Exclude(ids="tiny/c0/1")  # type: ignore[arg-type]


def test_as_many_excludes_as_queries_or_one_for_all(store: DemonstrationStore) -> None:
    with pytest.raises(StoreError, match=r"one per query, got 1 for 2 queries"):
        store.search(["Rain.", "Tea."], k=1, exclude=[Exclude.nothing()])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I'm fine.", "i’m FINE"),
        ("I’m fine", "Im fine!!"),
        ("Don\x92t go", "don't   go"),
        ("I don ' t know , I ' ll see .", "I don't know, I'll see."),
        ("It 's me", "It's me"),
        ("Ｗｈａｔ？", "what"),
        ("STRASSE", "straße"),
        ("Yeah -- sure", "Yeah, sure."),
    ],
)
def test_texts_that_differ_in_marks_only_are_the_same_text(one: str, other: str) -> None:
    assert normalise_text(one) == normalise_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("?!", "..."),
        ("I'm fine", "I'm not fine"),
        ("the ' me ' part", "theme part"),
        ("हां", "हीं"),
        ("🙂", "🙁"),
    ],
)
def test_texts_that_differ_in_more_are_not(one: str, other: str) -> None:
    assert normalise_text(one) != normalise_text(other)
