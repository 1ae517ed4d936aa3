"""The arguments that files of commands share, and the corpus and label set that they name."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.labels import LABEL_SETS, LabelSet

if TYPE_CHECKING:
    from prc_emo.corpora import Corpus

CorpusName = Annotated[
    str,
    typer.Argument(
        help="meld, emorynlp, dailydialog, iemocap6, iemocap4, ravdess, dailytalk, prc-json, prc-demonstrations, jsonl, csv, "
        "everyday, demonstrations, shipped"
    ),
]
CorpusPath = Annotated[
    Path | None, typer.Argument(help="Its folder or file; none for everyday, demonstrations and shipped.")
]
Labels = Annotated[
    str | None,
    typer.Option(
        help="For jsonl, csv and prc-json: meld, emorynlp, dailydialog, iemocap6, iemocap4, ravdess."
    ),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="KEY=VALUE", help="What the corpus' reader takes, such as audio=FOLDER of meld."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def read_corpus(
    name: str, path: Path | None, labels: str | None, options: list[str] | None = None
) -> "Corpus":
    from prc_emo.corpora import load_corpus
    from prc_emo.settings import pair

    return load_corpus(name, path, labels=label_set(labels), **dict(map(pair, options or [])))


def label_set(name: str | None) -> LabelSet | None:
    if name is not None and name not in LABEL_SETS:
        raise PrcEmoError(f"{name!r} is no label set. {did_you_mean(name, LABEL_SETS)}")
    return None if name is None else LABEL_SETS[name]
