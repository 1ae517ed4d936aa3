"""Our own JSONL: one conversation per line. The form is described in the README beside this file.

Knows one line and how to write it; splits and labels of the whole are put together in `own`.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from prc_emo import files
from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.fields import refuse_misspelt, speaker_name, words
from prc_emo.corpora.source import Found, Source, split_name
from prc_emo.errors import PrcEmoError

CONVERSATION = ("id", "turns", "split", "domain")
TURN = ("id", "speaker", "text", "emotion", "audio")


def read(source: Source) -> Iterator[Found]:
    """Yields the conversations line by line; empty lines are passed over.

    Raises:
        PrcEmoError: A line is not JSON or not of the form; the message has its number.
    """
    for number, line in enumerate(source.text.split("\n"), start=1):
        if line.strip():
            where = f"{source.name}, line {number}"
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                raise PrcEmoError(f"{where}: not valid JSON ({error.msg}, column {error.colno}).") from None
            except (ValueError, RecursionError) as error:  # thousands of digits, thousands of brackets
                raise PrcEmoError(f"{where}: not readable as JSON ({error}).") from None
            yield _conversation(value, source, number, where)


def _conversation(value: Any, source: Source, number: int, where: str) -> Found:
    if not isinstance(value, dict):
        raise PrcEmoError(f"{where}: expected an object with 'turns', got {type(value).__name__}.")
    refuse_misspelt(value, CONVERSATION, where)
    turns = value.get("turns")
    if not isinstance(turns, list):
        raise PrcEmoError(f"{where}: expected 'turns' to be a list of turns, got {turns!r:.60}.")
    if not turns:
        raise PrcEmoError(f"{where}: the conversation is empty. Give it a turn or take the line out.")
    id = _id(value, where) or f"{source.stem}/{number}"
    places = tuple(f"{where}, turn {at}" for at in range(1, len(turns) + 1))
    utterances = tuple(_turn(turn, f"{id}/{at}", source, places[at]) for at, turn in enumerate(turns))
    domain = value.get("domain")
    talk = Conversation(id, utterances, "" if domain is None else words(domain, where))
    return Found(talk, where, places, split_name(value.get("split"), where))


def _turn(value: Any, id: str, source: Source, where: str) -> Utterance:
    if not isinstance(value, dict):
        raise PrcEmoError(
            f"{where}: expected an object with 'speaker' and 'text', got {type(value).__name__}."
        )
    refuse_misspelt(value, TURN, where)
    for key in ("speaker", "text"):
        if key not in value:
            raise PrcEmoError(f"{where}: {key!r} is missing.")
    emotion = value.get("emotion")
    return Utterance(
        _id(value, where) or id,
        speaker=speaker_name(value["speaker"], where),
        text=words(value["text"], where),
        gold=None if emotion is None else words(emotion, where) or None,
        audio=source.audio(value.get("audio"), where),
    )


def _id(value: dict[str, Any], where: str) -> str | None:
    id = value.get("id")
    if id is not None and (not isinstance(id, str) or not id.strip()):
        raise PrcEmoError(f"{where}: expected 'id' to be a text that is not empty, got {id!r}.")
    return id


def write_jsonl(path: Path, conversations: Iterable[Conversation]) -> None:
    """Writes conversations so that reading them gives them back, ids included.

    A recording below the file's folder is written relative to it, any other by its absolute path.
    """
    folder = path.parent.resolve()
    files.write_jsonl(path, (_row(conversation, folder) for conversation in conversations))


def _row(conversation: Conversation, folder: Path) -> dict[str, Any]:
    turns = []
    for at, utterance in enumerate(conversation.utterances):
        turn = {"speaker": utterance.speaker, "text": utterance.text}
        if utterance.id != f"{conversation.id}/{at}":
            turn = {"id": utterance.id, **turn}
        if utterance.gold is not None:
            turn["emotion"] = utterance.gold
        if utterance.audio is not None:
            audio = utterance.audio.resolve()
            turn["audio"] = (audio.relative_to(folder) if audio.is_relative_to(folder) else audio).as_posix()
        turns.append(turn)
    domain = {"domain": conversation.domain} if conversation.domain else {}
    return {"id": conversation.id, **domain, "turns": turns}
