"""Voting by hand, and the leaks that a nearest neighbour would profit from most."""

import math
from collections import Counter

import numpy as np
import pytest

from prc_emo.baselines.nearest import recognizer
from prc_emo.baselines.nearest.model import vote
from prc_emo.bench.contract import Retrieves
from prc_emo.compose import demonstrations_of
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.labels import LabelSet
from retrieval_store import DemonstrationStore

LABELS = LabelSet("tiny", ("glad", "cross"))
EVEN = {"glad": 0.5, "cross": 0.5}


class LetterCounts:
    """An encoder in four lines: a text is how often each letter comes."""

    id, dimension = "letters@0", 27

    def __init__(self, name="letters"):
        pass

    def encode(self, texts, progress=False):
        counts = np.array(
            [[Counter(text)[letter] for letter in "abcdefghijklmnopqrstuvwxyz"] + [0.1] for text in texts]
        )
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def nearest(monkeypatch):
    monkeypatch.setattr(recognizer, "Embedder", LetterCounts)
    return lambda **parameters: recognizer.build(
        LABELS, {"neighbours": [1], "temperatures": [0.1], **parameters}, 42
    )


def talk(id, *turns):
    return Conversation(
        id, tuple(Utterance(f"{id}/{at}", "A", text, gold) for at, (text, gold) in enumerate(turns))
    )


TRAIN = [
    talk("d0", ("aaab", "glad"), ("zzzy", "cross")),
    talk("d1", ("aabb", "glad"), ("zzyy", "cross")),
]


def test_the_vote_worked_out_by_hand():
    """At temperature 0.5, neighbours of cosine 1.0 and 0.5 weigh e^2 and e^1, the even prior e^0."""
    found = vote([("glad", 1.0), ("cross", 0.5)], EVEN, 0.5)
    total = math.exp(2) + math.exp(1) + 1
    assert found == pytest.approx({"glad": (math.exp(2) + 0.5) / total, "cross": (math.exp(1) + 0.5) / total})


def test_without_neighbours_the_training_frequencies_answer():
    assert vote([], {"glad": 0.75, "cross": 0.25}, 0.1) == {"glad": 0.75, "cross": 0.25}


def test_a_tiny_temperature_overflows_nothing_and_listens_to_the_nearest():
    assert vote([("glad", 0.9), ("cross", 0.89)], EVEN, 1e-6) == pytest.approx({"glad": 1, "cross": 0})


def test_the_label_of_the_most_similar_training_utterance_is_the_answer(nearest, tmp_path):
    model = nearest()
    model.fit(TRAIN, [], out=tmp_path)
    asked = talk("d9", ("aaaabb", None), ("zzzzyy", None))
    assert [one.label for one in model.predict([asked])] == ["glad", "cross"]
    assert isinstance(model, Retrieves) and model.shown == 2


def test_a_store_of_several_corpora_votes_but_never_with_what_is_asked(nearest, tmp_path):
    dev = [talk("v0", ("aaaab", "glad")), talk("v1", ("aaaab aaaab", "glad"))]
    rows = demonstrations_of([*TRAIN, *dev], source="all", split="train")
    DemonstrationStore.build(rows, LetterCounts()).save(tmp_path / "store")
    model = nearest(store=str(tmp_path / "store"))
    model.fit(TRAIN, [], out=tmp_path / "run")
    model.predict([each.hidden() for each in dev])
    assert model.shown == 2 and model.excluded["same dialogue"] >= 2


def test_neither_the_own_dialogue_nor_the_same_words_ever_vote(nearest, tmp_path):
    """Asked about a training dialogue, where a plain neighbour search would be right every time."""
    turncoat = [
        talk("d0", ("aaab", "glad"), ("aaac", "glad")),
        talk("d1", ("Aaab!", "glad"), ("aaabzz", "cross")),
    ]
    model = nearest()
    model.fit(turncoat, [], out=tmp_path)
    (first, _) = model.predict([turncoat[0].hidden()])
    assert first.label == "cross"
    assert model.excluded["same dialogue"] >= 1 and model.excluded["same text"] >= 1


def test_neighbours_and_temperature_are_chosen_on_dev(nearest, tmp_path):
    """The nearest utterance is mislabelled; dev shows that three neighbours see through it."""
    noisy = [
        talk("d0", ("aaab", "cross")),
        talk("d1", ("aabb", "glad"), ("zzzz", "cross")),
        talk("d2", ("aaabb", "glad"), ("zzzzy", "cross")),
    ]
    dev = [talk("v0", ("aaaab", "glad"), ("zzzzzy", "cross"))]
    model = nearest(neighbours=[1, 3], temperatures=[1.0])
    model.fit(noisy, dev, out=tmp_path)
    assert model.k == 3


def test_a_choice_without_a_dev_split_is_an_error_that_says_what_to_give(nearest, tmp_path):
    with pytest.raises(
        PrcEmoError, match=r"development split .* Give one value each, such as parameters\.neighbours"
    ):
        nearest(neighbours=[1, 3]).fit(TRAIN, [], out=tmp_path)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"neighbours": [0]}, r"parameter 'neighbours.0': input should be greater than or equal to 1, got 0"),
        ({"temperatures": ["hot"]}, r"parameter 'temperatures.0': input should be a valid number, got 'hot'"),
        ({"neighbors": [1]}, r"unknown parameter 'neighbors'\. Did you mean 'neighbours'\?"),
    ],
)
def test_impossible_parameters_are_refused_before_anything_is_loaded(parameters, message):
    with pytest.raises(PrcEmoError, match=message):
        recognizer.build(LABELS, parameters, 42)


def test_turns_without_words_are_no_demonstrations(nearest, tmp_path):
    model = nearest()
    model.fit([*TRAIN, talk("d2", ("  ", "glad"))], [], out=tmp_path)
    assert model.store is not None and len(model.store) == 4
