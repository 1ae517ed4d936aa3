"""What a training is given: labelled conversations, in the label set's spelling."""

import pytest

from prc_emo import Conversation, PrcEmoError, Utterance
from prc_emo.fitting import labelled
from prc_emo.labels import MELD


def talk(id: str, *golds: str | None) -> Conversation:
    return Conversation(
        id, tuple(Utterance(f"{id}/{at}", "Ross", "So.", gold) for at, gold in enumerate(golds))
    )


def test_labels_are_spelled_as_the_set_spells_them_and_unlabelled_conversations_stay_out() -> None:
    (kept,) = labelled([talk("a", "Joy", None, " anger"), talk("b", None)], MELD, "training")
    assert [turn.gold for turn in kept.utterances] == ["joy", None, "anger"]


def test_a_label_of_another_set_is_named_with_its_utterance() -> None:
    with pytest.raises(PrcEmoError, match="a/1: 'curious'"):
        labelled([talk("a", "joy", "curious")], MELD, "training")
