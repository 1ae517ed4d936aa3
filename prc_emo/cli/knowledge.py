"""The commands `prc-emo knowledge`: a larger model interprets a corpus, published files are read, what there is is shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from prc_emo.cli.arguments import CorpusName, CorpusPath, Labels, read_corpus
from prc_emo.cli.asking import (
    BaseUrl,
    Budget,
    Concurrency,
    MaxTokens,
    Model,
    PerMinute,
    PriceOption,
    Timeout,
    Who,
    announce,
    ask,
    price_of,
)
from prc_emo.cli.console import out, tell
from prc_emo.errors import PrcEmoError, did_you_mean

if TYPE_CHECKING:
    from prc_emo.conversation import Conversation
    from prc_emo.corpora import Corpus

app = typer.Typer(
    no_args_is_help=True,
    help="Interpretations and speaker characteristics: made by a larger model, imported, shown, counted.",
)

File = Annotated[Path, typer.Argument(help="A JSONL of knowledge, as `make` and `import` write it.")]
Split = Annotated[str | None, typer.Option(help="Only this split.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first conversations, for a quick look.")]


@app.command()
def make(
    corpus: CorpusName,
    path: CorpusPath = None,
    *,
    to: Annotated[
        Path, typer.Option("--out", help="A folder for answers.jsonl (a log) and knowledge.jsonl.")
    ],
    model: Model,
    backend: Who = "endpoint",
    base_url: BaseUrl = None,
    split: Split = None,
    labels: Labels = None,
    limit: Limit = None,
    speakers: Annotated[
        bool, typer.Option(help="Also ask about each speaker; the whole conversation is shown.")
    ] = False,
    context: Annotated[
        Literal["past", "surrounding", "dialogue"],
        typer.Option(help="Which turns are shown with an utterance."),
    ] = "past",
    window: Annotated[int, typer.Option(min=0, help="How many turns, on a side.")] = 10,
    attempts: Annotated[
        int, typer.Option(min=1, help="How often a question is asked in all, where answers are bad.")
    ] = 3,
    concurrency: Concurrency = 16,
    per_minute: PerMinute = None,
    timeout: Timeout = 300.0,
    max_tokens: MaxTokens = None,
    price: PriceOption = (0.0, 0.0),
    budget: Budget = None,
    dry_run: Annotated[
        bool, typer.Option(help="Show the first question and the estimate; ask nothing.")
    ] = False,
) -> None:
    """Ask a larger model about every utterance; an interrupted work goes on where it was, nothing is asked twice."""
    from prc_emo.asking.log import AnswerLog
    from prc_emo.asking.work import Work
    from prc_emo.interpret.questions import Questioner, knowledge_of
    from prompts import load_template

    cost = price_of(price, budget)
    found = read_corpus(corpus, path, labels)
    talks = _talks(found, split, limit)
    about_speakers = load_template("speaker") if speakers else None
    questioner = Questioner(
        model, found.labels, load_template("explicit_implicit"), about_speakers, context, window
    )
    log = AnswerLog(to / "answers.jsonl")
    try:
        work = Work(model, lambda: questioner.ask(talks), questioner.read, log, attempts, cost)
        if dry_run:
            announce(work)
            for message in next(iter(questioner.ask(talks))).messages:
                out.print(f"[{message['role']}]\n{message['content']}\n", markup=False, highlight=False)
            return
        try:
            ask(work, backend, base_url, concurrency, per_minute, timeout, max_tokens)
        finally:  # also where it was stopped: what there is can be used
            knowledge_of(work).save(to / "knowledge.jsonl", keep=True)
        tell(f"{to / 'knowledge.jsonl'} is written.")
    finally:
        log.close()


@app.command(name="import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="As published with PRC-Emo or BiosERC, or JSONL; see prc_emo/interpret.")
    ],
    corpus: CorpusName,
    path: CorpusPath = None,
    *,
    to: Annotated[Path, typer.Option("--out", help="The JSONL to write; added to what is there.")],
    split: Split = None,
    labels: Labels = None,
) -> None:
    """Read knowledge that others have published; conversations are found by their words."""
    from prc_emo.interpret.published import read_published

    talks = _talks(read_corpus(corpus, path, labels), split, None)
    found, strangers = read_published(file, talks)
    found.save(to, keep=True)
    tell(
        f"{to}: {len(found.interpretations):,} interpretations and {len(found.characteristics):,} characteristics from "
        f"{file}; {len(strangers)} of its conversations are not in this corpus{_few(strangers)}."
    )


@app.command()
def show(
    file: File,
    id: Annotated[str, typer.Argument(help="Of an utterance or of a conversation.")],
) -> None:
    """What is known of one utterance, or of the speakers of one conversation."""
    from prc_emo.knowledge import Knowledge

    knowledge = Knowledge.load(file)
    table = Table("about", "what", "text")
    for kind, text in vars(knowledge.interpretations[id]).items() if id in knowledge.interpretations else ():
        table.add_row(Text(id), kind, Text(text))
    for (talk, speaker), text in knowledge.characteristics.items():
        if talk == id:
            table.add_row(Text(speaker), "characteristic", Text(text))
    if not table.row_count:
        known = [*knowledge.interpretations, *dict.fromkeys(talk for talk, _ in knowledge.characteristics)]
        raise PrcEmoError(f"{file} knows nothing about {id!r}. {did_you_mean(id, known[:5000])}")
    out.print(table)


@app.command()
def stats(
    file: File, corpus: CorpusName, path: CorpusPath = None, split: Split = None, labels: Labels = None
) -> None:
    """How much of a corpus is known, and how often an interpretation names a label: does it give the answer away?"""
    from prc_emo.interpret.coverage import coverage
    from prc_emo.knowledge import Knowledge

    found = read_corpus(corpus, path, labels)
    counts = coverage(Knowledge.load(file), _talks(found, split, None), found.labels)
    table = Table("what", "there", "of", "words")
    explicit, implicit, characteristic = counts.words
    table.add_row(
        "interpretations",
        f"{counts.interpreted:,}",
        f"{counts.utterances:,}",
        f"{explicit:.1f} + {implicit:.1f}",
    )
    table.add_row("characteristics", f"{counts.described:,}", f"{counts.speakers:,}", f"{characteristic:.1f}")
    out.print(table)
    leaks = Table("label", "interpreted", "names it", "names another label")
    for row in counts.leaks:
        shares = (
            f"{n:,} ({n / row.interpreted:.1%})" if row.interpreted else "" for n in (row.own, row.other)
        )
        leaks.add_row(row.label, f"{row.interpreted:,}", *shares)
    out.print(leaks)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where `make` keeps answers.jsonl.")],
    to: Annotated[Path, typer.Argument(help="The JSONL to write.")],
) -> None:
    """Write all usable answers of a log, by the ids that were asked about; of turns alike in all that is shown, the first."""
    from prc_emo.asking.log import AnswerLog
    from prc_emo.interpret.questions import knowledge_in

    if not (folder / "answers.jsonl").exists():
        raise PrcEmoError(f"{folder}: expected the folder of a `knowledge make`, with answers.jsonl.")
    log = AnswerLog(folder / "answers.jsonl")
    knowledge = knowledge_in(log)
    log.close()
    knowledge.save(to)
    tell(
        f"{to}: {len(knowledge.interpretations):,} interpretations, {len(knowledge.characteristics):,} characteristics."
    )


def _talks(corpus: "Corpus", split: str | None, limit: int | None) -> "Sequence[Conversation]":
    return (corpus.split(split) if split else corpus.all())[:limit]


def _few(ids: Sequence[str]) -> str:
    return f" ({', '.join(ids[:3])}{', ...' if len(ids) > 3 else ''})" if ids else ""
