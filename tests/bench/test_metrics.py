"""Scores against figures worked out by hand and against scikit-learn."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from bench_builders import judged_run, line
from sklearn.metrics import f1_score, recall_score

from prc_emo.bench.calibration import calibrate
from prc_emo.bench.metrics import labels_of, score, weighted_f1
from prc_emo.bench.predictions import Prediction
from prc_emo.bench.slices import cut
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError


def test_scores_of_four_answers_worked_out_by_hand():
    """joy: P 1/2, R 1/2, F1 1/2. anger: P 1, R 1/2, F1 2/3. wF1 = (2 * 1/2 + 2 * 2/3) / 4; one answer unreadable."""
    pairs = [("joy", "joy"), ("joy", None), ("anger", "joy"), ("anger", "anger")]
    scores = score([line(gold, label, position=at) for at, (gold, label) in enumerate(pairs)])
    assert scores.labels == ("anger", "joy")
    assert scores.wf1 == pytest.approx(7 / 12)
    assert scores.macro_f1 == pytest.approx(7 / 12)
    assert (scores.accuracy, scores.unreadable) == (0.5, 0.25)
    assert scores.confusion == ((1, 1, 0), (0, 1, 1))
    assert [row.support for row in scores.per_class] == [2, 2]
    assert scores.calibration is None


def test_an_unreadable_answer_is_as_wrong_as_a_wrong_one_and_hurts_no_other_label():
    readable = score(
        [line("joy", "joy"), line("joy", "anger", position=1), line("anger", "anger", position=2)]
    )
    unread = score([line("joy", "joy"), line("joy", None, position=1), line("anger", "anger", position=2)])
    assert unread.accuracy == readable.accuracy
    assert unread.per_class[0].precision == 1.0 > readable.per_class[0].precision


def test_f1_agrees_with_scikit_learn():
    run = judged_run(np.random.default_rng(1), 0.5)
    gold, answers = [one.gold for one in run], [one.label for one in run]
    scores = score(run)
    assert scores.wf1 == pytest.approx(f1_score(gold, answers, average="weighted"))
    assert scores.wf1 == pytest.approx(weighted_f1(run))
    assert scores.macro_f1 == pytest.approx(f1_score(gold, answers, average="macro"))


def test_a_label_that_never_occurs_is_listed_but_does_not_lower_macro_f1():
    probabilities = {"joy": 0.5, "anger": 0.5, "fear": 0.0}
    scores = score(
        [
            line("joy", "joy", probabilities=probabilities),
            line("anger", "anger", "d1", probabilities=probabilities),
        ]
    )
    assert scores.labels == ("joy", "anger", "fear")
    assert scores.macro_f1 == 1.0


def test_shuffling_changes_no_score():
    run = judged_run(np.random.default_rng(2), 0.5)
    shuffled = [run[at] for at in np.random.default_rng(3).permutation(len(run))]
    one, other = score(run), score(shuffled)
    assert (one.wf1, one.confusion, one.slices) == (other.wf1, other.confusion, other.slices)


def test_conversations_and_predictions_score_as_their_joined_lines_do():
    talk = Conversation("d0", (Utterance("d0/0", "A", "hm", "joy"), Utterance("d0/1", "B", "no", "anger")))
    predictions = [Prediction("d0/0", "joy", {}), Prediction("d0/1", "joy", {})]
    assert score([talk], predictions).accuracy == 0.5
    with pytest.raises(PrcEmoError, match="Conversations were given without predictions"):
        score([talk])


def test_nothing_labelled_is_an_error_and_not_a_score_of_zero():
    talk = Conversation.of([("A", "hm")])
    with pytest.raises(PrcEmoError, match="none of the utterances has a gold label"):
        score([talk], [Prediction("conversation/0", "joy", {})])


def test_labels_stand_in_the_order_of_the_probabilities():
    assert labels_of([line("zeal", "joy", probabilities={"neutral": 0.5, "joy": 0.5})]) == (
        "neutral",
        "joy",
        "zeal",
    )


def test_calibration_worked_out_by_hand():
    """Two answers of 0.8, one right: a gap of 0.3 in one bin. Brier (0.08 + 1.28) / 2, NLL -(ln 0.8 + ln 0.2) / 2."""
    sure = {"joy": 0.8, "anger": 0.2}
    found = calibrate(
        [line("joy", "joy", probabilities=sure), line("anger", "joy", position=1, probabilities=sure)]
    )
    assert found is not None
    assert found.ece == pytest.approx(0.3)
    assert found.brier == pytest.approx((0.08 + 1.28) / 2)
    assert found.nll == pytest.approx(-(math.log(0.8) + math.log(0.2)) / 2)
    assert [(round(bin.low, 3), round(bin.high, 3), bin.n) for bin in found.bins] == [(0.733, 0.8, 2)]


def test_a_certain_and_right_recognizer_is_perfectly_calibrated():
    found = calibrate([line("joy", "joy", probabilities={"joy": 1.0, "anger": 0.0})])
    assert found is not None
    assert (found.ece, found.brier, found.nll) == (0, 0, 0)


def test_being_sure_and_wrong_costs_much_but_not_infinitely_much():
    found = calibrate([line("anger", "joy", probabilities={"joy": 1.0, "anger": 0.0})])
    assert found is not None
    assert 20 < found.nll < 30


def test_every_group_of_slices_holds_every_utterance_once():
    run = judged_run(np.random.default_rng(4), 0.5, turns=12)
    sizes: dict[str, int] = {}
    for group, _, lines in cut(run):
        sizes[group] = sizes.get(group, 0) + len(lines)
    assert len(sizes) == 5
    assert set(sizes.values()) == {len(run)}


def test_ua_counts_every_gold_label_alike_and_wa_every_utterance():
    """Three of four neutral ones and none of one fear: WA 3/5, UA (3/4 + 0) / 2; joy is answered once but never gold."""
    pairs = [("neutral", "neutral")] * 3 + [("neutral", "joy"), ("fear", "neutral")]
    scores = score([line(gold, label, position=at) for at, (gold, label) in enumerate(pairs)])
    assert (scores.accuracy, scores.ua) == (pytest.approx(3 / 5), pytest.approx(3 / 8))
    gold, answers = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert scores.ua == pytest.approx(
        recall_score(gold, answers, labels=["neutral", "fear"], average="macro")
    )
    assert "accuracy 0.6000 (WA)   UA 0.3750" in str(scores)
    (everybody,) = (piece for piece in scores.slices if piece.group == "speakers in the dialogue")
    assert everybody.ua == pytest.approx(scores.ua), "the one piece is the whole"


def test_each_speaker_is_scored_apart_and_the_many_who_say_little_together():
    run = [line("joy", "joy" if at % 2 else "fear", position=at, speaker="Ada") for at in range(3)]
    run += [line("anger", "anger", position=3, speaker="Ada")]
    run += [line("joy", "joy", position=4 + at, speaker=f"Guest {at:02}") for at in range(20)]
    pieces = [piece for piece in score(run).slices if piece.group == "speaker"]
    assert pieces[0] == replace(pieces[0], name="Ada", n=4, accuracy=0.5, ua=(1 / 3 + 1) / 2)
    assert (len(pieces), pieces[-1].name, pieces[-1].n) == (13, "everybody else", 9)


def test_a_corpus_of_one_speaker_is_not_cut_by_speaker():
    assert "speaker" not in {
        group for group, _, _ in cut([line("joy", "joy"), line("joy", None, position=1)])
    }


def test_a_shift_is_measured_against_the_same_speaker_in_the_same_dialogue():
    turns = [
        line("joy", "joy", position=0, speaker="A"),
        line("anger", "joy", position=1, speaker="B"),
        line("joy", "joy", position=4, speaker="A"),  # turns 2 and 3 were never labelled
        line("joy", "joy", position=5, speaker="B"),
        line("joy", "joy", "d1", position=0, speaker="A"),
    ]
    shifts = {
        piece: [one.id for one in lines]
        for group, piece, lines in cut(turns)
        if group == "emotion of the speaker"
    }
    assert shifts == {"first turn": ["d0/0", "d0/1", "d1/0"], "stays": ["d0/4"], "shifts": ["d0/5"]}


@pytest.mark.parametrize(
    ("position", "piece"), [(0, "1"), (1, "2-4"), (3, "2-4"), (4, "5-9"), (8, "5-9"), (9, "10+")]
)
def test_positions_are_counted_from_one_in_the_slices(position, piece):
    found = [
        name
        for group, name, _ in cut([line("joy", "joy", position=position)])
        if group.startswith("position")
    ]
    assert found == [piece]


def test_scores_are_json_and_readable():
    scores = score(judged_run(np.random.default_rng(5), 0.5))
    assert json.loads(json.dumps(scores.to_json()))["wf1"] == scores.wf1
    text = str(scores)
    assert text.startswith(f"wF1 {scores.wf1:.4f}   accuracy {scores.accuracy:.4f}")
    assert "emotion of the speaker: shifts" in text
    assert "unreadable" not in text
    assert "unreadable answers 12.5%" in str(replace(scores, unreadable=0.125))
