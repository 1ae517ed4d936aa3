"""The command `prc-emo ablate`: arms x seeds from one file, at work in the terminal until the report is written."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from prc_emo.cli.console import notes, out, tell
from prc_emo.errors import PrcEmoError

if TYPE_CHECKING:
    from prc_emo.ablation.inputs import Now
    from prc_emo.ablation.study import Study
    from prc_emo.ablation.work import Start, State

app = typer.Typer()


@app.command()
def ablate(
    name: Annotated[
        str,
        typer.Argument(
            help="A study that ships (table3, table4, table5, buckets, difficulty_measures) or a YAML file."
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            help="base=, seeds=, match=, amount=, reference= of the study, or settings of all arms as key=value."
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Where the study goes; by default studies/NAME-BASE.")
    ] = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Show cells, what they share and how long they may take, by trying a few steps; compute no cell.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Cells at the same time; by default one for each GPU of --devices."),
    ] = None,
    devices: Annotated[
        str, typer.Option(help="GPUs to deal out to them, such as 0,1; with --ray, each cell takes one.")
    ] = "",
    ray: Annotated[
        str, typer.Option(help="Run them on the Ray cluster at this address; `local` starts one here.")
    ] = "",
    retries: Annotated[int, typer.Option(min=0, help="How often a failed cell is tried again.")] = 1,
    from_studies: Annotated[
        list[Path] | None,
        typer.Option("--reuse", help="The folder of another study: cells with the same settings are copied."),
    ] = None,
    quote: Annotated[
        bool, typer.Option(help="Show the words of easy and hard conversations in the report.")
    ] = True,
) -> None:
    """Does it help, by how much, and how sure are we? Arms x seeds, compared; an interrupted study goes on where it was."""
    from prc_emo.ablation.budget import matched_steps
    from prc_emo.ablation.inputs import Now
    from prc_emo.ablation.origin import refuse_changed, refuse_mixed
    from prc_emo.ablation.report import write_reports
    from prc_emo.ablation.results import results
    from prc_emo.ablation.study import cells, study
    from prc_emo.ablation.tables import markdown
    from prc_emo.ablation.work import states, work

    found = study(name, overrides or [])
    folder = to or Path("studies") / f"{found.name}-{Path(found.base).stem}"
    now = Now()
    # what does not go together is told before anything is composed
    now.refuse_different_questions(cells(found), found.against)
    steps = matched_steps(found, folder / "shared", tell)
    every = states(cells(found, steps), folder)
    for other in from_studies or []:
        _take_over(every, other, now, only_say=plan)
    refuse_changed(every, now)
    refuse_mixed(every)
    gpus = [device for device in devices.split(",") if device]
    at_once = workers or max(1, len(gpus))
    starts = _starts("" if plan else ray, at_once, gpus)  # a trial is made here
    if plan:
        _plan(found, every, folder, starts)
        return
    with Live(console=notes, refresh_per_second=2, transient=True) as live:
        began = time.monotonic()
        work(
            every,
            folder,
            starts,
            retries=retries,
            tell=tell,
            show=lambda: live.update(_progress(found, every, at_once, began)),
        )
    summary = results(found, every)
    page = write_reports(summary, folder, quote=quote)
    out.print(markdown(summary), markup=False, highlight=False, soft_wrap=True)
    tell(f"The report: {page}")
    if failed := [state for state in every if state.status == "failed"]:
        raise PrcEmoError(
            "\n".join(
                f"{state.cell.name} failed: {state.error} All of what it said: {state.log}"
                for state in failed
            )
        )


def _take_over(states: "Sequence[State]", study: Path, now: "Now", only_say: bool) -> None:
    from prc_emo.ablation.reuse import copy, reusable

    pairs = reusable(states, study, now)
    for state, twin in pairs:
        if only_say:
            state.folder = twin
        else:
            copy(state, twin)
        state.status = "done"
    tell(
        f"From {study}: {', '.join(state.cell.name for state, _ in pairs) or 'no cell has the same settings'}."
    )


def _starts(ray: str, workers: int, devices: Sequence[str]) -> "list[Start]":
    from prc_emo.ablation.cluster import on_ray, on_this_machine

    return on_ray(ray, workers, gpus=1 if devices else 0) if ray else on_this_machine(workers, devices)


def _plan(study: "Study", states: "Sequence[State]", folder: Path, starts: "Sequence[Start]") -> None:
    from prc_emo.ablation.estimate import measured, remaining, shared_work

    table = Table(_arm(), "steps", *map(str, study.seeds), title=study.name, title_justify="left")
    for arm in study.arms:
        of_arm = [state for state in states if state.cell.arm == arm]
        settings = of_arm[0].cell.settings
        steps = str(settings.training.steps or "its own") if settings.recognizer == "prc_emo" else ""
        table.add_row(Text(arm), steps, *(state.status for state in of_arm))
    out.print(table)
    for line in shared_work([state.cell for state in states]):
        out.print(line, highlight=False)
    seconds = remaining(states, len(starts))
    if (
        seconds is None
        and (trained := _first_trained(states)) is not None
        and trained.cell.settings.training.steps
    ):
        tell(f"No cell is done yet; trying {trained.cell.name} for a few steps ...")
        one = measured(trained, folder / "shared", starts[0])
        seconds = None if one is None else one * max(1, len(states) / len(starts))
    if seconds is not None:
        out.print(f"About {_duration(seconds)} to go with {len(starts)} at a time.", highlight=False)


def _first_trained(states: "Sequence[State]") -> "State | None":
    return next((state for state in states if state.cell.settings.recognizer == "prc_emo"), None)


def _progress(study: "Study", states: "Sequence[State]", workers: int, began: float) -> Group:
    """Arms x seeds: what is done, how far the others are, and the time left."""
    from prc_emo.ablation.estimate import remaining, share

    table = Table(_arm(), *map(str, study.seeds))
    for arm in study.arms:
        cells = []
        for state in (one for one in states if one.cell.arm == arm):
            cells.append(
                Text(f"{share(state):.0%}", style="cyan")
                if state.status == "running"
                else Text(
                    {"done": "✓", "failed": "failed", "waiting": "·"}[state.status],
                    style={"done": "green", "failed": "red"}.get(state.status, ""),
                )
            )
        table.add_row(Text(arm), *cells)
    done = sum(state.status == "done" for state in states)
    line = f"{done} of {len(states)} cells, {_duration(time.monotonic() - began)} so far"
    seconds = remaining(states, workers)
    errors = [Text(f"{one.cell.name}: {one.error}", style="red") for one in states if one.error]
    return Group(
        table,
        Text(line + ("" if seconds is None else f", about {_duration(seconds)} to go")),
        *errors,
        Text("Ctrl-C stops; the same command goes on."),
    )


def _arm() -> Column:
    """Names of arms often differ only at their end, which a narrow terminal would cut off."""
    return Column("arm", overflow="fold")


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return (
        f"{seconds:.0f} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
    )
