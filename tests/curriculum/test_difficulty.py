import re
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import DIFFICULTIES, CurriculumError, Wheel, difficulties


@dataclass(frozen=True)
class Line:
    speaker: str
    emotion: str


def talk(*turns: str) -> list[Line]:
    """'A joy' is a turn of A with joy."""
    return [Line(*turn.split()) for turn in turns]


MELD = talk("A joy", "B neutral", "A surprise", "B anger", "A sadness")
IEMOCAP = talk("M happy", "F neutral", "M excited", "F neutral", "M angry")
conversations = st.lists(
    st.builds(Line, st.sampled_from("ABC"), st.sampled_from(["neutral", "joy", "fear", "disgust", "anger"])),
    min_size=1,
    max_size=12,
)
MEASURES = list(DIFFICULTIES)


def one(turns, measure, n_labels=7, **options):
    return difficulties([turns], measure, n_labels=n_labels, **options)[0]


def test_the_papers_examples_come_out_as_printed():
    assert one(MELD, "wes") == pytest.approx(0.56152, abs=5e-6)
    assert one(MELD, "wes") * 7 - 2 == pytest.approx(1.93064, abs=5e-6)
    assert one(MELD, "es") == 5 / 7
    assert one(IEMOCAP, "wes", n_labels=6) == pytest.approx(0.51557, abs=5e-6)


def test_prc_emo_adds_the_shifts_from_one_speaker_to_the_next():
    """By hand: joy-neutral, neutral-surprise and anger-sadness change speaker and emotion, surprise-anger too."""
    own = 1.93064
    between = (
        2 * (1 / 7 + 0.4) + 0.4 + 0.4
    )  # surprise and sadness lie across from anger's side or at no angle
    assert one(MELD, "prc-emo") == pytest.approx((own + between + 2) / 7, abs=5e-6)


def test_algorithm_1_as_printed_adds_b_where_the_speaker_changes_and_the_emotion_stays():
    turns = talk("A joy", "B joy", "A joy", "A joy")
    assert one(turns, "prc-emo") == 2 / 6
    assert one(turns, "prc-emo", every_change=True) == pytest.approx((2 * 0.4 + 2) / 6)
    assert one(turns, "wes", every_change=True) == 2 / 6


@given(conversations, st.sampled_from(MEASURES))
def test_a_difficulty_is_finite_and_not_negative(turns, measure):
    assert 0 <= one(turns, measure) < 3


@given(conversations)
def test_with_k_0_and_b_1_a_weighted_shift_is_a_shift(turns):
    assert one(turns, "wes", k=0.0, b=1.0) == one(turns, "es")


@given(conversations)
def test_prc_emo_counts_at_least_what_wes_counts(turns):
    assert one(turns, "prc-emo", every_change=True) >= one(turns, "prc-emo") >= one(turns, "wes") - 1e-12


@given(conversations, st.sampled_from(MEASURES))
def test_who_the_speakers_are_does_not_matter(turns, measure):
    renamed = [Line({"A": "Zoe", "B": "A", "C": "B"}[turn.speaker], turn.emotion) for turn in turns]
    assert one(renamed, measure) == one(turns, measure)


@given(conversations, st.sampled_from(["es", "wes", "prc-emo"]))
def test_where_nobody_changes_only_speakers_and_length_count(turns, measure):
    calm = [Line(turn.speaker, "joy") for turn in turns]
    speakers = len({turn.speaker for turn in turns})
    assert one(calm, measure) == speakers / (len(turns) + speakers)


def test_without_a_measure_all_conversations_are_alike():
    assert difficulties([MELD, IEMOCAP, MELD[:1]], "none", n_labels=7).tolist() == [0, 0, 0]


def test_a_single_turn_has_a_difficulty():
    assert {one(MELD[:1], measure) for measure in MEASURES} == {0.0, 0.5}


def test_an_own_wheel_is_used():
    turns = talk("A sarcasm", "A contempt")
    with pytest.raises(CurriculumError, match="'sarcasm' is not on the emotion wheel"):
        one(turns, "prc-emo")
    wheel = Wheel.default().with_emotion("sarcasm", degrees=135)
    assert one(turns, "prc-emo", wheel=wheel) == pytest.approx((1.4 + 1) / 3)
    assert one(turns, "es") == 2 / 3, "counting needs no wheel"


def test_an_unknown_measure_is_answered_with_the_nearest():
    message = (
        "'prcemo' is not a measure of difficulty. Did you mean 'prc-emo'? Known: none, es, wes, prc-emo."
    )
    with pytest.raises(CurriculumError, match=re.escape(message)):
        difficulties([MELD], "prcemo", n_labels=7)


def test_a_conversation_without_turns_is_refused():
    with pytest.raises(CurriculumError, match="without labelled turns has no difficulty: leave it out"):
        difficulties([MELD, []], "prc-emo", n_labels=7)


def test_no_conversations_have_no_difficulties():
    assert difficulties([], "prc-emo", n_labels=7).shape == (0,)
    assert difficulties([], "prc-emo", n_labels=7).dtype == np.float64
