"""The two records that everything is made of."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError


def test_hidden_takes_the_gold_labels_and_nothing_else(tiny_talks: tuple[Conversation, ...]) -> None:
    """Ids tie predictions to gold labels; the words and the recording are what is read."""
    talk = Conversation(
        "a", (*tiny_talks[0].utterances, Utterance("a/x", "Ada", "Hm.", "joy", Path("x.wav")))
    )
    assert any(turn.gold for turn in talk.utterances)
    hidden = talk.hidden()
    assert {turn.gold for turn in hidden.utterances} == {None}
    for before, after in zip(talk.utterances, hidden.utterances, strict=True):
        assert (after.id, after.speaker, after.text, after.audio) == (
            before.id, before.speaker, before.text, before.audio,
        )  # fmt: skip
    assert (hidden.id, hidden.hidden(), len(hidden)) == (talk.id, hidden, len(talk))


def test_reading_a_hidden_emotion_is_an_error_with_its_id(tiny_talks: tuple[Conversation, ...]) -> None:
    """What a recognizer is given to predict must not answer for it."""
    turn = tiny_talks[0].utterances[2]
    assert turn.emotion == "anger"
    with pytest.raises(
        PrcEmoError, match=r"^tiny/market/2: the emotion is hidden or was never annotated; predict"
    ):
        _ = tiny_talks[0].hidden().utterances[2].emotion
    with pytest.raises(PrcEmoError, match="tiny/market/5"):
        _ = tiny_talks[0].utterances[5].emotion


def test_records_are_frozen_and_are_what_they_hold(tiny_talks: tuple[Conversation, ...]) -> None:
    talk = tiny_talks[1]
    with pytest.raises(FrozenInstanceError):
        talk.id = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        talk.utterances[0].gold = "joy"  # type: ignore[misc]
    same = Conversation(talk.id, talk.utterances)
    assert (same, hash(same)) == (talk, hash(talk)) and talk.hidden() != talk


def test_speakers_come_once_in_the_order_in_which_they_first_speak() -> None:
    talk = Conversation.of([("B", "1"), ("A", "2"), ("B", "3"), ("C", "4")])
    assert talk.speakers == ("B", "A", "C")


def test_typed_turns_get_ids_of_their_conversation() -> None:
    talk = Conversation.of([("Ross", "I'm fine."), ["Monica", "You're not fine."]], id="mine")
    assert [turn.id for turn in talk.utterances] == ["mine/0", "mine/1"]
    assert {turn.gold for turn in talk.utterances} == {None}


def test_one_turn_is_a_conversation_and_none_is_not() -> None:
    assert len(Conversation.of([("Ross", "Hi.")])) == 1
    with pytest.raises(PrcEmoError, match=r"^dia7: a conversation needs at least one utterance"):
        Conversation("dia7", ())
