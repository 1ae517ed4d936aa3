"""MELD (Poria et al., ACL 2019): dialogues of the series Friends, seven emotions, read from the official CSV files.

Knows the files ``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv``. An id names the split
(``meld/train/dia0/utt1``), because each split counts its dialogues from 0. Numbers of utterances are as published, gaps
included.
"""

from collections.abc import Mapping
from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import Corpus, find_splits
from prc_emo.corpora.encoding import read_published
from prc_emo.corpora.fields import csv_rows, speaker_name, whole_number, words
from prc_emo.corpora.notes import Notes
from prc_emo.corpora.numbered import in_order
from prc_emo.corpora.recordings import recordings
from prc_emo.labels import MELD

FILES = {"train": "train_sent_emo.csv", "dev": "dev_sent_emo.csv", "test": "test_sent_emo.csv"}
CLIPS = {
    "train": ("train", "train_splits"),
    "dev": ("dev", "dev_splits_complete"),
    "test": ("test", "output_repeated_splits_test"),
}
COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")


def read(path: Path, audio: Path | str | None = None) -> Corpus:
    """The splits whose file is in the folder.

    Args:
        path: The folder.
        audio: The folder of the recordings, from `path` or absolute. It has a folder for each split, called as the split or
            as MELD's archive calls it, with `dia0_utt1.wav` and so on (flac, mp3 and ogg as well); None: words only.

    Raises:
        PrcEmoError: A file is not of its form, or there are no recordings where they were said to be.
    """
    found, looked_for = find_splits(path, FILES)
    notes = {split: Notes() for split in found}
    recorded = {
        split: {} if audio is None else recordings(path / str(audio), CLIPS[split]) for split in found
    }
    splits = {split: _read_split(file, split, notes[split], recorded[split]) for split, file in found.items()}
    return Corpus("meld", MELD, splits, looked_for, notes)


def _read_split(
    file: Path, split: str, notes: Notes, recorded: Mapping[str, Path]
) -> tuple[Conversation, ...]:
    turns = []
    for line, row in csv_rows(read_published(file, notes), str(file), COLUMNS):
        where = f"{file}, line {line}"
        number = whole_number(row, "Utterance_ID", where)
        dialogue = f"meld/{split}/dia{whole_number(row, 'Dialogue_ID', where)}"
        utterance = Utterance(
            f"{dialogue}/utt{number}",
            speaker=speaker_name(row["Speaker"], where),
            text=words(row["Utterance"], where),
            gold=notes.label(MELD, row["Emotion"], where),
            audio=recorded.get(f"{dialogue.rpartition('/')[2]}_utt{number}"),
        )
        turns.append((dialogue, number, line, utterance))
    return in_order(turns, file)
