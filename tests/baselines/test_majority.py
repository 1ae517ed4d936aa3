"""The floor under every table."""

import pytest

from prc_emo.baselines.majority.recognizer import build, load
from prc_emo.conversation import Conversation, Utterance
from prc_emo.labels import LabelSet

LABELS = LabelSet("tiny", ("calm", "glad", "cross"))


def talk(*golds):
    return Conversation("d0", tuple(Utterance(f"d0/{at}", "A", "hm", gold) for at, gold in enumerate(golds)))


def test_the_most_frequent_label_with_the_training_frequencies(tmp_path):
    majority = build(LABELS, {}, 42)
    majority.fit([talk("glad", "glad", "cross", None)], [], out=tmp_path)
    (answer,) = majority.predict([talk(None)])
    assert answer.label == "glad"
    assert answer.probabilities == pytest.approx({"calm": 0, "glad": 2 / 3, "cross": 1 / 3})
    assert load(tmp_path).labels == LABELS


def test_of_equals_the_first_of_the_label_set_wins(tmp_path):
    majority = build(LABELS, {}, 42)
    majority.fit([talk("cross", "calm")], [], out=tmp_path)
    assert majority.predict([talk(None)])[0].label == "calm"
