"""Turns that carry the number of their dialogue and their own, put together into conversations."""

from collections.abc import Iterable
from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError


def in_order(turns: Iterable[tuple[str, int, int, Utterance]], file: Path) -> tuple[Conversation, ...]:
    """Conversations in order of appearance, turns by number.

    Args:
        turns: Conversation id, number of the turn, line in the file, utterance.
        file: For the message.

    Raises:
        PrcEmoError: A conversation has two turns with one number.
    """
    conversations: dict[str, dict[int, tuple[int, Utterance]]] = {}
    for conversation, number, line, utterance in turns:
        members = conversations.setdefault(conversation, {})
        if number in members:
            raise PrcEmoError(
                f"{file}, line {line}: {conversation} has a second utterance {number}, the first is on line {members[number][0]}."
            )
        members[number] = (line, utterance)
    return tuple(
        Conversation(id, tuple(members[number][1] for number in sorted(members)))
        for id, members in conversations.items()
    )
