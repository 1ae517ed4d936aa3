"""Labels in the asker's words, filters, variety and quotas."""

import numpy as np
import pytest
from retrieval_store_kit import LetterPairs, talk

from retrieval_store import Demonstration, DemonstrationStore, Exclude, StoreError, count_excluded

NOTHING = Exclude.nothing()


def test_labels_are_shown_in_the_words_of_the_corpus_that_asks(store: DemonstrationStore) -> None:
    words = {"joy": "happy", "sadness": "sad", "neutral": "neutral"}
    founds = store.search(["Rain.", "Tea.", "Late again?"], k=5, exclude=NOTHING, relabel=words.get)
    for found in founds:
        assert [hit.label for hit in found.hits] == [words[hit.demonstration.label] for hit in found.hits]
    assert count_excluded(founds)["no such label here"] > 0


def test_filters_keep_rows_that_have_one_of_the_words_in_each_field(encoder: LetterPairs) -> None:
    store = DemonstrationStore.build(talk(20) + talk(20, source="other", seed=1), encoder)
    wanted = {"source": "other", "label": ["joy", "anger"]}
    (found,) = store.search(["Rain."], k=5, exclude=NOTHING, where=wanted)
    assert len(found.hits) == 5
    for hit in found.hits:
        assert hit.demonstration.source == "other" and hit.demonstration.label in ("joy", "anger")


def test_a_filter_that_can_match_nothing_says_what_is_known(store: DemonstrationStore) -> None:
    with pytest.raises(
        StoreError, match=r"No demonstration in the store has source 'meld'\. Known: 'tiny'\."
    ):
        store.search(["Rain."], k=1, exclude=NOTHING, where={"source": "meld"})
    with pytest.raises(
        StoreError, match=r"Cannot filter demonstrations by 'corpus'\. Known: source, domain, split"
    ):
        store.search(["Rain."], k=1, exclude=NOTHING, where={"corpus": "tiny"})


def test_variety_puts_another_sentence_in_the_place_of_a_near_twin() -> None:
    """The nearest comes first; what nearly repeats it gives way to what adds something."""
    rows = [Demonstration(name, name, "joy", "tiny") for name in ("near", "its twin", "another", "far")]
    store = DemonstrationStore.build(rows, Angles({"near": 10, "its twin": 12, "another": -40, "far": 170}))
    query = np.array([[1.0, 0.0]], dtype=np.float32)
    (plain,) = store.search(query, k=2, exclude=NOTHING)
    (varied,) = store.search(query, k=2, exclude=NOTHING, mmr=0.5)
    (nearness,) = store.search(query, k=2, exclude=NOTHING, mmr=1.0)
    assert [hit.demonstration.id for hit in plain.hits] == ["near", "its twin"]
    assert [hit.demonstration.id for hit in varied.hits] == ["near", "another"]
    assert [(row.demonstration.id, row.reason) for row in varied.excluded] == [("its twin", "too alike")]
    assert nearness == plain


class Angles:
    """Each text is a direction in the plane, in degrees from the query."""

    id = "angles@1"
    dimension = 2

    def __init__(self, degrees: dict[str, float]) -> None:
        self.degrees = degrees

    def encode(self, texts: list[str], progress: bool = False) -> np.ndarray:
        angles = np.radians([self.degrees[text] for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_variety_weighs_the_same_candidates_however_many_were_fetched(encoder: LetterPairs) -> None:
    """A large share of excluded rows makes the search fetch more, which must not widen the choice."""
    rows = talk(300)
    barred = [
        Demonstration(f"x/{at}", row.text, row.label, "barred")
        for at, row in enumerate(rows)
        for _ in range(1)
    ]
    few = DemonstrationStore.build(rows, encoder)
    many = DemonstrationStore.build(rows + barred, encoder)
    hits = [
        hit
        for found in few.search(["Tea.", "Late train?"], k=5, exclude=NOTHING, mmr=0.3)
        for hit in found.hits
    ]
    bar = Exclude(splits=frozenset({"barred/"}))
    assert hits == [
        hit for found in many.search(["Tea.", "Late train?"], k=5, exclude=bar, mmr=0.3) for hit in found.hits
    ]


def test_no_label_gets_more_places_than_its_quota(store: DemonstrationStore) -> None:
    """Counted in the asker's words: joy and anger are one label here."""
    words = {"joy": "strong", "anger": "strong", "sadness": "sad", "neutral": "neutral"}
    for mmr in (None, 0.5):
        founds = store.search(
            ["Rain.", "Tea."], k=3, exclude=NOTHING, relabel=words.get, per_label=1, mmr=mmr
        )
        for found in founds:
            assert sorted(hit.label for hit in found.hits) == ["neutral", "sad", "strong"]
        assert count_excluded(founds)["quota"] > 0


def test_fewer_places_are_filled_when_the_quota_leaves_no_more(store: DemonstrationStore) -> None:
    (found,) = store.search(["Rain."], k=9, exclude=NOTHING, per_label=2)
    assert len(found.hits) == 8  # four labels


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"k": 0}, "k=0 demonstrations; k should be 1 or more"),
        ({"k": 1, "mmr": 1.5}, "mmr=1.5; it should lie between 0"),
        ({"k": 1, "per_label": 0}, "per_label=0; it should be 1 or more"),
    ],
)
def test_what_cannot_be_asked_is_said(
    store: DemonstrationStore, asked: dict[str, float], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        store.search(["Rain."], exclude=NOTHING, **asked)  # type: ignore[arg-type]


def test_one_text_is_not_a_list_of_letters(store: DemonstrationStore) -> None:
    with pytest.raises(StoreError, match="Expected a list of queries, got one text: 'Rain"):
        store.search("Rain.", k=1, exclude=NOTHING)


def test_vectors_are_asked_as_texts_are(store: DemonstrationStore, encoder: LetterPairs) -> None:
    """Their length does not matter: nearness is the cosine."""
    vectors = 7 * encoder.encode(["Rain.", "Tea."])
    by_vector = store.search(vectors, k=3, exclude=NOTHING)
    by_text = store.search(["Rain.", "Tea."], k=3, exclude=NOTHING)
    for one, other in zip(by_vector, by_text, strict=True):
        assert [hit.demonstration for hit in one.hits] == [hit.demonstration for hit in other.hits]
        assert [hit.score for hit in one.hits] == pytest.approx([hit.score for hit in other.hits], abs=2e-6)
    with pytest.raises(StoreError, match=r"Expected query vectors \(Q, 48\), got \(2, 3\)"):
        store.search(np.ones((2, 3), dtype=np.float32), k=3, exclude=NOTHING)
    with pytest.raises(StoreError, match="finite numbers and some length"):
        store.search(np.zeros((1, 48), dtype=np.float32), k=3, exclude=NOTHING)


def test_no_queries_no_answers(store: DemonstrationStore) -> None:
    assert store.search([], k=3, exclude=NOTHING) == []
