"""The command line: each command reads its arguments, calls one function of the library and shows the result.

Results go to stdout, everything else to stderr. An error meant for the user is one sentence and exit code 2;
`--debug` shows the traceback. Heavy libraries are imported by the commands that need them.
"""

import os
import sys
from typing import Annotated

import typer

from prc_emo.cli import ablate, chat, data, demos, experiments, export, knowledge, results, serve, store
from prc_emo.cli import curriculum as difficulty
from prc_emo.cli.console import notes
from prc_emo.errors import PrcEmoError
from prc_emo.extensions import VARIABLE, import_extensions

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", help=(
    "Emotion recognition in conversations with language models.\n\n"
    "Start with `prc-emo run quickstart`, then `prc-emo read runs/quickstart -`."
))  # fmt: skip
# in the order of `prc-emo --help`; commands of a group without a name are commands of prc-emo itself
app.add_typer(experiments.app)
app.add_typer(chat.app)
app.add_typer(serve.app)
app.add_typer(export.app)
app.add_typer(results.app)
app.add_typer(ablate.app)
app.add_typer(difficulty.app)
app.add_typer(data.app, name="data")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(store.app, name="store")
app.add_typer(demos.app, name="demos")


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    extensions: Annotated[
        str,
        typer.Option(
            "--import",
            envvar=VARIABLE,
            help="Modules or .py files of your own to import first, such as a measure of difficulty.",
        ),
    ] = "",
) -> None:
    os.environ["PRC_EMO_DEBUG"] = "1" if debug else ""
    import_extensions(extensions)


def main() -> None:
    """The entry point `prc-emo`."""
    import curriculum
    import prompts
    import retrieval_store

    meant_for_the_user = (
        PrcEmoError,
        curriculum.CurriculumError,
        prompts.PromptError,
        retrieval_store.StoreError,
        OSError,
    )
    try:
        app()
    except meant_for_the_user as error:
        if os.environ.get("PRC_EMO_DEBUG"):
            raise
        notes.print(str(error), markup=False, highlight=False)
        sys.exit(2)
    except SystemExit as stop:
        if stop.code == 130:  # what typer makes of Ctrl-C
            notes.print("Stopped; the same command goes on from here.")
        raise
