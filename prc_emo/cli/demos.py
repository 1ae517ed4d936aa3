"""The commands `prc-emo demos`: demonstrations of your own domain are written, judged again, and kept where both agree."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

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
    ask,
)
from prc_emo.cli.console import out, tell
from prc_emo.errors import PrcEmoError

if TYPE_CHECKING:
    from prc_emo.conversation import Conversation
    from prc_emo.demos.project import Project

app = typer.Typer(
    no_args_is_help=True,
    help="Demonstrations of your own domain: start, write, label, keep; each step can be repeated and goes on.",
)

Folder = Annotated[Path, typer.Argument(help="The folder in which the demonstrations come to be.")]


@app.command()
def start(
    folder: Folder,
    domain: Annotated[
        list[str], typer.Option(help="Where the dialogues play; say it several times for more.")
    ],
    label: Annotated[
        list[str] | None, typer.Option(help="What may be felt; several times. By default MELD's seven.")
    ] = None,
    topics: Annotated[int, typer.Option(min=1, help="Situations per domain.")] = 30,
    turns: Annotated[int, typer.Option(min=2, help="Of a dialogue, about.")] = 9,
) -> None:
    """Write down what is wanted: plan.json."""
    from prc_emo.demos.plan import PLAN, Plan
    from prc_emo.labels import MELD

    if (folder / PLAN).exists():
        raise PrcEmoError(f"{folder / PLAN} is there already. Edit it, or choose another folder.")
    Plan(domains=tuple(domain), labels=tuple(label or MELD), topics=topics, turns=turns).write(folder)
    tell(f"{folder / PLAN} is written. Next: prc-emo demos write {folder} --model NAME --base-url URL")


@app.command()
def write(
    folder: Folder,
    model: Model,
    backend: Who = "endpoint",
    base_url: BaseUrl = None,
    concurrency: Concurrency = 16,
    per_minute: PerMinute = None,
    timeout: Timeout = 300.0,
    max_tokens: MaxTokens = None,
    price: PriceOption = (0.0, 0.0),
    budget: Budget = None,
) -> None:
    """A model names situations and writes a dialogue in each."""
    from prc_emo.asking.log import AnswerLog
    from prc_emo.asking.work import Work
    from prc_emo.cli.asking import price_of
    from prc_emo.demos.project import WRITTEN, Project
    from prc_emo.demos.write import read_dialogue, read_topics, topic_questions

    project = Project.open(folder)
    log = AnswerLog(folder / WRITTEN)
    try:
        topics = Work(
            model,
            lambda: topic_questions(project.plan, model),
            read_topics(project.plan),
            log,
            price=price_of(price, budget),
        )
        dialogues = replace(
            topics,
            questions=lambda: project.dialogue_questions(model, log),
            read=read_dialogue(project.plan),
        )
        for work in (topics, dialogues):
            ask(work, backend, base_url, concurrency, per_minute, timeout, max_tokens)
    finally:
        log.close()
    tell(f"{len(project.dialogues())} dialogues are written. Next: prc-emo demos label {folder}")


@app.command()
def label(
    folder: Folder,
    by: Annotated[
        str | None, typer.Option(help="Your name: judge by hand, here in the terminal. Instead of --model.")
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="With --by: on a page of this machine instead.")] = False,
    model: Annotated[str | None, typer.Option(help="Who judges: best another model than wrote.")] = None,
    backend: Who = "endpoint",
    base_url: BaseUrl = None,
    concurrency: Concurrency = 16,
    per_minute: PerMinute = None,
    timeout: Timeout = 300.0,
    max_tokens: MaxTokens = None,
    price: PriceOption = (0.0, 0.0),
    budget: Budget = None,
) -> None:
    """The labels are masked, and somebody judges every turn again: a model, or you."""
    from prc_emo.asking.log import AnswerLog
    from prc_emo.asking.work import Work
    from prc_emo.cli.asking import price_of
    from prc_emo.demos.label import label_questions, read_labels
    from prc_emo.demos.project import Project

    project = Project.open(folder)
    if (by is None) == (model is None):
        raise PrcEmoError("Say who judges: --model NAME, or --by YOURNAME to do it by hand.")
    if by is not None:
        (_on_a_page if web else _by_hand)(project, by)
        return
    assert model is not None
    talks, labels = project.dialogues(), project.plan.label_set
    if model in {entry.model for entry in project.written()}:
        tell(
            f"WARNING: {model} wrote these dialogues itself. That is no second judgement; better ask another model."
        )
    log = AnswerLog(project.judged(model))
    try:
        work = Work(
            model,
            lambda: label_questions(model, labels, talks),
            read_labels(labels),
            log,
            price=price_of(price, budget),
        )
        ask(work, backend, base_url, concurrency, per_minute, timeout, max_tokens)
    finally:
        log.close()
    tell(f"Judged. Next: prc-emo demos keep {folder}")


@app.command()
def keep(
    folder: Folder,
    again: Annotated[
        bool, typer.Option(help="Where labels are thin, plan another round that writes more of them.")
    ] = False,
) -> None:
    """Keep what both judgements agree on: kept/train.jsonl, which `store build` and training read, and card.md."""
    from prc_emo.corpora import write_jsonl
    from prc_emo.demos.card import card, kappa_text, self_judged
    from prc_emo.demos.keep import agreement, kept, thin_labels
    from prc_emo.demos.project import CARD, KEPT, Project
    from prc_emo.files import write_text

    project = Project.open(folder)
    labels, judgements, second = project.plan.label_set, project.judgements(), project.second()
    talks = [talk for talk in project.dialogues() if talk.id in second]
    good, dropped = kept(talks, second)
    found = agreement(
        [str(turn.gold) for talk in talks for turn in talk.utterances],
        [label for talk in talks for label in second[talk.id]],
        labels,
    )
    write_jsonl(folder / KEPT, good)
    write_text(folder / CARD, card(project.plan, judgements, good, dropped, found))
    table = Table("label", "meant", "chosen", "both", "kappa")
    for row in found.labels:
        table.add_row(row.label, str(row.author), str(row.reader), str(row.both), kappa_text(row.kappa))
    out.print(table)
    tell(
        f"{folder / KEPT}: {len(good)} dialogues, agreement {found.share:.1%}, kappa {kappa_text(found.kappa)}; "
        f"{len(dropped)} dropped."
    )
    if warning := self_judged(judgements):
        tell(f"WARNING: {warning}")
    thin = thin_labels(good, labels, project.plan.thin)
    if thin and again and (missing := _missing_of_the_last_round(project)):
        tell(missing)
    elif thin and again:
        rounds = (*project.plan.rounds, tuple(thin))
        project.plan.model_copy(update={"rounds": rounds}).write(folder)
        tell(f"Round {len(rounds)} will want {', '.join(thin)}. Next: write, label and keep once more.")
    elif thin:
        tell(f"Thin: {', '.join(thin)}. With --again another round is planned.")


def _missing_of_the_last_round(project: "Project") -> str | None:
    """What is still to do before another round can be planned: what is thin after this one is not known before."""
    rounds = len(project.plan.rounds)
    last = str(rounds - 1)
    if not any(entry.about[3] == last for entry in project.written()):
        return f"Round {rounds} is not written yet: prc-emo demos write {project.folder} --model NAME"
    if not any(entry.about[3] == last for entry, _ in project.judgements()):
        return f"Round {rounds} is not judged yet: prc-emo demos label {project.folder} --model NAME"
    return None


def _on_a_page(project: "Project", reader: str) -> None:
    from prc_emo.demos.page import page_server

    project.open_for(reader)  # says what is missing before a page does
    server = page_server(project, reader)
    tell(
        f"Judge at http://127.0.0.1:{server.server_port}/ and stop with Ctrl-C; every dialogue is kept when it is saved."
    )
    try:
        server.serve_forever()
    finally:
        server.server_close()


def _by_hand(project: "Project", reader: str) -> None:
    left = project.open_for(reader)
    labels = project.plan.labels
    choices = "  ".join(f"{number} {label}" for number, label in enumerate(labels, start=1))
    tell(
        f"{len(left)} dialogues to judge. For each turn the number of a label; b goes back, q stops (turns of a begun dialogue are lost)."
    )
    for at, talk in enumerate(left, start=1):
        out.rule(f"dialogue {at} of {len(left)}")
        chosen = _judge(talk, labels, choices)
        if chosen is None:
            return
        project.record(reader, talk, chosen)
    tell(f"All are judged. Next: prc-emo demos keep {project.folder}")


def _judge(talk: "Conversation", labels: tuple[str, ...], choices: str) -> list[str] | None:
    chosen: list[str] = []
    while len(chosen) < len(talk):
        turn = talk.utterances[len(chosen)]
        out.print(Text(f"\n{turn.speaker}: {turn.text}", style="bold"))
        said = typer.prompt(choices, prompt_suffix="\n> ").strip().lower()
        if said == "q":
            return None
        if said == "b":
            chosen = chosen[:-1]
        elif said.isdecimal() and 1 <= int(said) <= len(labels):
            chosen.append(labels[int(said) - 1])
        elif said in labels:
            chosen.append(said)
        else:
            tell(f"Expected a number from 1 to {len(labels)}, b or q, got {said!r}.")
    return chosen
