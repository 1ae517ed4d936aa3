"""The commands `prc-emo export` and `prc-emo verify`: a trained run as one model, and whether it still says the same."""

from os import environ
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from prc_emo.cli.console import out, tell

app = typer.Typer()


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    to: Annotated[Path, typer.Option("--out", help="A new folder.")],
) -> None:
    """Merge the adapter into its base model: one folder for vLLM, transformers serve, and prc-emo itself."""
    from prc_emo.export import export as write

    write(run, to, tell)
    tell(f"Written to {to}. Does it say the same? prc-emo verify {run} --against {to}")


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    against: Annotated[
        list[str],
        typer.Option(
            help="A model's folder, or the address of a server (key: $PRC_EMO_KEY); repeat it for more."
        ),
    ],
    conversations: Annotated[
        str | None,
        typer.Argument(
            help="JSONL, CSV or lines of 'NAME: text'; by default the test split of the corpus that ships."
        ),
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, help="Turns to compare; whole conversations, so it may be some more.")
    ] = 100,
    tolerance: Annotated[float, typer.Option(min=0, help="How much a probability may differ.")] = 0.001,
    written: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Compare labels that are written: the addresses are of vLLM or transformers serve, and this is what they call the model.",
        ),
    ] = None,
) -> None:
    """Compare what a run answers with its merged model or a server; exit code 1 where they differ."""
    from prc_emo.chat.server import KEY
    from prc_emo.corpora import load_corpus, read_conversations
    from prc_emo.verify import verify as compare

    talks = load_corpus("everyday").test if conversations is None else read_conversations(Path(conversations))
    enough = next((at for at in range(1, len(talks)) if sum(map(len, talks[:at])) >= count), len(talks))
    found = compare(run, against, talks[:enough], environ.get(KEY), written)
    table = Table("against", "turns", "unreadable", "other labels", "largest difference", "where")
    for one in found:
        cells = (str(one.count), str(one.unread), str(one.labels), f"{one.largest:.1e}")
        table.add_row(Text(one.side), *cells, Text(one.where))
    out.print(table)
    if not all(one.within(tolerance) for one in found):
        tell(
            f"They differ by more than {tolerance:g}."
            if written is None
            else "They write other labels, or none that can be read."
        )
        raise typer.Exit(1)
