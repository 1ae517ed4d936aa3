"""The command `prc-emo curriculum`: how hard the conversations of a corpus count as; nothing is trained."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from prc_emo.cli.arguments import AsJson, CorpusName, CorpusPath, Labels, read_corpus
from prc_emo.cli.console import out, tell

if TYPE_CHECKING:
    from prc_emo.hardness import Hardness

app = typer.Typer()


@app.command()
def curriculum(
    corpus: CorpusName,
    path: CorpusPath = None,
    split: Annotated[str, typer.Option(help="Which conversations.")] = "train",
    labels: Labels = None,
    run: Annotated[
        list[Path] | None,
        typer.Option(
            help="A finished run on this split: do the measures tell where it went wrong? May be repeated."
        ),
    ] = None,
    k: Annotated[float, typer.Option("--k", help="What similarity adds to the weight of a shift.")] = 1.0,
    b: Annotated[float, typer.Option("--b", help="What every shift weighs at least.")] = 0.4,
    to: Annotated[Path | None, typer.Option("--out", help="A CSV file, a line per conversation.")] = None,
    as_json: AsJson = False,
) -> None:
    """How hard each conversation counts as, by every measure; how measures, length, speakers and errors go together."""
    from prc_emo.bench.runs import read_experiments
    from prc_emo.hardness import Hardness

    runs = read_experiments(run) if run else []
    found = read_corpus(corpus, path, labels)
    hardness = Hardness.of(found.split(split), found.labels, k=k, b=b, runs=runs)
    if to is not None:
        hardness.write_csv(to)
        tell(f"{to}: {len(hardness.conversations)} conversations.")
    if as_json:
        out.print_json(json.dumps(hardness.to_json()))
        return
    out.print(_spread(hardness, f"{found.name}, {split}: {len(hardness.conversations)} conversations"))
    out.print(_correlations(hardness))
    out.print(_extremes(hardness, hardness.measures[-1]))


def _spread(hardness: "Hardness", title: str) -> Table:
    import numpy as np

    table = Table("", title=Text(title), title_justify="left")
    for head in ("least", "25 %", "median", "75 %", "most", "distinct"):
        table.add_column(head, justify="right")
    for name, column in hardness.columns.items():
        cells = [f"{value:.3g}" for value in np.quantile(column, [0, 0.25, 0.5, 0.75, 1])]
        table.add_row(Text(name), *cells, str(len(np.unique(column))))
    return table


def _correlations(hardness: "Hardness") -> Table:
    table = Table("rank correlation")
    for name in list(hardness.columns)[:-1]:
        table.add_column(Text(name), justify="right")
    for at, (name, row) in enumerate(zip(hardness.columns, hardness.correlations(), strict=True)):
        if at:  # the lower triangle says it all
            table.add_row(Text(name), *("constant" if r != r else f"{r:+.2f}" for r in row[:at]))
    return table


def _extremes(hardness: "Hardness", measure: str) -> Table:
    table = Table("", measure, "emotions in turn", "conversation")
    for name, places in zip(("easiest", "hardest"), hardness.extremes(measure), strict=True):
        for at in places:
            talk = hardness.conversations[at]
            emotions = ", ".join(f"{turn.speaker}: {turn.gold}" for turn in talk.utterances[:5])
            more = ", ..." if len(talk) > 5 else ""
            table.add_row(name, f"{hardness.columns[measure][at]:.3g}", Text(emotions + more), Text(talk.id))
    return table
