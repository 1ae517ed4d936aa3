"""The commands for one experiment: what there is, run it, look at its prompts, read with what it trained."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from prc_emo.cli.console import first_process, out, tell
from prc_emo.config import Experiment
from prc_emo.config_file import experiment, shipped, to_yaml
from prc_emo.errors import PrcEmoError
from prc_emo.files import decode

app = typer.Typer()

Name = Annotated[str, typer.Argument(help="An experiment that ships (see `prc-emo ls`) or a YAML file.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Settings as key=value, such as training.learning_rate=1e-3")
]


@app.command()
def ls() -> None:
    """The experiments that ship."""
    table = Table("name", "recognizer", "corpus", "what it is")
    for name in shipped():
        settings = experiment(name)
        table.add_row(name, settings.recognizer, settings.data.corpus, settings.about)
    out.print(table)


@app.command()
def show(name: Name, overrides: Overrides = None) -> None:
    """The resolved and validated settings of an experiment; builds nothing."""
    out.print(
        to_yaml(experiment(name, overrides or [])), end="", markup=False, highlight=False, soft_wrap=True
    )


@app.command()
def run(
    name: Name,
    overrides: Overrides = None,
    to: Annotated[Path, typer.Option("--out", help="Where runs go; this one to OUT/NAME/seedN.")] = Path(
        "runs"
    ),
    fresh: Annotated[
        bool, typer.Option(help="Delete what an earlier run left there instead of going on with it.")
    ] = False,
) -> None:
    """Fit, predict and score an experiment; an interrupted one goes on where it was."""
    settings = experiment(name, overrides or [])
    from prc_emo.bench.run import run as run_experiment

    folder = _folder_of(settings, to)
    scores = run_experiment(settings, folder, fresh=fresh, tell=tell)
    if first_process():
        out.print(str(scores), markup=False, highlight=False)
        tell(f"Everything is in {folder}. Look at it with: prc-emo report {folder}")


@app.command()
def prompt(
    name: Name,
    utterance: Annotated[
        str, typer.Argument(help="The id of an utterance, as `prc-emo data read` prints it.")
    ],
    overrides: Overrides = None,
    to: Annotated[
        Path, typer.Option("--out", help="Where runs go; the store of demonstrations of this one is used.")
    ] = Path("runs"),
) -> None:
    """The very text the model sees for one utterance, with its tokens and what was retrieved and excluded."""
    settings = experiment(name, overrides or [])
    if settings.recognizer != "prc_emo":
        raise PrcEmoError(f"{name} is a {settings.recognizer} experiment: it has no prompt.")
    from prc_emo.inspection import describe

    describe(settings, utterance, _folder_of(settings, to), out, tell=tell)


@app.command()
def read(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    source: Annotated[
        str, typer.Argument(help="JSONL, CSV or lines of 'NAME: text'; - reads standard input.")
    ],
    knowledge: Annotated[
        Path | None, typer.Option(help="Interpretations and characteristics of these conversations.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with all probabilities.")
    ] = False,
) -> None:
    """Label your own conversations with a trained model."""
    from prc_emo.corpora import read_conversations

    said = decode(sys.stdin.buffer.read(), "standard input") if source == "-" else Path(source)
    conversations = read_conversations(said)
    from prc_emo.knowledge import Knowledge
    from prc_emo.recognizer import PRCEmo

    model = PRCEmo.load(run, knowledge=Knowledge.load(knowledge) if knowledge else None)
    answers = iter(model.predict(conversations))
    if any(turn.audio for talk in conversations for turn in talk.utterances):
        told = ", ".join(f"{count} {what}" for what, count in model.heard.items() if count)
        tell(f"Recordings: {told or 'none is heard, the model was trained without'}.")
    unheard = {} if model.ears is None else model.ears.heard.unheard
    for talk in conversations:
        table = Table("speaker", "text", "emotion", "probability", title=Text(talk.id), title_justify="left")
        if model.ears is not None:
            table.add_column("voice")
        for turn in talk.utterances:
            answer = next(answers)
            why = unheard[turn.id].reason if turn.id in unheard else None
            if as_json:
                row: dict[str, Any] = {
                    "id": turn.id,
                    "speaker": turn.speaker,
                    "label": answer.label,
                    "probabilities": dict(answer.probabilities),
                }
                if model.ears is not None:
                    row["heard"] = why is None
                if why is not None:
                    row["unheard"] = why
                out.print(json.dumps(row, ensure_ascii=False), markup=False, highlight=False, soft_wrap=True)
            else:
                sure = answer.probabilities.get(answer.label or "")
                shown = "" if sure is None else f"{sure:.2f}"
                voice = [] if model.ears is None else [why or "heard"]
                table.add_row(
                    Text(turn.speaker), Text(turn.text), answer.label or "unreadable", shown, *voice
                )
        if not as_json:
            out.print(table)


def _folder_of(settings: Experiment, runs: Path) -> Path:
    return runs / settings.name / f"seed{settings.seed}"
