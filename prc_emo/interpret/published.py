"""Knowledge that others have made: files are read in their forms and joined with the conversations they are about.

Three forms, told apart by what is in them:

- interpretations as the released code of PRC-Emo writes them: a JSON object, conversation -> `utterances` ("NAME: text")
  beside `emotion_predictions` (`surface_emotion`, `implicit_emotion`);
- characteristics as the released code of BiosERC and PRC-Emo writes them: a JSON object, conversation -> one text per turn;
- JSON lines of conversations with `turns`, each with `text`, `explicit`, `implicit` and `speaker_description`.

Conversations are found by their words, since every publication numbers and orders them anew; the second form has no
words, and is joined by its conversation ids, which must be those of one split: `dia0` alone may be of train or of dev. What
is empty or says that there was no prediction is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_json, read_jsonl
from prc_emo.knowledge import Interpretation, Knowledge
from retrieval_store import normalise_text

_NOTHING = ("", "no prediction", "unknown")


@dataclass(frozen=True, slots=True)
class Published:
    """One conversation of a file: per turn, as far as the file says, its words and what was written about it."""

    where: str
    id: str
    texts: tuple[str, ...] | None
    explicit: tuple[str, ...] = ()
    implicit: tuple[str, ...] = ()
    characteristics: tuple[str, ...] = ()


def read_published(path: Path, conversations: Sequence[Conversation]) -> tuple[Knowledge, list[str]]:
    """The knowledge of a file, about these conversations, and the ids of the file that are none of them.

    Raises:
        PrcEmoError: The file has none of the forms, nothing in it is about these conversations, or it does not say which of
            them it is about.
    """
    by_words: dict[tuple[str, ...], list[Conversation]] = {}
    by_name: dict[str, list[Conversation]] = {}
    for talk in conversations:
        by_words.setdefault(tuple(normalise_text(turn.text) for turn in talk.utterances), []).append(talk)
        by_name.setdefault(talk.id.rsplit("/", 1)[-1], []).append(talk)
    interpretations: dict[str, Interpretation] = {}
    characteristics: dict[tuple[str, str], str] = {}
    strangers = []
    for one in _conversations(path):
        if one.texts is None:
            found = by_name.get(one.id, [])
            if len(found) > 1:
                splits = " and ".join(talk.id.rpartition("/")[0] for talk in found)
                raise PrcEmoError(f"{one.where}: {one.id} is in {splits}; say which with --split.")
        else:
            found = by_words.get(tuple(map(normalise_text, one.texts)), [])
        if not found:
            strangers.append(one.id)
        for talk in found:
            _join(one, talk, interpretations, characteristics)
    if not interpretations and not characteristics:
        raise PrcEmoError(
            f"{path}: none of its {len(strangers)} conversations is one of the {len(conversations)} of this corpus. "
            "Is it of another corpus or split?"
        )
    return Knowledge(interpretations, characteristics), strangers


def _join(
    one: Published,
    talk: Conversation,
    interpretations: dict[str, Interpretation],
    characteristics: dict[tuple[str, str], str],
) -> None:
    for position, turn in enumerate(talk.utterances):
        if one.explicit and one.implicit:
            both = one.explicit[position].strip(), one.implicit[position].strip()
            if not any(text.lower() in _NOTHING for text in both):
                interpretations[turn.id] = Interpretation(*both)
        if one.characteristics:
            if len(one.characteristics) != len(talk):
                raise PrcEmoError(
                    f"{one.where}: expected a characteristic for each of the {len(talk)} turns of {talk.id}, got "
                    f"{len(one.characteristics)}. If the file is of another split, say which with --split."
                )
            # the same for every turn of a speaker
            text = one.characteristics[position].strip()
            if text.lower() not in _NOTHING:
                characteristics.setdefault((talk.id, turn.speaker), text)


def _conversations(path: Path) -> Iterator[Published]:
    if path.suffix == ".jsonl":
        for number, row in read_jsonl(path):
            yield _of_turns(row, f"{path}, line {number}")
        return
    whole = read_json(path)
    if not isinstance(whole, dict) or not whole:
        raise _unknown(str(path))
    for id, value in whole.items():
        where = f"{path}, conversation {id}"
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            yield Published(where, id, None, characteristics=tuple(value))
        elif isinstance(value, dict) and {"utterances", "emotion_predictions"} <= set(value):
            yield _of_predictions(value, where, id)
        else:
            raise _unknown(where)


def _of_turns(row: Any, where: str) -> Published:
    turns = row.get("turns") if isinstance(row, dict) else None
    if not isinstance(turns, list) or not all(isinstance(turn, dict) and "text" in turn for turn in turns):
        raise _unknown(where)

    def column(key: str) -> tuple[str, ...]:
        return tuple(str(turn.get(key) or "") for turn in turns)

    ids = (str(row[key]) for key in ("id", "conversation", "meld_dialogue_id", "prc_id") if key in row)
    return Published(
        where,
        next(ids, where),
        column("text"),
        column("explicit"),
        column("implicit"),
        column("speaker_description"),
    )


def _of_predictions(value: Mapping[str, Any], where: str, id: str) -> Published:
    said, read = value["utterances"], value["emotion_predictions"]
    if not isinstance(said, list) or not isinstance(read, list) or len(said) != len(read):
        raise PrcEmoError(f"{where}: expected as many emotion_predictions as utterances.")
    texts = tuple(str(line).partition(": ")[2] for line in said)
    explicit, implicit = (
        tuple(str(one.get(key) or "") if isinstance(one, dict) else "" for one in read)
        for key in ("surface_emotion", "implicit_emotion")
    )
    return Published(where, id, texts, explicit, implicit)


def _unknown(where: str) -> PrcEmoError:
    return PrcEmoError(
        f"{where}: none of the forms of published knowledge. Expected JSON lines of conversations with turns, or a JSON "
        "object with utterances and emotion_predictions, or one text per turn, for each conversation."
    )
