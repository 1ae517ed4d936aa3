"""What a training is given: labelled conversations, in the label set's spelling; and what it may not change under way."""

from pathlib import Path

import pytest

from prc_emo import Conversation, PrcEmoError, Utterance
from prc_emo.files import read_json
from prc_emo.fitting import labelled, same_as_before
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


def test_what_changed_is_named_and_the_record_stays_as_it_was(tmp_path: Path) -> None:
    record = tmp_path / "training.json"
    same_as_before(record, {"order": "1", "training data": [talk("a", "joy")]})
    same_as_before(record, {"prompt": [[1, 2], [3]]})
    same_as_before(record, {"order": "1"})
    before = read_json(record)
    assert list(before) == ["order", "training data", "prompt"]
    with pytest.raises(PrcEmoError, match=r"begun with another order and training data\. .*--fresh"):
        same_as_before(record, {"training data": [talk("a", "fear")], "order": "2"})
    with pytest.raises(PrcEmoError, match="another prompt"):
        same_as_before(record, {"prompt": [[1, 2], [3], [4]]})
    assert read_json(record) == before
