"""Words for emotions: each corpus' own spelling, and the same emotion in another corpus' word."""

import pytest

from prc_emo.errors import PrcEmoError
from prc_emo.labels import CONCEPTS, DAILYDIALOG, EMORYNLP, IEMOCAP4, IEMOCAP6, LABEL_SETS, MELD, LabelSet

SETS = list(LABEL_SETS.values())


@pytest.mark.parametrize("labels", SETS, ids=list(LABEL_SETS))
def test_a_set_keeps_its_own_words_whatever_their_case(labels: LabelSet) -> None:
    for label in labels:
        assert labels.check(f" {label.upper()} ") == labels.check(label) == label
        assert labels.translate(label.title()) == label


@pytest.mark.parametrize("labels", SETS, ids=list(LABEL_SETS))
def test_every_shipped_label_is_a_known_concept(labels: LabelSet) -> None:
    """A word outside the map would translate to nothing, and its demonstrations would vanish without a word."""
    for label in labels:
        assert sum(label in words for words in CONCEPTS.values()) == 1


@pytest.mark.parametrize("one", SETS, ids=list(LABEL_SETS))
@pytest.mark.parametrize("other", SETS, ids=list(LABEL_SETS))
def test_there_and_back_is_the_same_word(one: LabelSet, other: LabelSet) -> None:
    for label in one:
        there = other.translate(label)
        assert there is None or there in other
        if there is not None and label != "excited":  # which becomes joy where there is no word for it
            assert one.translate(there) == label


def test_known_translations() -> None:
    assert [MELD.translate(word) for word in EMORYNLP] == [
        "joy", "anger", None, "neutral", "sadness", None, "fear",
    ]  # fmt: skip
    assert [MELD.translate(word) for word in IEMOCAP6] == ["joy", "sadness", "neutral", "anger", "joy", None]
    assert DAILYDIALOG.translate("no_emotion") == "neutral"
    assert IEMOCAP4.translate("excited") == "happy" and IEMOCAP6.translate("excited") == "excited"


def test_nothing_is_mapped_by_resemblance() -> None:
    for word in ("frustration", "joyless", "fears", "hate", "", "?"):
        assert MELD.translate(word) is None


def test_of_two_words_for_one_concept_each_stays_itself() -> None:
    """A corpus may tell mad from angry; a demonstration of its own must not change its label on the way."""
    mine = LabelSet("mine", ("mad", "angry", "sorrow"))
    assert [mine.translate(word) for word in mine] == ["mad", "angry", "sorrow"]
    assert mine.translate("anger") == "mad"  # the first, when another corpus asks


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "joyful",
            "meld/dia3/utt7: 'joyful' is not an emotion of MELD. Did you mean 'joy'? "
            "Known: anger, disgust, fear, joy, neutral, sadness, surprise.",
        ),
        ("angre", "meld/dia3/utt7: 'angre' is not an emotion of MELD. Did you mean 'anger'? Known: anger,"),
        # the nearest in meaning, where there is one
        ("happy", "meld/dia3/utt7: 'happy' is not an emotion of MELD. Did you mean 'joy'?"),
        ("xyz", "meld/dia3/utt7: 'xyz' is not an emotion of MELD. Known: anger,"),
    ],
)
def test_an_unknown_word_is_answered_with_its_place_and_the_nearest(word: str, message: str) -> None:
    with pytest.raises(PrcEmoError) as error:
        MELD.check(word, "meld/dia3/utt7")
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("words", [(), ("joy",), ("joy", "anger", "joy")])
def test_a_label_set_has_two_or_more_different_labels(words: tuple[str, ...]) -> None:
    with pytest.raises(PrcEmoError, match="'mine': expected two or more different labels, got"):
        LabelSet("mine", words)


def test_the_number_of_labels_is_that_of_the_papers_tables() -> None:
    assert {name: len(labels) for name, labels in LABEL_SETS.items()} == {
        "meld": 7,
        "emorynlp": 7,
        "dailydialog": 7,
        "iemocap6": 6,
        "iemocap4": 4,
        "ravdess": 8,
    }


def test_a_label_is_named_by_every_word_of_its_concept_and_by_no_other_word() -> None:
    for label in MELD:
        for word in CONCEPTS[label]:
            assert MELD.named_in(f"Rather {word.upper()}, she said.") == [label], word
    assert MELD.named_in("What happened to the saddle? A stranger scarcely enjoyed the danger, madam.") == []
