"""A corpus by name. The readers are named, not imported: adding one is a file and a line here."""

from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from prc_emo.corpora.corpus import Corpus
from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.labels import LabelSet

READERS = {
    "meld": "meld:read",
    "emorynlp": "emorynlp:read",
    "dailydialog": "dailydialog:read",
    "iemocap": "iemocap:read6",
    "iemocap6": "iemocap:read6",
    "iemocap4": "iemocap:read4",
    "ravdess": "ravdess:read",
    "dailytalk": "dailytalk:read",
    "prc-json": "prc_json:read",
    "prc-demonstrations": "prc_demonstrations:read",
    "jsonl": "own:read_jsonl",
    "csv": "own:read_csv",
    "everyday": "own:read_everyday",
    "demonstrations": "own:read_demonstrations",
    "shipped": "own:read_shipped",
}


def load_corpus(
    name: str, path: Path | str | None = None, *, labels: LabelSet | None = None, **options: Any
) -> Corpus:
    """Reads a corpus to be used: each label is one of its label set.

    Args:
        name: One of `READERS`.
        path: Its folder or file; none for "everyday", which ships.
        labels: For the forms that fix no labels: prc-json, jsonl, csv. The others bring theirs.
        options: What the reader itself takes, for example ``dev_session=4`` of iemocap.

    Raises:
        PrcEmoError: No such corpus, no such option, a file is missing or not of its form, a label is unknown.
    """
    corpus = load_as_found(name, path, labels=labels, **options)
    if labels not in (None, corpus.labels):
        raise PrcEmoError(
            f"Corpus {name!r} has labels of its own ({', '.join(corpus.labels)}). Leave the label set out."
        )
    if unknown := [said for notes in corpus.notes.values() for said in notes.unknown]:
        more = f" It is one of {len(unknown):,} unknown labels; `prc-emo data check` shows where."
        raise PrcEmoError(unknown[0] + (more if len(unknown) > 1 else ""))
    return corpus


def load_as_found(
    name: str, path: Path | str | None = None, *, labels: LabelSet | None = None, **options: Any
) -> Corpus:
    """Reads a corpus to be checked: a label that its label set does not know stays as it stands in the file.

    Arguments as in `load_corpus`; forms that bring their labels pass `labels` over.
    """
    if name not in READERS:
        raise PrcEmoError(f"{name!r} is not a corpus. {did_you_mean(name, READERS)}")
    module, function = READERS[name].split(":")
    reader = getattr(import_module(f"prc_emo.corpora.{module}"), function)
    takes = signature(reader).parameters
    if "path" in takes and path is None:
        raise PrcEmoError(f"Corpus {name!r} needs the path of its folder or file.")
    if "path" not in takes and path is not None:
        raise PrcEmoError(f"Corpus {name!r} ships with the project and takes no path, got {str(path)!r}.")
    if labels is not None and "labels" in takes:
        options["labels"] = labels
    for option in options:
        if option not in takes:
            known = [each for each, how in takes.items() if how.default is not Parameter.empty]
            raise PrcEmoError(
                f"Corpus {name!r} takes no option {option!r}. It takes: {', '.join(known) or 'none'}."
            )
    corpus: Corpus = reader(*([] if path is None else [Path(path)]), **options)
    return corpus
