"""What goes into `predictions.jsonl`, and what is refused there."""

import json
from dataclasses import asdict, replace

import pytest

from prc_emo.bench.predictions import (
    Prediction,
    judge,
    read_predictions,
    refuse_different_utterances,
    write_predictions,
)
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError


def talk(id="d0", golds=("joy", None, "anger")):
    turns = [Utterance(f"{id}/{at}", "AB"[at % 2], "well now then", gold) for at, gold in enumerate(golds)]
    return Conversation(id, tuple(turns))


def answers(conversation, label="joy"):
    return [Prediction(u.id, label, {"joy": 0.75, "anger": 0.25}) for u in conversation.utterances]


def test_unlabelled_turns_are_answered_but_never_judged():
    judged = judge([talk()], answers(talk()))
    assert [(line.id, line.position, line.gold) for line in judged] == [
        ("d0/0", 0, "joy"),
        ("d0/2", 2, "anger"),
    ]
    assert (judged[0].speakers, judged[0].words, judged[0].conversation) == (2, 3, "d0")


def test_the_order_of_the_answers_does_not_matter():
    assert judge([talk()], answers(talk())) == judge([talk()], answers(talk())[::-1])


def test_a_forgotten_and_an_invented_utterance_are_named():
    made_up = replace(answers(talk())[1], id="d9/7")
    with pytest.raises(PrcEmoError) as error:
        judge([talk()], [answers(talk())[0], made_up])
    assert str(error.value) == (
        "Expected one prediction per utterance, got 2 (d0/1, d0/2) without a prediction; "
        "1 (d9/7) predicted but not in these conversations."
    )


def test_two_answers_for_one_utterance_are_refused():
    with pytest.raises(PrcEmoError, match=r"one prediction per id, but 1 \(d0/0\) came more than once"):
        judge([talk()], [*answers(talk()), answers(talk())[0]])


def test_gold_labels_of_another_label_set_are_refused():
    """A model trained for one corpus and scored on another would only look bad; it must look wrong."""
    other = talk(golds=("happy", "joy"))
    with pytest.raises(
        PrcEmoError, match=r"d0/0: the gold label 'happy' is none of the labels .*\(joy, anger\)"
    ):
        judge([other], answers(other))


@pytest.mark.parametrize(
    "probabilities", [{"joy": 0.7, "anger": 0.2}, {"joy": 1.5, "anger": -0.5}, {"joy": float("nan")}]
)
def test_impossible_probabilities_are_refused(probabilities):
    with pytest.raises(PrcEmoError, match="d0/0: expected probabilities that are not negative and sum to 1"):
        Prediction("d0/0", "joy", probabilities)


def test_an_answer_outside_its_own_probabilities_is_refused():
    with pytest.raises(PrcEmoError, match=r"the answer 'joyful' has no probability\. Did you mean 'joy'\?"):
        Prediction("d0/0", "joyful", {"joy": 0.75, "anger": 0.25})


def test_reading_gives_back_what_was_written(tmp_path):
    judged = judge([talk()], answers(talk(), label=None))
    write_predictions(tmp_path / "predictions.jsonl", judged)
    assert read_predictions(tmp_path / "predictions.jsonl") == judged


def test_no_word_of_the_conversation_is_written(tmp_path):
    """Run folders travel further than corpora may."""
    write_predictions(tmp_path / "predictions.jsonl", judge([talk()], answers(talk())))
    assert "well now" not in (tmp_path / "predictions.jsonl").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"position": "0"}, "line 2: expected 'position' to be int, got '0'"),
        ({"words": True}, "line 2: expected 'words' to be int, got True"),
        ({"label": 3}, "line 2: expected 'label' to be str or null, got 3"),
        ({"probabilities": {"joy": "1"}}, "line 2: expected a number as the probability of 'joy', got '1'"),
        (
            {"probabilities": {"joy": 0.5, "anger": 0.4}},
            "line 2: d0/2: expected probabilities that .* with sum 0.9",
        ),
        ({"id": "d0/0"}, "line 2: 'd0/0' was already judged on line 1"),
        (
            {"text": "hello"},
            "line 2: expected an object with the keys id, conversation, .*; got id, .*, text",
        ),
    ],
)
def test_a_damaged_line_is_named(tmp_path, change, message):
    first, second = (asdict(line) for line in judge([talk()], answers(talk())))
    path = tmp_path / "predictions.jsonl"
    path.write_text(json.dumps(first) + "\n" + json.dumps(second | change) + "\n")
    with pytest.raises(PrcEmoError, match=message):
        read_predictions(path)


def test_a_line_cut_off_by_a_full_disk_is_named(tmp_path):
    path = tmp_path / "predictions.jsonl"
    path.write_text('{"id": "d0/0", "conv')
    with pytest.raises(PrcEmoError, match="line 1: not valid JSON"):
        read_predictions(path)


def test_an_empty_file_is_no_run(tmp_path):
    path = tmp_path / "predictions.jsonl"
    path.write_text("")
    with pytest.raises(PrcEmoError, match="the file is empty"):
        read_predictions(path)


def test_runs_on_other_utterances_or_other_gold_cannot_be_compared():
    one, other = judge([talk("d0")], answers(talk("d0"))), judge([talk("d1")], answers(talk("d1")))
    with pytest.raises(PrcEmoError) as error:
        refuse_different_utterances(one, other, ("a", "b"))
    assert str(error.value).startswith(
        "a and b were not scored on the same utterances: 2 (d0/0, d0/2) only in a; 2 (d1/0, d1/2) only in b."
    )
    with pytest.raises(PrcEmoError, match=r"1 \(d0/0\) with another gold label"):
        refuse_different_utterances(one, [replace(one[0], gold="anger"), one[1]], ("a", "b"))
