"""The commands `prc-emo data`: a corpus is read, checked and counted as it is; nothing is trained or stored."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from prc_emo.cli.arguments import AsJson, CorpusName, CorpusPath, Labels, Options, label_set, read_corpus
from prc_emo.cli.console import out, tell

app = typer.Typer(no_args_is_help=True, help="Corpora in: convert, check and count conversations.")


@app.command()
def read(
    corpus: CorpusName,
    path: CorpusPath = None,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="A folder for SPLIT.jsonl; by default a preview is shown.")
    ] = None,
    labels: Labels = None,
    options: Options = None,
) -> None:
    """Read a corpus in its official form; write it as conversation JSONL."""
    from prc_emo.corpora import write_jsonl

    found = read_corpus(corpus, path, labels, options)
    for name in [split] if split else found.splits:
        talks = found.split(name)
        if to is not None:
            write_jsonl(to / f"{name}.jsonl", talks)
            tell(f"{to / name}.jsonl: {len(talks)} conversations.")
            continue
        for talk in talks[:2]:
            table = Table(
                "id",
                "speaker",
                "text",
                "emotion",
                title=f"{name}: first of {len(talks)}",
                title_justify="left",
            )
            for turn in talk.utterances:
                table.add_row(Text(turn.id), Text(turn.speaker), Text(turn.text), turn.gold or "")
            out.print(table)


@app.command()
def check(
    corpus: CorpusName, path: CorpusPath = None, labels: Labels = None, as_json: AsJson = False
) -> None:
    """Duplicates, leaks between splits, unknown labels, empty turns, lost recordings, encoding damage and repairs: how many, and where."""
    from prc_emo.corpora import check as check_corpus
    from prc_emo.corpora import load_as_found

    expected = label_set(labels)
    found = check_corpus(load_as_found(corpus, path, labels=expected), labels=expected)
    if as_json:
        out.print_json(json.dumps(found.to_json()))
        return
    table = Table("what", "split", "how many", "where")
    for row in found.rows():
        table.add_row(*map(Text, row))
    out.print(table if found.rows() else "Nothing found.")


@app.command()
def stats(
    corpus: CorpusName, path: CorpusPath = None, labels: Labels = None, as_json: AsJson = False
) -> None:
    """Dialogues, utterances, speakers, labels and emotion shifts per split."""
    from prc_emo.corpora import stats as count

    found = count(read_corpus(corpus, path, labels))
    if as_json:
        out.print_json(json.dumps(found.to_json()))
        return
    head, *rows = found.rows()
    table = Table(*head)
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)
