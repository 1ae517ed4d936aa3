import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts import read_emotion

MELD = ["neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear"]
IEMOCAP = ["happy", "sad", "neutral", "angry", "excited", "frustrated"]


@pytest.mark.parametrize(
    ("answer", "emotion"),
    [
        ("joy", "joy"),
        (" Joy.\n", "joy"),
        ('"ANGER"', "anger"),
        ("**fear**", "fear"),
        ("_disgust_", "disgust"),
        ("The emotion is sadness, since she lost her keys.", "sadness"),
        ("joy! Yes, joy.", "joy"),
        ('{"emotion": "surprise"}', "surprise"),
        ("<think>anger or fear? Not joy.</think>\n\nsadness", "sadness"),
        ("anger or fear? It must be</think>sadness", "sadness"),
        ("I'm not sure, but: joy", "joy"),
    ],
)
def test_a_clear_answer_is_read(answer, emotion):
    assert read_emotion(answer, MELD) == emotion


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot tell.",
        "happiness",
        "joyful",
        "joy or surprise",
        "not joy",
        "This isn't really anger",
        "non-neutral",
        "<think>it must be joy",
        "<think>joy</think>",
        "enjoy",
        "unjoy",
    ],
)
def test_an_unclear_answer_is_not_guessed(answer):
    assert read_emotion(answer, MELD) is None


def test_a_label_within_a_longer_word_does_not_count():
    assert read_emotion("sadness", IEMOCAP) is None
    assert read_emotion("unhappy", IEMOCAP) is None


def test_of_labels_that_contain_each_other_the_longest_is_read():
    assert read_emotion("No emotion.", ["no emotion", "emotion"]) == "no emotion"
    assert read_emotion("very happy", ["happy", "very happy"]) == "very happy"


@given(st.sampled_from(IEMOCAP), st.sampled_from(["{}", "{}.", "'{}'", "Label: {}", "{}\n"]), st.booleans())
def test_every_label_is_read_as_it_is_spelled_in_the_set(label, frame, shout):
    labels = [known.title() for known in IEMOCAP]
    assert read_emotion(frame.format(label.upper() if shout else label), labels) == label.title()


@given(st.text())
def test_an_answer_is_a_label_or_none(text):
    assert read_emotion(text, MELD) in {*MELD, None}
