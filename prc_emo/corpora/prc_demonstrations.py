"""The 14,009 demonstrations that the authors of PRC-Emo had written: one JSON list of sentences with their labels.

The list keeps no dialogues: neighbours often belong together, but nothing says where one ends. So each row is a
conversation of one turn, and its speaker is nobody.
"""

from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import Corpus
from prc_emo.corpora.fields import words
from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_json
from prc_emo.labels import PRC_DEMONSTRATIONS

NAME = "prc-demonstrations"


def read(path: Path) -> Corpus:
    """All rows as a training split.

    Args:
        path: The file, or a folder with one JSON file.

    Raises:
        PrcEmoError: The file is no list of objects with `sentence` and `label`; the message has the row's number.
    """
    file = _only_file(path) if path.is_dir() else path
    rows = read_json(file)
    if not isinstance(rows, list):
        raise PrcEmoError(f"{file}: expected a list of rows, got {type(rows).__name__}.")
    notes, talks = Notes(), []
    for number, row in enumerate(rows):
        where = f"{file}, row {number}"
        if not isinstance(row, dict) or not {"sentence", "label"} <= set(row):
            raise PrcEmoError(f"{where}: expected an object with 'sentence' and 'label', got {row!r:.60}.")
        id = f"{NAME}/{number}"
        label = words(row["label"], where)
        if label not in PRC_DEMONSTRATIONS:
            notes.unknown.append(
                f"{where}: {label!r} is no label here. Known: {', '.join(PRC_DEMONSTRATIONS)}."
            )
        turn = Utterance(f"{id}/0", speaker="Somebody", text=words(row["sentence"], where), gold=label)
        talks.append(Conversation(id, (turn,)))
    return Corpus(NAME, PRC_DEMONSTRATIONS, {"train": tuple(talks)}, notes={"train": notes})


def _only_file(folder: Path) -> Path:
    found = sorted(folder.glob("*.json"))
    if len(found) != 1:
        raise PrcEmoError(f"{folder}: expected one JSON file, found {len(found)}. Give the path of the file.")
    return found[0]
