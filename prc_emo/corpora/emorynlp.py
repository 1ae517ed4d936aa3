"""EmoryNLP (Zahiri and Choi, 2018): scenes of the series Friends, seven emotions, read from the published CSV files.

Knows the files ``emorynlp_{train,dev,test}_final.csv``. A line that several people say together has them all as its
speaker: ``Monica Geller and Phoebe Buffay``.
"""

import ast
from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import SPLITS, Corpus, find_splits
from prc_emo.corpora.encoding import read_published
from prc_emo.corpora.fields import csv_rows, speaker_name, whole_number, words
from prc_emo.corpora.notes import Notes
from prc_emo.corpora.numbered import in_order
from prc_emo.errors import PrcEmoError
from prc_emo.labels import EMORYNLP

FILES = {split: f"emorynlp_{split}_final.csv" for split in SPLITS}
COLUMNS = ("Utterance", "Speaker", "Emotion", "Scene_ID", "Utterance_ID", "Season", "Episode")


def read(path: Path) -> Corpus:
    """The splits whose file is in the folder."""
    found, looked_for = find_splits(path, FILES)
    notes = {split: Notes() for split in found}
    splits = {split: _read_split(file, split, notes[split]) for split, file in found.items()}
    return Corpus("emorynlp", EMORYNLP, splits, looked_for, notes)


def _read_split(file: Path, split: str, notes: Notes) -> tuple[Conversation, ...]:
    turns = []
    for line, row in csv_rows(read_published(file, notes), str(file), COLUMNS):
        where = f"{file}, line {line}"
        season, episode, scene, number = (
            whole_number(row, column, where) for column in ("Season", "Episode", "Scene_ID", "Utterance_ID")
        )
        dialogue = f"emorynlp/{split}/s{season:02}_e{episode:02}_c{scene:02}"
        utterance = Utterance(
            f"{dialogue}/utt{number}",
            speaker=" and ".join(_speakers(row["Speaker"], where)),
            text=words(row["Utterance"], where),
            gold=notes.label(EMORYNLP, row["Emotion"], where),
        )
        turns.append((dialogue, number, line, utterance))
    return in_order(turns, file)


def _speakers(literal: str, where: str) -> list[str]:
    """The names in a field such as ``['Monica Geller', 'Phoebe Buffay']``."""
    try:
        names = ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        names = None
    if not isinstance(names, list) or not names:
        raise PrcEmoError(f"{where}: expected a list of speakers such as ['Monica Geller'], got {literal!r}.")
    return [speaker_name(name, where) for name in names]
