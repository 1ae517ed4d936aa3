"""IEMOCAP (Busso et al., 2008): ten actors in five sessions, read from the folder of the official release.

Knows ``Session{1..5}/dialog/transcriptions/*.txt``, ``dialog/EmoEvaluation/*.txt`` and the recordings under
``sentences/wav``. Session 5 is the test split, as everywhere in the literature. Sessions 1 to 4 are training and
validation, and there are two ways to part them:

- by default, every tenth dialogue of a session (the 5th, 15th, 25th by name) is validation: about 10 %, improvised and
  scripted ones, always whole dialogues. This is near published practice, with its weakness: train and dev share speakers;
- ``dev_session=4``: session 4 is validation, so that nobody heard in training is heard there.

Four-way: excited counts as happy. What an emotion set does not cover (frustrated in the four-way one, surprise, fear,
"xxx" where the annotators disagreed) is kept as context without a label.
"""

import re
from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import Corpus
from prc_emo.corpora.encoding import read_published
from prc_emo.corpora.fields import words
from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError
from prc_emo.labels import IEMOCAP4, IEMOCAP6, LabelSet

CODES = {
    "hap": "happy",
    "sad": "sad",
    "neu": "neutral",
    "ang": "angry",
    "exc": "excited",
    "fru": "frustrated",
}
NOT_COVERED = ("sur", "fea", "dis", "oth", "xxx")
TEST_SESSION = 5

_SAID = re.compile(r"(Ses(\d\d)\w+_([FM])\w*)\s+\[(\d+(?:\.\d+)?)\s*-\s*[\d.]+\]:?(.*)")
_JUDGED = re.compile(r"\[[\d.]+\s*-\s*[\d.]+\]\t(\w+)\t(\w+)\t")


def read6(path: Path, dev_session: int | None = None) -> Corpus:
    """Six-way: happy, sad, neutral, angry, excited, frustrated.

    Args:
        path: Folder with Session1 to Session5.
        dev_session: The session (1 to 4) that is validation as a whole; None takes every tenth dialogue.
    """
    return _read(path, IEMOCAP6, dev_session)


def read4(path: Path, dev_session: int | None = None) -> Corpus:
    """Four-way: happy (with excited), sad, neutral, angry. Arguments as in `read6`."""
    return _read(path, IEMOCAP4, dev_session)


def _read(path: Path, labels: LabelSet, dev_session: int | None) -> Corpus:
    if dev_session not in (None, 1, 2, 3, 4):
        raise PrcEmoError(
            f"IEMOCAP: expected dev_session to be 1, 2, 3 or 4 (5 is the test session), got {dev_session!r}."
        )
    splits: dict[str, list[Conversation]] = {"train": [], "dev": [], "test": []}
    notes = {split: Notes() for split in splits}
    for session in range(1, TEST_SESSION + 1):
        for position, transcript in enumerate(_transcripts(path / f"Session{session}")):
            held_out = position % 10 == 4 if dev_session is None else session == dev_session
            split = "test" if session == TEST_SESSION else "dev" if held_out else "train"
            splits[split].append(_conversation(transcript, split, labels, notes[split]))
    return Corpus(
        "iemocap",
        labels,
        {split: tuple(members) for split, members in splits.items()},
        notes=notes,
        people=True,
    )


def _transcripts(session: Path) -> list[Path]:
    """The transcripts of a session by name, without the hidden twins that a Mac leaves in an archive."""
    folder = session / "dialog" / "transcriptions"
    found = sorted(file for file in folder.glob("*.txt") if not file.name.startswith("."))
    if not found:
        raise PrcEmoError(
            f"{folder}: expected the transcripts of IEMOCAP, found none. Give the folder that holds Session1 to Session5."
        )
    return found


def _conversation(transcript: Path, split: str, labels: LabelSet, notes: Notes) -> Conversation:
    session = transcript.parents[2]
    name = transcript.stem
    judged = _judgements(session / "dialog" / "EmoEvaluation" / transcript.name, labels, notes)
    recordings = session / "sentences" / "wav" / name
    recorded = {file.stem: file for file in recordings.glob("*.wav")}

    turns: list[tuple[float, Utterance]] = []
    for line, text in enumerate(read_published(transcript, notes).split("\n"), start=1):
        said = _SAID.match(text)
        if said is None:  # remarks such as "M: [BREATHING]" have no id, no time and no label
            continue
        turn, number, who, start, spoken = said.groups()
        utterance = Utterance(
            f"iemocap/{split}/{name}/{turn.removeprefix(name).strip('_')}",
            speaker=f"Ses{number}_{who}",
            text=words(spoken, f"{transcript}, line {line}"),
            gold=judged.pop(turn, None),
            audio=recorded.get(turn),
        )
        turns.append((float(start), utterance))
    if judged:
        raise PrcEmoError(
            f"{transcript}: {next(iter(judged))} is in EmoEvaluation, but no line here has its words and times."
        )
    if not turns:
        raise PrcEmoError(
            f"{transcript}: expected lines like 'Ses01F_impro01_F000 [006.2901-008.2357]: ...', found none."
        )
    turns.sort(key=lambda turn: turn[0])
    return Conversation(f"iemocap/{split}/{name}", tuple(utterance for _, utterance in turns))


def _judgements(file: Path, labels: LabelSet, notes: Notes) -> dict[str, str | None]:
    """Label by name of the turn; None where the label set has no word for it."""
    judged: dict[str, str | None] = {}
    for line, text in enumerate(read_published(file, notes).split("\n"), start=1):
        found = _JUDGED.match(text)
        if found is None:  # the votes of the single annotators follow each summary line
            continue
        turn, code = found.groups()
        if code not in CODES and code not in NOT_COVERED:
            known = ", ".join([*CODES, *NOT_COVERED])
            notes.unknown.append(
                f"{file}, line {line}: {turn} has the emotion code {code!r}. Known: {known}."
            )
            judged[turn] = code
        else:
            judged[turn] = labels.translate(CODES[code]) if code in CODES else None
    if not judged:
        raise PrcEmoError(
            f"{file}: expected lines like '[6.2901 - 8.2357]<tab>Ses01F_impro01_F000<tab>neu<tab>...', found none."
        )
    return judged
