"""What `check` finds and `stats` counts, on corpora made for it."""

import json

import pytest

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora import Corpus, check, stats
from prc_emo.labels import EMORYNLP, MELD

LINES = [
    "Where did you put the keys?",
    "On the hook by the door.",
    "They are not there now.",
    "Then ask your brother.",
]


def talk(id: str, *texts: str, golds: list[str | None] | None = None, speakers: str = "AB") -> Conversation:
    given = golds or ["neutral"] * len(texts)
    return Conversation(
        id,
        tuple(
            Utterance(f"{id}/{at}", speakers[at % len(speakers)], text, gold)
            for at, (text, gold) in enumerate(zip(texts, given, strict=True))
        ),
    )


def corpus(**splits: tuple[Conversation, ...]) -> Corpus:
    return Corpus("mine", MELD, splits)


def places(found: Corpus, what: str, split: str) -> tuple[str, ...]:
    (finding,) = [each for each in check(found).findings if (each.what, each.split) == (what, split)]
    assert finding.count == len(finding.places)
    return finding.places


def test_a_sound_corpus_has_no_findings_and_says_what_was_looked_for() -> None:
    report = check(corpus(train=(talk("a", *LINES[:2]),), test=(talk("b", *LINES[2:]),)))
    assert {each.count for each in report.findings} == {0}
    assert report.rows() == []
    assert {each.split for each in report.findings} == {"train", "test", "test in train"}


def test_a_dialogue_is_a_duplicate_whatever_its_punctuation_and_case() -> None:
    found = corpus(train=(talk("a", *LINES), talk("b", *[line.upper().strip("?.") for line in LINES])))
    assert places(found, "dialogue repeated", "train") == ("b = a",)


def test_a_dialogue_in_two_splits_is_found_as_duplicate_as_inside_and_by_its_lines() -> None:
    found = corpus(train=(talk("a", *LINES),), dev=(talk("b", "No."),), test=(talk("c", *LINES),))
    assert places(found, "dialogue repeated", "test in train") == ("c = a",)
    assert places(found, "dialogue at least 80% inside another", "test in train") == ("c in a",)
    assert places(found, "utterance repeated", "test in train") == tuple(
        f"c/{at} = a/{at}" for at in range(4)
    )
    assert check(found).count("utterance repeated", "test in dev") == 0


@pytest.mark.parametrize(("shared", "inside"), [(3, 0), (4, 1)])
def test_a_dialogue_is_inside_another_from_four_fifths_on(shared: int, inside: int) -> None:
    later = [*LINES[:shared], "Something else.", "And more."][:5]
    found = corpus(train=(talk("a", "Before that.", *LINES, "After that."),), test=(talk("b", *later),))
    assert check(found).count("dialogue at least 80% inside another") == inside


def test_lines_of_one_dialogue_in_many_others_do_not_make_it_inside_any() -> None:
    train = tuple(talk(f"a{at}", line, "Yes.") for at, line in enumerate(LINES))
    assert (
        check(corpus(train=train, test=(talk("b", *LINES),))).count("dialogue at least 80% inside another")
        == 0
    )


def test_short_repeated_lines_are_language_and_longer_ones_are_counted_apart() -> None:
    found = corpus(train=(talk("a", "I don’t know.", LINES[0]),), test=(talk("b", "i don't know", LINES[0]),))
    assert places(found, "utterance repeated", "test in train") == ("b/0 = a/0", "b/1 = a/1")
    assert places(found, "utterance of 4 words or more repeated", "test in train") == ("b/1 = a/1",)


def test_what_is_said_again_within_a_split_is_counted_unless_it_is_short() -> None:
    found = corpus(
        train=(talk("a", LINES[0], "Yeah.", LINES[0].upper(), "Yeah."), talk("b", LINES[0], "Yeah.")),
        test=(talk("c", LINES[1]),),
    )
    assert places(found, "utterance of 4 words or more repeated", "train") == ("a/2 = a/0", "b/0 = a/0")
    assert places(found, "utterance of 4 words or more repeated", "test") == ()


def test_two_texts_are_the_same_here_when_they_are_for_retrieval() -> None:
    """Else a leak that is counted could be shown as a demonstration, or the other way round."""
    said = ("I dont know.", "Don’t - don't!", "...", "?!")
    found = corpus(train=(talk("a", *said),), test=(talk("b", "i don’t know", "DONT DONT", "..."),))
    expected = tuple(f"b/{at} = a/{at}" for at in range(3))
    assert places(found, "utterance repeated", "test in train") == expected


def test_turns_without_words_are_no_repeats_of_each_other() -> None:
    report = check(corpus(train=(talk("a", "...", ""),), test=(talk("b", "?!", "Yes."),)))
    assert (
        report.count("utterance repeated") == 0 and report.count("dialogue at least 80% inside another") == 0
    )
    assert report.count("turn without words", "train") == 1


def test_turns_are_found_that_are_unlabelled_or_empty_or_long_or_damaged() -> None:
    turns = ("Sound.", " ", "It\ufffds", "Itâ€™s", "It\x92s", "word " * 101)
    found = corpus(train=(talk("a", *turns, golds=["joy", None, "joy", "joy", "joy", "joy"]),))
    assert places(found, "turn without a label", "train") == ("a/1",)
    assert places(found, "turn without words", "train") == ("a/1",)
    assert places(found, "very long turn", "train") == ("a/5 (101 words)",)
    assert places(found, "damaged encoding", "train") == (
        "a/2 (a character that was lost (U+FFFD))",
        "a/3 (UTF-8 read as Windows-1252: 'â€™')",
        "a/4 (a control character (U+0092))",
    )


def test_labels_are_held_against_another_set_when_one_is_given() -> None:
    found = corpus(train=(talk("a", "One.", "Two.", golds=["joy", "neutral"]),))
    assert check(found).count("unknown label") == 0
    assert check(found, labels=EMORYNLP).count("unknown label") == 1


def test_dialogues_of_one_speaker_are_found() -> None:
    found = corpus(train=(talk("a", "One.", "Two.", speakers="A"), talk("b", "One.", "Two, then.")))
    assert places(found, "dialogue of one speaker", "train") == ("a",)


def test_only_the_first_places_are_named_but_all_are_counted() -> None:
    report = check(corpus(train=(talk("a", *[" "] * 9),)), places=2)
    (row,) = [row for row in report.rows() if row[0] == "turn without words"]
    assert row == ("turn without words", "train", "9 of 9 (100.0%)", "a/0, a/1, ...")
    assert json.loads(json.dumps(report.to_json()))["findings"][2]["count"] == 9


def test_stats_count_what_the_split_holds() -> None:
    golds: list[str | None] = ["joy", "neutral", "joy", "anger", None, "anger"]
    found = corpus(
        train=(talk("a", *["Two words."] * 6, golds=golds), talk("b", "Four words are here.", golds=["joy"])),
        test=(),
    )
    train, test = stats(found).splits
    assert (train.dialogues, train.utterances, train.unlabelled) == (2, 7, 1)
    assert (train.turns_per_dialogue, train.speakers_per_dialogue) == (3.5, 1.5)
    assert train.words_per_turn == pytest.approx(16 / 7)
    assert train.labels == {
        "neutral": 1,
        "joy": 3,
        "surprise": 0,
        "anger": 2,
        "sadness": 0,
        "disgust": 0,
        "fear": 0,
    }
    # A: joy, joy, (none); B: neutral, anger, anger: one change of three
    assert train.shifts == pytest.approx(1 / 3)
    assert test.dialogues == 0 and test.shifts == 0.0
    assert stats(found).rows()[:2] == [("", "train", "test"), ("dialogues", "2", "0")]
    assert ("joy", "3 (42.9%)", "0 (0.0%)") in stats(found).rows()
