"""The JSON that the authors of PRC-Emo and, before them, of BiosERC publish their corpora in.

Knows ``{corpus}.train.json``, ``{corpus}.valid.json``, ``{corpus}.test.json``: a conversation id mapped to parallel lists
``sentences``, ``labels`` and ``genders`` (or ``speakers``). Labels are words, or integers whose meaning depends on
the corpus: `PUBLISHED_ORDER` for the four published ones (it is not the order of our tables), else the order of the
label set that is given. Turns have no numbers of their own, utterances are counted from 0.
"""

from pathlib import Path
from typing import Any

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import Corpus, find_splits
from prc_emo.corpora.fields import speaker_name, words
from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_json
from prc_emo.labels import DAILYDIALOG, EMORYNLP, IEMOCAP6, MELD, LabelSet

FILES = {"train": "train", "dev": "valid", "test": "test"}

PUBLISHED_ORDER: dict[str, tuple[LabelSet, tuple[str, ...]]] = {
    "meld": (MELD, ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")),
    "emorynlp": (EMORYNLP, ("joyful", "mad", "peaceful", "neutral", "sad", "powerful", "scared")),
    "dailydialog": (DAILYDIALOG, ("neutral", "happiness", "sadness", "surprise", "anger", "fear", "disgust")),
    "iemocap": (IEMOCAP6, ("happy", "sad", "neutral", "angry", "excited", "frustrated")),
}


def read(path: Path, labels: LabelSet | None = None) -> Corpus:
    """The splits of one corpus.

    Args:
        path: The folder, if it holds one corpus; else the folder and the corpus' name: ``data/meld``.
        labels: For a corpus that is not in `PUBLISHED_ORDER`; integers count in its order.
    """
    folder, name = (path, _only_corpus(path)) if path.is_dir() else (path.parent, path.name.split(".")[0])
    if name in PUBLISHED_ORDER:
        own, order = PUBLISHED_ORDER[name]
        if labels not in (None, own):
            raise PrcEmoError(
                f"{path}: {name} has labels of its own ({', '.join(own)}). Leave the label set out."
            )
    elif labels is not None:
        own, order = labels, labels.labels
    else:
        raise PrcEmoError(
            f"{path}: {name} is none of {', '.join(PUBLISHED_ORDER)}. Give the label set whose order its integers follow."
        )
    found, looked_for = find_splits(folder, {split: f"{name}.{part}.json" for split, part in FILES.items()})
    notes = {split: Notes() for split in found}
    splits = {
        split: _read_split(file, f"{name}/{split}", own, order, notes[split]) for split, file in found.items()
    }
    return Corpus(name, own, splits, looked_for, notes)


def _only_corpus(folder: Path) -> str:
    names = sorted(
        {file.name.split(".")[0] for part in FILES.values() for file in folder.glob(f"*.{part}.json")}
    )
    if len(names) != 1:
        raise PrcEmoError(
            f"{folder}: expected the files of one corpus such as meld.train.json, found {', '.join(names) or 'none'}."
            + (f" Give one of them: {folder / names[0]}." if names else "")
        )
    return names[0]


def _read_split(
    file: Path, prefix: str, labels: LabelSet, order: tuple[str, ...], notes: Notes
) -> tuple[Conversation, ...]:
    content = read_json(file)
    if not isinstance(content, dict):
        raise PrcEmoError(f"{file}: expected an object of conversations by id, got {type(content).__name__}.")
    return tuple(
        _conversation(file, f"{prefix}/{id}", id, value, labels, order, notes)
        for id, value in content.items()
    )


def _conversation(
    file: Path, id: str, raw_id: str, value: Any, labels: LabelSet, order: tuple[str, ...], notes: Notes
) -> Conversation:
    where = f"{file}, conversation {raw_id!r}"
    who_key = "speakers" if isinstance(value, dict) and "speakers" in value else "genders"
    columns = []
    for key in ("sentences", "labels", who_key):
        if not isinstance(value, dict) or not isinstance(value.get(key), list):
            raise PrcEmoError(
                f"{where}: expected the lists sentences, labels and genders (or speakers); {key!r} is missing."
            )
        columns.append(value[key])
    sentences, golds, who = columns
    if not len(sentences) == len(golds) == len(who):
        raise PrcEmoError(
            f"{where}: {len(sentences)} sentences, {len(golds)} labels and {len(who)} {who_key}. Each turn needs one of each."
        )
    if not sentences:
        raise PrcEmoError(f"{where}: the conversation is empty. Take it out of the file.")
    return Conversation(
        id,
        tuple(
            Utterance(
                f"{id}/utt{at}",
                speaker=_speaker(someone, raw_id, f"{where}, turn {at}"),
                text=words(sentence, f"{where}, turn {at}"),
                gold=_label(gold, labels, order, f"{where}, turn {at}", notes),
            )
            for at, (sentence, gold, someone) in enumerate(zip(sentences, golds, who, strict=True))
        ),
    )


def _speaker(value: Any, conversation: str, where: str) -> str:
    """A name; or F and M in IEMOCAP, a one-hot list in MELD and EmoryNLP, a number in DailyDialog.

    >>> _speaker([0, 1, 0], "dia0", ""), _speaker("F", "Ses05M_impro01", ""), _speaker("Ross", "dia0", "")
    ('SPEAKER_1', 'Ses05_F', 'Ross')
    """
    if isinstance(value, list) and value.count(1) == 1:
        return f"SPEAKER_{value.index(1)}"
    if type(value) is int:
        return f"SPEAKER_{value}"
    if value in ("F", "M") and conversation.startswith("Ses"):
        return f"{conversation[:5]}_{value}"
    return speaker_name(value, where)


def _label(value: Any, labels: LabelSet, order: tuple[str, ...], where: str, notes: Notes) -> str:
    if isinstance(value, str):
        return notes.label(labels, value, where)
    if type(value) is not int or not 0 <= value < len(order):
        known = ", ".join(f"{number} {label}" for number, label in enumerate(order))
        notes.unknown.append(f"{where}: {value!r} is not a label of {labels.name}. Known: {known}.")
        return str(value)
    return order[value]
