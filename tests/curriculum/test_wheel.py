import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import CurriculumError, Wheel
from prc_emo.labels import CONCEPTS

WHEEL = Wheel.default()
IEMOCAP = ["happy", "sad", "neutral", "angry", "excited", "frustrated"]
MELD = ["neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear"]
words = st.sampled_from(sorted(WHEEL.points))


@pytest.mark.parametrize(
    ("labels", "alike"),
    [
        (IEMOCAP, {("happy", "excited"): 0.8090, ("frustrated", "sad"): 0.3090}),
        (
            MELD,
            {
                ("fear", "disgust"): 0.9511,
                ("surprise", "joy"): 0.5878,
                ("disgust", "anger"): 0.5878,
                ("fear", "anger"): 0.3090,
            },
        ),
    ],
)
def test_similarities_of_a_corpus_are_those_of_the_paper(labels, alike):
    """Two emotions that are not listed are not similar at all, except that neutral is 1/N similar to any."""
    for first in labels:
        for second in labels:
            if first == second:
                continue
            expected = 1 / len(labels) if "neutral" in (first, second) else 0.0
            expected = alike.get((first, second), alike.get((second, first), expected))
            assert WHEEL.similarity(first, second, len(labels)) == pytest.approx(expected, abs=5e-5)


@given(words, words, st.integers(1, 50))
def test_similarity_is_symmetric_and_between_0_and_1(first, second, n_labels):
    similarity = WHEEL.similarity(first, second, n_labels)
    assert 0 <= similarity <= 1
    assert similarity == WHEEL.similarity(second, first, n_labels)


@given(words)
def test_emotions_lie_on_the_unit_circle_neutral_at_the_origin_and_boredom_half_way(word):
    inside = {
        "neutral": 0.0,
        "neutrality": 0.0,
        "no emotion": 0.0,
        "no_emotion": 0.0,
        "boredom": 0.5,
        "bored": 0.5,
    }
    assert math.hypot(*WHEEL.point(word)) == pytest.approx(inside.get(word, 1.0))


@pytest.mark.parametrize(
    "spellings",
    [
        ("joy", "joyful", "happy", "happiness", "Happy "),
        ("anger", "angry", "mad"),
        ("sadness", "sad"),
        ("fear", "scared", "fearful"),
        ("excitement", "excited"),
        ("frustration", "frustrated"),
        ("surprise", "surprised"),
        ("disgust", "disgusted"),
        ("contentment", "peaceful"),
        ("pride", "powerful"),
        ("neutral", "no emotion"),
    ],
)
def test_spellings_of_an_emotion_share_its_point(spellings):
    assert len({WHEEL.point(word) for word in spellings}) == 1


def test_an_unknown_emotion_is_answered_with_the_nearest_and_what_to_do():
    message = (
        "'Joyfull' is not on the emotion wheel. Did you mean 'joyful'? "
        "Place it with Wheel.default().with_emotion('joyfull', degrees=...)."
    )
    with pytest.raises(CurriculumError, match=re.escape(message)):
        WHEEL.point("Joyfull")


def test_an_emotion_of_ones_own_joins_a_new_wheel_and_leaves_the_old_one_alone():
    wheel = WHEEL.with_emotion("Sarcasm", degrees=90)
    assert wheel.similarity("sarcasm", "joy", 7) == 1 / 7, "straight up is neither pleasant nor unpleasant"
    assert wheel.similarity("fear", "disgust", 7) == WHEEL.similarity("fear", "disgust", 7)
    with pytest.raises(CurriculumError):
        WHEEL.point("sarcasm")


@pytest.mark.parametrize("wrong", [{"degrees": math.nan}, {"degrees": 10, "radius": 2}])
def test_a_point_off_the_plane_is_refused(wrong):
    with pytest.raises(
        CurriculumError, match="Expected a word, an angle in degrees and a radius from 0 to 1"
    ):
        WHEEL.with_emotion("odd", **wrong)


def test_a_label_set_without_labels_is_refused():
    with pytest.raises(CurriculumError, match="expected 1 or more, got 0"):
        WHEEL.similarity("joy", "fear", 0)


def test_every_word_that_a_corpus_uses_is_on_the_wheel():
    corpora = [word for words in CONCEPTS.values() for word in words]
    assert {"neutral", "joyful", "frustrated"} <= set(corpora)
    assert [word for word in corpora if word not in WHEEL.points] == []
