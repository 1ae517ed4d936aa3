"""DailyDialog (Li et al., IJCNLP 2017): everyday dialogues for learners of English, seven labels, read from the official release.

Knows ``train.zip``, ``validation.zip``, ``test.zip`` or the folders they unpack to; a zip is read in place and never
unpacked. Dialogue N of a split is line N of its file. There are no names: speakers are A and B in turn. Words stay as
published, with a space before punctuation.
"""

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import Corpus, find_splits
from prc_emo.corpora.encoding import decode_published, read_published
from prc_emo.corpora.fields import words
from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError
from prc_emo.labels import DAILYDIALOG

NAMES = {"train": "train", "dev": "validation", "test": "test"}
CODES = (
    "neutral",
    "anger",
    "disgust",
    "fear",
    "happiness",
    "sadness",
    "surprise",
)  # 0 is "no emotion" in the release
END = "__eou__"


def read(path: Path) -> Corpus:
    """The splits that are in the folder, unpacked or as zip."""
    names = {split: name if (path / name).is_dir() else f"{name}.zip" for split, name in NAMES.items()}
    found, looked_for = find_splits(path, names)
    notes = {split: Notes() for split in found}
    splits = {split: _read_split(at, split, notes[split]) for split, at in found.items()}
    return Corpus("dailydialog", DAILYDIALOG, splits, looked_for, notes)


def _read_split(at: Path, split: str, notes: Notes) -> tuple[Conversation, ...]:
    text_file, code_file = f"dialogues_{NAMES[split]}.txt", f"dialogues_emotion_{NAMES[split]}.txt"
    dialogues, codes = (_lines(at, name, notes) for name in (text_file, code_file))
    if len(dialogues) != len(codes):
        raise PrcEmoError(
            f"{at}: {text_file} has {len(dialogues)} lines but {code_file} has {len(codes)}. They must belong line to line."
        )
    return tuple(
        _conversation(
            f"dailydialog/{split}/dia{number}", dialogue, code, f"{at}, {text_file}, line {number}", notes
        )
        for number, (dialogue, code) in enumerate(zip(dialogues, codes, strict=True), start=1)
    )


def _lines(at: Path, name: str, notes: Notes) -> list[str]:
    if at.is_dir():
        text = read_published(at / name, notes)
    else:
        try:
            with zipfile.ZipFile(at) as archive:
                # a zip made on a Mac has a second, hidden file of each name
                members = [
                    m
                    for m in map(PurePosixPath, archive.namelist())
                    if m.name == name and m.parts[0] != "__MACOSX"
                ]
                if len(members) != 1:
                    raise PrcEmoError(f"{at}: expected one file {name} inside, found {len(members)}.")
                text = decode_published(archive.read(str(members[0])), name, notes)
        except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError) as error:
            raise PrcEmoError(f"{at}: not a readable zip file ({error}). Download it again.") from None
    return text.rstrip().split("\n")


def _conversation(id: str, dialogue: str, codes: str, where: str, notes: Notes) -> Conversation:
    texts = [part.strip() for part in dialogue.split(END)]
    if not texts[-1]:
        texts.pop()  # the last turn ends with the marker, too
    labels = [_label(code, where, notes) for code in codes.split()]
    if not texts:
        raise PrcEmoError(
            f"{where}: the dialogue is empty. Every line must hold at least one turn that ends with {END}."
        )
    if len(texts) != len(labels):
        raise PrcEmoError(
            f"{where}: {len(texts)} turns but {len(labels)} emotion labels. Repair one of the two lines."
        )
    return Conversation(
        id,
        tuple(
            Utterance(f"{id}/utt{at}", speaker="AB"[at % 2], text=words(text, where), gold=label)
            for at, (text, label) in enumerate(zip(texts, labels, strict=True))
        ),
    )


def _label(code: str, where: str, notes: Notes) -> str:
    if code not in {str(number) for number in range(len(CODES))}:
        known = ", ".join(f"{number} {label}" for number, label in enumerate(CODES))
        notes.unknown.append(f"{where}: {code!r} is not an emotion of DailyDialog. Known: {known}.")
        return code
    return CODES[int(code)]
