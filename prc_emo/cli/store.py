"""The commands `prc-emo store`: a folder of demonstrations is made, extended, searched and described."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from prc_emo.cli.arguments import AsJson, CorpusName, CorpusPath, Labels, label_set, read_corpus
from prc_emo.cli.console import out, tell

if TYPE_CHECKING:
    from retrieval_store import Demonstration

app = typer.Typer(no_args_is_help=True, help="The store of demonstrations: build, extend, search, describe.")

Folder = Annotated[Path, typer.Argument(help="The folder of the store.")]
Split = Annotated[str, typer.Option(help="Which split to remember.")]
OwnEncoder = Annotated[str | None, typer.Option(help="Where the store's own encoder is, if not by its name.")]


@app.command()
def build(
    folder: Folder,
    corpus: CorpusName,
    path: CorpusPath = None,
    split: Split = "train",
    labels: Labels = None,
    encoder: Annotated[str, typer.Option(help="A sentence-transformers model.")] = "minilm",
    index: Annotated[
        Literal["auto", "flat", "hnsw", "ivfpq"], typer.Option(help="How to search; auto goes by size.")
    ] = "auto",
) -> None:
    """Make a store of a corpus' utterances."""
    rows = _demonstrations(corpus, path, split, labels)
    from retrieval_store import DemonstrationStore, Embedder

    made = DemonstrationStore.build(rows, Embedder(encoder), index=index, progress=True)
    made.save(folder)
    tell(f"{folder}: {len(made)} demonstrations.")


@app.command()
def add(
    folder: Folder,
    corpus: CorpusName,
    path: CorpusPath = None,
    split: Split = "train",
    labels: Labels = None,
    encoder: OwnEncoder = None,
) -> None:
    """Add a corpus' utterances to a store."""
    rows = _demonstrations(corpus, path, split, labels)
    from retrieval_store import DemonstrationStore, Embedder

    grown = DemonstrationStore.load(folder, Embedder(encoder) if encoder else None)
    before = len(grown)
    grown.add(rows, progress=True)
    grown.save(folder)
    tell(f"{folder}: {len(grown) - before} new, {len(grown)} demonstrations in all.")


@app.command()
def search(
    folder: Folder,
    text: Annotated[str, typer.Argument(help="What somebody says.")],
    k: Annotated[int, typer.Option(min=1)] = 3,
    labels: Annotated[str | None, typer.Option(help="Show labels in the words of this label set.")] = None,
    encoder: OwnEncoder = None,
) -> None:
    """The nearest demonstrations of a text, and what was nearer but held back."""
    from prc_emo.inspection import demonstrations
    from retrieval_store import DemonstrationStore, Embedder, Exclude

    relabel = label_set(labels)
    found = DemonstrationStore.load(folder, Embedder(encoder) if encoder else None).search(
        [text], k=k, exclude=Exclude.nothing(), relabel=relabel.translate if relabel else None
    )[0]
    out.print(demonstrations(found))


@app.command()
def info(folder: Folder, as_json: AsJson = False) -> None:
    """Labels, sources and domains of a store, its index and its encoder."""
    from retrieval_store import DemonstrationStore

    found = DemonstrationStore.load(folder).info()
    if as_json:
        counts = [
            {"source": source, "domain": domain, "label": label, "rows": rows}
            for (source, domain, label), rows in found.counts.items()
        ]
        out.print_json(json.dumps({**asdict(found), "counts": counts}))
        return
    table = Table("source", "domain", "rows", "labels")
    for place in dict.fromkeys((source, domain) for source, domain, _ in found.counts):
        labels = {label: rows for (*where, label), rows in found.counts.items() if tuple(where) == place}
        shown = ", ".join(f"{label} {rows:,}" for label, rows in labels.items())
        table.add_row(*map(Text, (*place, f"{sum(labels.values()):,}", shown)))
    out.print(table)
    out.print(
        f"{found.rows:,} demonstrations, {found.skipped:,} twins left out; index {found.index}, encoder {found.encoder}, "
        f"{found.dimension} dimensions",
        highlight=False,
    )


def _demonstrations(corpus: str, path: Path | None, split: str, labels: str | None) -> "list[Demonstration]":
    from prc_emo.compose import demonstrations_of

    found = read_corpus(corpus, path, labels)
    return demonstrations_of(found.split(split), source=found.name, split=split)
