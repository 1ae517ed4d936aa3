"""The commands for finished runs: score them, compare them, show them on a page. None of them loads a model."""

import json
from pathlib import Path
from typing import Annotated

import typer

from prc_emo.cli.arguments import AsJson
from prc_emo.cli.console import out

app = typer.Typer()

Runs = Annotated[list[Path], typer.Argument(help="Run folders: runs/NAME, or runs/NAME/seed42.")]


@app.command()
def score(runs: Runs, as_json: AsJson = False) -> None:
    """Accuracy, F1, calibration and slices of runs, from their predictions alone."""
    from prc_emo.bench.metrics import score as measure
    from prc_emo.bench.runs import read_experiments

    for found in read_experiments(runs):
        for one in found.runs:
            scores = measure(one.judged)
            if as_json:
                out.print_json(json.dumps({"run": str(one.folder), **scores.to_json()}))
            else:
                out.print(f"{one.folder}\n{scores}\n", markup=False, highlight=False)


@app.command()
def compare(
    runs: Runs,
    best: Annotated[
        bool, typer.Option(help="Take differences against the best instead of the first.")
    ] = False,
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option(help="A Markdown table.")] = False,
) -> None:
    """Runs side by side, with confidence intervals and paired differences."""
    from prc_emo.bench.compare import compare as side_by_side

    found = side_by_side(runs, against="best" if best else "first")
    if as_json:
        out.print_json(json.dumps(found.to_json()))
    elif markdown:
        out.print(found.markdown(), markup=False, highlight=False, soft_wrap=True)
    else:
        out.print(found.table())


@app.command()
def report(
    runs: Runs,
    to: Annotated[
        Path | None, typer.Option("--out", help="The HTML file; by default report.html in the first folder.")
    ] = None,
) -> None:
    """One self-contained HTML page with tables and plots."""
    from prc_emo.bench.report import write_report

    out.print(str(write_report(runs, to or runs[0] / "report.html")), soft_wrap=True)
