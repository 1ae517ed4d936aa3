"""RAVDESS (Livingstone and Russo, 2018): actors who speak two sentences in eight emotions; only the voice tells which.

Knows a folder of recordings with ``labels.csv`` beside them, which names for each file the actor, the emotion, the
sentence and the fold of the actor: all clips of an actor are in one fold, so nobody is heard in two splits. Each clip is
a conversation of one utterance. Ids name no split: the test splits of all folds together are predictions of one corpus.
"""

from collections.abc import Sequence
from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import Corpus
from prc_emo.corpora.fields import csv_rows, whole_number, words
from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_text
from prc_emo.labels import RAVDESS

COLUMNS = ("file", "actor", "emotion", "sentence", "fold")


def read(
    path: Path, test_fold: int | None = 5, dev_fold: int | None = 4, dev_actors: Sequence[int] | None = None
) -> Corpus:
    """Training is what neither the test nor the development split holds.

    Args:
        path: The folder with labels.csv and the recordings it names.
        test_fold: The actors to test on; None tests on nobody.
        dev_fold: The actors to choose settings on; None leaves them to training.
        dev_actors: These actors instead of a whole fold.
    """
    file = path / "labels.csv"
    if not file.is_file():
        raise PrcEmoError(
            f"{file}: no such file. Expected it beside the recordings, with {', '.join(COLUMNS)}."
        )
    rows = list(csv_rows(read_text(file), str(file), COLUMNS))
    folds = [whole_number(row, "fold", f"{file}, line {line}") for line, row in rows]
    known = sorted(set(folds))
    for option, fold in (("test_fold", test_fold), ("dev_fold", dev_fold)):
        if fold is not None and fold not in known:
            raise PrcEmoError(f"RAVDESS: expected {option} to be one of {known} or null, got {fold!r}.")
    if dev_actors is not None:
        dev_fold = None
        fold_of = {
            whole_number(row, "actor", f"{file}, line {line}"): fold
            for (line, row), fold in zip(rows, folds, strict=True)
        }
        if odd := sorted(actor for actor in dev_actors if fold_of.get(actor) in (None, test_fold)):
            raise PrcEmoError(
                f"RAVDESS: dev_actors {odd} are not in the folds beside test_fold {test_fold}. Those are "
                f"{sorted(actor for actor, fold in fold_of.items() if fold != test_fold)}."
            )
    if test_fold is not None and test_fold == dev_fold:
        raise PrcEmoError(f"RAVDESS: test_fold and dev_fold are both {test_fold}. Give them different folds.")

    held_out = {fold: split for split, fold in (("dev", dev_fold), ("test", test_fold)) if fold is not None}
    choosing = set(dev_actors or ())
    held = [*held_out.values(), *(["dev"] if choosing else [])]
    splits: dict[str, list[Conversation]] = {split: [] for split in ("train", *held)}
    notes = {split: Notes() for split in splits}
    for (line, row), fold in zip(rows, folds, strict=True):
        where = f"{file}, line {line}"
        actor = whole_number(row, "actor", where)
        split = "dev" if actor in choosing else held_out.get(fold, "train")
        recording = Path(words(row["file"], where))
        if recording.is_absolute() or ".." in recording.parts:
            raise PrcEmoError(f"{where}: {str(recording)!r} is not a file below {path}.")
        id = f"ravdess/{recording.with_suffix('').as_posix()}"
        turn = Utterance(
            f"{id}/0",
            speaker=f"actor-{actor:02}",
            text=words(row["sentence"], where),
            gold=notes[split].label(RAVDESS, row["emotion"], where),
            audio=path / recording,
        )
        splits[split].append(Conversation(id, (turn,)))
    return Corpus(
        "ravdess", RAVDESS, {split: tuple(found) for split, found in splits.items()}, notes=notes, people=True
    )
