"""DailyTalk (Lee et al., 2023), everyday dialogues that two people read aloud, with their speech as discrete units.

Knows ``train.jsonl`` and ``dev.jsonl``, one utterance a line: what was said before it, its label, its units. The
lines of a dialogue become one conversation; turns that stand only in somebody's history are context without a label, and a
turn that no line tells is missing. Ids of utterances are as published (``1/4_0_d1``: dialogue 1, turn 4, speaker 0), since the
units are found by them: `prc_emo.speech` reads them from the same files.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import Corpus, find_splits
from prc_emo.corpora.fields import words
from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_jsonl
from prc_emo.labels import DAILYDIALOG

FILES = {split: f"{split}.jsonl" for split in ("train", "dev", "test")}
FIELDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "dialogue_id": int,
    "turn": int,
    "speaker": int,
    "emotion": str,
    "text": str,
    "history": (list, type(None)),
}
# Some histories tell the emotion of a turn before its words: "<neutral> Hello." A label is not a word.
_TOLD = re.compile(r"^<\w+>\s*")

Line = tuple[str, dict[str, Any]]  # place in the file, and what stands there


def read(path: Path) -> Corpus:
    """The splits whose file is in the folder."""
    found, looked_for = find_splits(path, FILES)
    notes = {split: Notes() for split in found}
    splits = {split: _read_split(file, notes[split]) for split, file in found.items()}
    return Corpus("dailytalk", DAILYDIALOG, splits, looked_for, notes)


def _read_split(file: Path, notes: Notes) -> tuple[Conversation, ...]:
    dialogues: dict[int, dict[int, Line]] = {}
    for number, row in read_jsonl(file):
        notes.lines += 1
        where = f"{file}, line {number}"
        for key, kind in FIELDS.items():
            if not isinstance(row, dict) or key not in row or not isinstance(row[key], kind):
                raise PrcEmoError(
                    f"{where}: expected an object with {', '.join(FIELDS)}; {key!r} is missing or of another kind."
                )
        turns = dialogues.setdefault(row["dialogue_id"], {})
        if row["turn"] in turns:
            first = turns[row["turn"]][0]
            raise PrcEmoError(
                f"{where}: turn {row['turn']} of dialogue {row['dialogue_id']} was there before, at {first}."
            )
        turns[row["turn"]] = where, row
    return tuple(_conversation(id, turns, notes) for id, turns in dialogues.items())


def _conversation(dialogue: int, turns: dict[int, Line], notes: Notes) -> Conversation:
    utterances = _context(dialogue, turns.values(), notes)
    for number, (where, row) in turns.items():
        utterances[number] = Utterance(
            row["id"],
            speaker=_speaker(row["speaker"]),
            text=words(row["text"], where),
            gold=notes.label(DAILYDIALOG, row["emotion"], where),
        )
    return Conversation(
        f"dailytalk/dia{dialogue}", tuple(utterances[number] for number in sorted(utterances))
    )


def _context(dialogue: int, lines: Iterable[Line], notes: Notes) -> dict[int, Utterance]:
    """The turns that the histories tell; the two speakers take turns, so each is known by the place."""
    told: dict[int, Utterance] = {}
    for where, row in lines:
        history = [words(text, f"{where}, history") for text in row["history"] or []]
        if any(map(_TOLD.match, history)):
            notes.repaired.append(f"{where} (its history tells emotions)")
        for number, said in enumerate(history):
            speaker = (row["speaker"] + row["turn"] - number) % 2
            told[number] = Utterance(
                f"{dialogue}/{number}_{speaker}_d{dialogue}", _speaker(speaker), _TOLD.sub("", said)
            )
    return told


def _speaker(number: int) -> str:
    if number not in (0, 1):
        raise PrcEmoError(f"DailyTalk: expected speaker 0 or 1, got {number}.")
    return "AB"[number]
