"""The command `prc-emo serve`: loads a trained recognizer, says where it listens, and answers over HTTP."""

from importlib.util import find_spec
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prc_emo.cli.asking import BaseUrl
from prc_emo.cli.chat import HOME, ReplyBy, ReplyModel, home_folder, replier
from prc_emo.cli.console import tell
from prc_emo.errors import PrcEmoError

if TYPE_CHECKING:
    from prc_emo.chat.archive import Archive
    from prc_emo.chat.reader import Reader
    from prc_emo.chat.replies import Replier

app = typer.Typer()


@app.command()
def serve(
    run: Annotated[Path, typer.Argument(help="A run's folder: of PRC-Emo, or of a baseline.")],
    host: Annotated[
        str, typer.Option(help="Where to listen; beyond this machine only with $PRC_EMO_KEY.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    name: Annotated[
        str | None, typer.Option(help="What clients call the model; by default as its run is called.")
    ] = None,
    reply: ReplyBy = "retrieval",
    model: ReplyModel = None,
    base_url: BaseUrl = None,
    page: Annotated[bool, typer.Option(help="A web page to chat on, at /.")] = True,
    batch: Annotated[int, typer.Option(min=1, help="Turns that are read together at most.")] = 32,
    wait: Annotated[int, typer.Option(min=0, help="Milliseconds to wait for company before reading.")] = 5,
    queue: Annotated[
        int, typer.Option(min=1, help="Turns that may wait; then clients are told to come back (429).")
    ] = 2000,
    turns: Annotated[
        int,
        typer.Option(min=1, help="Turns of a request at most (422); so many should be read in --timeout."),
    ] = 500,
    body: Annotated[int, typer.Option(min=1, help="Kilobytes of a request at most (413).")] = 1000,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for a request at most (504).")] = 60.0,
    sound: Annotated[
        float, typer.Option(min=1, help="Seconds of the recordings of a request at most (422).")
    ] = 300.0,
    replies: Annotated[int, typer.Option(min=1, help="Replies under way at once (429).")] = 16,
    cors: Annotated[
        list[str] | None,
        typer.Option(help="A web site whose pages may ask, such as https://example.org; repeat it for more."),
    ] = None,
    log_text: Annotated[bool, typer.Option("--log-text", help="Write what people say into the log.")] = False,
    sessions: Annotated[
        Path | None, typer.Option(help=f"The page's file of sessions; by default page.sqlite in ${HOME}.")
    ] = None,
    save: Annotated[bool, typer.Option(help="Keep the page's conversations, turn by turn.")] = True,
) -> None:
    """Answer over HTTP: emotions of conversations, and chat completions of OpenAI's form.

    The key that clients must bring (Authorization: Bearer) comes from $PRC_EMO_KEY. /docs describes the API.
    """
    needed = ("fastapi", "uvicorn", "prometheus_client", *(["gradio"] if page else []))
    missing = [package for package in needed if find_spec(package) is None]
    if missing:
        raise PrcEmoError(
            f"prc-emo serve needs {', '.join(missing)}. Install it: pip install 'prc-emo[serve]'."
        )
    home = home_folder()
    prepare = replier(reply, model, base_url, home)
    from prc_emo.chat.server import KEY
    from prc_emo.chat.server.run import address_of, bound
    from prc_emo.chat.server.run import serve as listen

    key = environ.get(KEY)
    listener = bound(host, port, key)
    tell(f"Loading {run} ...")
    from prc_emo.chat.archive import Archive
    from prc_emo.chat.reader import open_run
    from prc_emo.chat.server.app import Limits, make_app
    from prc_emo.chat.server.batching import BatchingReader
    from prc_emo.chat.server.metrics import Metrics

    metrics = Metrics()
    reader = open_run(run)
    _warm(reader)
    together = BatchingReader(reader, batch=batch, wait=wait / 1000, most=queue, told=metrics.batch)
    _warm(together)  # it learns how long a turn takes
    ready = prepare() if prepare is not None else None
    api = make_app(
        together,
        name or _name(run),
        ready,
        key=key,
        limits=Limits(body * 1000, turns, timeout, sound, replies),
        origins=cors or (),
        log_text=log_text,
        metrics=metrics,
    )
    if page:
        archive = Archive(sessions or home / "page.sqlite") if save else None
        api = _with_page(api, together, archive, ready, key)
    tell(f"Labels: {', '.join(reader.labels)}.")
    tell(f"Listening on {address_of(listener)} (the API's description: /docs). Ctrl-C stops it.")
    left = listen(api, listener, finish=timeout)
    together.close(within=left)
    tell("Stopped; what was under way is finished.")


def _warm(reader: "Reader") -> None:
    """Reads a line, since the first reading loads more: whoever asks first should not wait for it."""
    from prc_emo.conversation import Conversation

    reader.read([Conversation.of([("PRC-Emo", "Hello.")], id="warm")], {"warm/0"})


def _with_page(
    api: Any, reader: "Reader", archive: "Archive | None", ready: "Replier | None", key: str | None
) -> Any:
    """The API with the web page at /; where there is a key, it is the page's password, under any name."""
    from prc_emo.chat.server.guard import key_fits
    from prc_emo.chat.web import mount, page

    blocks = page(reader, archive, None if ready is None else lambda: ready)
    return mount(api, blocks, login=None if key is None else lambda name, password: key_fits(password, key))


def _name(run: Path) -> str:
    folder = run.resolve()
    return folder.parent.name if folder.name.startswith("seed") else folder.name
