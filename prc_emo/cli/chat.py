"""The command `prc-emo chat`: loads a trained recognizer, says so, and hands over to the terminal."""

import sys
from collections.abc import Callable
from os import environ, truncate
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from prc_emo.cli.asking import BaseUrl
from prc_emo.cli.console import out, tell
from prc_emo.errors import PrcEmoError

if TYPE_CHECKING:
    from prc_emo.chat.replies import Replier

app = typer.Typer()

HOME = "PRC_EMO_HOME"

ReplyBy = Annotated[
    Literal["retrieval", "local", "endpoint", "none"],
    typer.Option(
        help="Who answers: a line of the dialogues that ship, a chat model on this machine, a server of OpenAI's form."
    ),
]
ReplyModel = Annotated[
    str | None,
    typer.Option(help="Which chat model answers (local: of the hub, or a folder; endpoint: the server's)."),
]


@app.command()
def chat(
    run: Annotated[Path, typer.Argument(help="A run's folder: of PRC-Emo, or of a baseline.")],
    speaker: Annotated[str, typer.Option("--as", help="Your name in the conversation.")] = "You",
    reply: ReplyBy = "retrieval",
    model: ReplyModel = None,
    base_url: BaseUrl = None,
    resume: Annotated[str | None, typer.Option(help="Go on with a kept session: its id, or last.")] = None,
    save: Annotated[bool, typer.Option(help="Keep the session, turn by turn.")] = True,
    history: Annotated[bool, typer.Option(help="Keep what you type, for the arrow keys.")] = True,
    sessions: Annotated[
        Path | None,
        typer.Option(
            help=f"The file of sessions; by default sessions.sqlite in ${HOME}, or in your settings folder."
        ),
    ] = None,
) -> None:
    """Talk, and see each turn's emotion recognised, with what it rests on.

    Lines from a pipe work too: words of yours, `NAME: words`, or commands (/help lists them).
    """
    if resume is not None and not save:
        raise PrcEmoError(
            "--resume goes on with a kept session, and --no-save keeps none. Leave one of them out."
        )
    from prc_emo.chat.keyboard import from_pipe, from_terminal
    from prc_emo.chat.terminal import COMMANDS, Chat

    home = home_folder()
    prepare = replier(reply, model, base_url, home)
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    typed = home / "history"
    ask = from_terminal(COMMANDS, typed if history else None) if at_terminal else from_pipe
    from prc_emo.chat.archive import Archive

    archive = Archive(sessions or home / "sessions.sqlite") if save else None
    tell(f"Loading {run} ...")
    from prc_emo.chat.reader import open_run
    from prc_emo.chat.terminal import resume as take_up

    reader = open_run(run)
    talk = Chat(
        reader,
        archive,
        out,
        session=take_up(reader, archive, resume) if resume is not None and archive is not None else None,
        speaker=speaker,
        prepare=prepare,
        forget=lambda: truncate(typed, 0) if typed.exists() else None,
        piped=not at_terminal,
    )
    tell(f"Labels: {', '.join(reader.labels)}.")
    if at_terminal:
        tell(f"Kept in {archive.path}" if archive else "Nothing is kept.")
        tell("/help lists the commands; Ctrl-D leaves.")
    talk.run(ask)
    if archive is not None:
        if at_terminal and len(talk.session):
            tell(f"Go on with: prc-emo chat {run} --resume {talk.session.id}")
        archive.close()


def home_folder() -> Path:
    """Where sessions and what was typed are kept."""
    return Path(environ.get(HOME) or typer.get_app_dir("prc-emo"))


def replier(
    reply: str, model: str | None, base_url: str | None, home: Path
) -> "Callable[[], Replier] | None":
    """Makes the way to reply, once it is needed: a store or a model takes a while to load.

    Raises:
        PrcEmoError: It needs a model's name, and there is none.
    """
    if model is None and reply in ("local", "endpoint"):
        raise PrcEmoError(f"--reply {reply} needs --model: which chat model answers.")

    def retrieval() -> "Replier":
        from prc_emo.chat.replies.retrieved import Retrieved

        return Retrieved.shipped(home, tell)

    def local() -> "Replier":
        from prc_emo.chat.replies.written import Written
        from prc_emo.llm.load import load

        tell(f"Loading {model} ...")
        return Written.local(load(str(model)))

    def endpoint() -> "Replier":
        from prc_emo.asking.endpoint import Endpoint
        from prc_emo.chat.replies.written import Written

        return Written.endpoint(Endpoint(str(model), base_url, timeout=60))

    ways: dict[str, Callable[[], Replier]] = {"retrieval": retrieval, "local": local, "endpoint": endpoint}
    return ways.get(reply)
