"""What commands that ask a larger model share: who is asked, how fast, for how much money."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from prc_emo.cli.console import notes, tell
from prc_emo.errors import PrcEmoError

if TYPE_CHECKING:
    from prc_emo.asking.work import Backend, Price, Work

Model = Annotated[str, typer.Option(help="Who is asked: a name of the server's, or of the hub, or a folder.")]
Who = Annotated[
    Literal["endpoint", "local"], typer.Option(help="A server of OpenAI's form, or a model on this machine.")
]
BaseUrl = Annotated[
    str | None,
    typer.Option(help="Of the server, such as http://localhost:8000/v1; the key: $OPENAI_API_KEY."),
]
Concurrency = Annotated[int, typer.Option(min=1, help="Questions under way at once (endpoint).")]
PerMinute = Annotated[int | None, typer.Option(min=1, help="Calls a minute at most (endpoint).")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds to wait for one answer (endpoint).")]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        min=16, help="Where an answer is cut, thinking included; by default by the words asked for."
    ),
]
PriceOption = Annotated[
    tuple[float, float], typer.Option(help="USD for a million tokens of questions, and of answers.")
]
Budget = Annotated[float | None, typer.Option(min=0, help="USD in all; then it stops. Needs --price.")]


def price_of(price: tuple[float, float], budget: float | None) -> "Price":
    from prc_emo.asking.work import Price

    if budget is not None and not any(price):
        raise PrcEmoError("--budget counts dollars: say what tokens cost, for example --price 0.15 0.60.")
    return Price(*price, budget)


def announce(work: "Work") -> int:
    """Says how much there is to ask, and what it will cost; returns how many questions are open."""
    count, tokens = work.estimate()
    cost = f", about {work.price.of(tokens):.2f} USD" if work.price.of(tokens) else ""
    tell(f"{count:,} questions, about {tokens[0]:,} tokens and {tokens[1]:,} of answers{cost}.")
    return count


def ask(
    work: "Work",
    backend: str,
    base_url: str | None,
    concurrency: int,
    per_minute: int | None,
    timeout: float = 300.0,
    max_tokens: int | None = None,
) -> None:
    """Asks all that is open, with a progress bar, and says what is missing in the end.

    Raises:
        PrcEmoError: Nothing at all is answered.
    """
    if count := announce(work):
        columns = (TextColumn("Asking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=notes, transient=True) as bar:
            task = bar.add_task("Asking", total=count)
            work.run(
                _backend(work.model, backend, base_url, concurrency, per_minute, timeout, max_tokens),
                done=lambda: bar.advance(task),
            )
    if missing := work.missing():
        tell(f"{len(missing):,} are missing:")
        for about, why in list(missing.items())[:5]:
            tell(f"  {about}: {why}")
    used = work.log.tokens
    cost = f", {work.price.of(used):.2f} USD" if work.price.of(used) else ""
    tell(f"{used[0]:,} + {used[1]:,} tokens in all{cost}.")
    if missing and not work.log.usable:
        raise PrcEmoError(f"Nothing is answered. The first reason: {next(iter(missing.values()))}")


def _backend(
    model: str,
    backend: str,
    base_url: str | None,
    concurrency: int,
    per_minute: int | None,
    timeout: float,
    max_tokens: int | None,
) -> "Backend":
    if backend == "endpoint":
        from prc_emo.asking.endpoint import Endpoint

        return Endpoint(
            model,
            base_url,
            concurrency=concurrency,
            per_minute=per_minute,
            timeout=timeout,
            max_tokens=max_tokens,
        )
    from prc_emo.asking.local import Local
    from prc_emo.llm.load import load

    return Local(load(model), max_new_tokens=max_tokens)
