"""The command line: each command reads its arguments, calls one function of the library and shows the result.

Results go to stdout, everything else to stderr. An error meant for the user is one sentence and exit code 2;
`--debug` shows the traceback. Heavy libraries are imported by the commands that need them.
"""

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from prc_emo.config import Experiment, experiment, shipped, to_yaml
from prc_emo.errors import PrcEmoError
from prc_emo.files import decode

if TYPE_CHECKING:
    from prc_emo.corpora import Corpus

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", help=(
    "Emotion recognition in conversations with language models.\n\n"
    "Start with `prc-emo run quickstart`, then `prc-emo read runs/quickstart -`."
))  # fmt: skip
data = typer.Typer(no_args_is_help=True, help="Corpora in: convert, check and count conversations.")
store = typer.Typer(
    no_args_is_help=True, help="The store of demonstrations: build, extend, search, describe."
)
app.add_typer(data, name="data")
app.add_typer(store, name="store")

out = Console(soft_wrap=False)
notes = Console(stderr=True, soft_wrap=True)

Name = Annotated[str, typer.Argument(help="An experiment that ships (see `prc-emo ls`) or a YAML file.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Settings as key=value, such as training.learning_rate=1e-3")
]
Runs = Annotated[list[Path], typer.Argument(help="Run folders: runs/NAME, or runs/NAME/seed42.")]
CorpusName = Annotated[
    str,
    typer.Argument(help="meld, emorynlp, dailydialog, iemocap6, iemocap4, prc-json, jsonl, csv, everyday"),
]
CorpusPath = Annotated[
    Path | None, typer.Argument(help="Its folder or file; none for everyday, which ships.")
]
Labels = Annotated[
    str | None,
    typer.Option(help="For jsonl, csv and prc-json: meld, emorynlp, dailydialog, iemocap6, iemocap4."),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    os.environ["PRC_EMO_DEBUG"] = "1" if debug else ""


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

    folder = folder_of(settings, to)
    if fresh and _first_process() and folder.exists():
        shutil.rmtree(folder)
    scores = run_experiment(settings, folder, tell=_tell)
    if _first_process():
        out.print(str(scores), markup=False, highlight=False)
        _tell(f"Everything is in {folder}. Look at it with: prc-emo report {folder}")


@app.command()
def prompt(
    name: Name,
    utterance: Annotated[
        str, typer.Argument(help="The id of an utterance, as `prc-emo data read` prints it.")
    ],
    overrides: Overrides = None,
    to: Annotated[
        Path, typer.Option("--out", help="Where runs go; its store of demonstrations is used or made there.")
    ] = Path("runs"),
) -> None:
    """The very text the model sees for one utterance, with its tokens and what was retrieved and excluded."""
    settings = experiment(name, overrides or [])
    if settings.recognizer != "prc_emo":
        raise PrcEmoError(f"{name} is a {settings.recognizer} experiment: it has no prompt.")
    from prc_emo.inspection import describe

    describe(settings, utterance, folder_of(settings, to), out)


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

    model = PRCEmo.load(latest(run), knowledge=Knowledge.load(knowledge) if knowledge else None)
    answers = iter(model.predict(conversations))
    for talk in conversations:
        table = Table("speaker", "text", "emotion", "probability", title=Text(talk.id), title_justify="left")
        for turn in talk.utterances:
            answer = next(answers)
            if as_json:
                row = {
                    "id": turn.id,
                    "speaker": turn.speaker,
                    "label": answer.label,
                    "probabilities": dict(answer.probabilities),
                }
                out.print(json.dumps(row, ensure_ascii=False), markup=False, highlight=False, soft_wrap=True)
            else:
                sure = answer.probabilities.get(answer.label or "")
                shown = "" if sure is None else f"{sure:.2f}"
                table.add_row(Text(turn.speaker), Text(turn.text), answer.label or "unreadable", shown)
        if not as_json:
            out.print(table)


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


@data.command("read")
def data_read(
    corpus: CorpusName,
    path: CorpusPath = None,
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="A folder for SPLIT.jsonl; by default a preview is shown.")
    ] = None,
    labels: Labels = None,
) -> None:
    """Read a corpus in its official form; write it as conversation JSONL."""
    from prc_emo.corpora import write_jsonl

    found = _corpus(corpus, path, labels)
    for name in [split] if split else found.splits:
        talks = found.split(name)
        if to is not None:
            write_jsonl(to / f"{name}.jsonl", talks)
            _tell(f"{to / name}.jsonl: {len(talks)} conversations.")
            continue
        for talk in talks[:2]:
            table = Table(
                "id",
                "speaker",
                "text",
                "emotion",
                title=f"{name}: first of {len(talks)}",
                title_justify="left",
            )
            for turn in talk.utterances:
                table.add_row(Text(turn.id), Text(turn.speaker), Text(turn.text), turn.gold or "")
            out.print(table)


@data.command("check")
def data_check(
    corpus: CorpusName, path: CorpusPath = None, labels: Labels = None, as_json: AsJson = False
) -> None:
    """Duplicates, leaks between splits, unknown labels, empty turns and encoding damage: how many, and where."""
    from prc_emo.corpora import check

    found = check(_corpus(corpus, path, labels if corpus == "prc-json" else None), labels=_label_set(labels))
    if as_json:
        out.print_json(json.dumps(found.to_json()))
        return
    table = Table("what", "split", "how many", "where")
    for row in found.rows():
        table.add_row(*map(Text, row))
    out.print(table if found.rows() else "Nothing found.")


@data.command("stats")
def data_stats(
    corpus: CorpusName, path: CorpusPath = None, labels: Labels = None, as_json: AsJson = False
) -> None:
    """Dialogues, utterances, speakers, labels and emotion shifts per split."""
    from prc_emo.corpora import stats

    found = stats(_corpus(corpus, path, labels))
    if as_json:
        out.print_json(json.dumps(found.to_json()))
        return
    head, *rows = found.rows()
    table = Table(*head)
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)


Folder = Annotated[Path, typer.Argument(help="The folder of the store.")]


@store.command("build")
def store_build(
    folder: Folder,
    corpus: CorpusName,
    path: CorpusPath = None,
    split: Annotated[str, typer.Option(help="Which split to remember.")] = "train",
    labels: Labels = None,
    encoder: Annotated[str, typer.Option(help="A sentence-transformers model.")] = "minilm",
    index: Annotated[
        Literal["auto", "flat", "hnsw", "ivfpq"], typer.Option(help="How to search; auto goes by size.")
    ] = "auto",
) -> None:
    """Make a store of a corpus' utterances."""
    rows = _demonstrations(corpus, path, split, labels)
    from retrieval_store import DemonstrationStore, Embedder

    made = DemonstrationStore.build(rows, Embedder(encoder), index=index, progress=True)
    made.save(folder)
    _tell(f"{folder}: {len(made)} demonstrations.")


@store.command("add")
def store_add(
    folder: Folder,
    corpus: CorpusName,
    path: CorpusPath = None,
    split: Annotated[str, typer.Option(help="Which split to remember.")] = "train",
    labels: Labels = None,
    encoder: Annotated[
        str | None, typer.Option(help="Where the store's own encoder is, if not by its name.")
    ] = None,
) -> None:
    """Add a corpus' utterances to a store."""
    rows = _demonstrations(corpus, path, split, labels)
    from retrieval_store import DemonstrationStore, Embedder

    grown = DemonstrationStore.load(folder, Embedder(encoder) if encoder else None)
    before = len(grown)
    grown.add(rows)
    grown.save(folder)
    _tell(f"{folder}: {len(grown) - before} new, {len(grown)} demonstrations in all.")


@store.command("search")
def store_search(
    folder: Folder,
    text: Annotated[str, typer.Argument(help="What somebody says.")],
    k: Annotated[int, typer.Option(min=1)] = 3,
    labels: Annotated[str | None, typer.Option(help="Show labels in the words of this label set.")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Where the store's own encoder is, if not by its name.")
    ] = None,
) -> None:
    """The nearest demonstrations of a text, and what was nearer but held back."""
    from retrieval_store import DemonstrationStore, Embedder, Exclude

    relabel = _label_set(labels)
    found = DemonstrationStore.load(folder, Embedder(encoder) if encoder else None).search(
        [text], k=k, exclude=Exclude.nothing(), relabel=relabel.translate if relabel else None
    )[0]
    table = Table("score", "label", "text", Column("from", overflow="fold"), "")
    for hit in found.hits:
        table.add_row(
            f"{hit.score:.3f}", hit.label, Text(hit.demonstration.text), Text(hit.demonstration.id), "shown"
        )
    for one in found.excluded:
        shown = one.demonstration
        table.add_row(
            f"{one.score:.3f}", shown.label, Text(shown.text), Text(shown.id), f"held back: {one.reason}"
        )
    out.print(table)


@store.command("info")
def store_info(folder: Folder) -> None:
    """Labels, sources and domains of a store, its index and its encoder."""
    from retrieval_store import DemonstrationStore

    found = asdict(DemonstrationStore.load(folder).info())
    found["counts"] = [
        {"source": source, "domain": domain, "label": label, "rows": rows}
        for (source, domain, label), rows in found["counts"].items()
    ]
    out.print_json(json.dumps(found))


def folder_of(settings: Experiment, runs: Path) -> Path:
    return runs / settings.name / f"seed{settings.seed}"


def latest(run: Path) -> Path:
    """A run's own folder, where the folder of all its seeds was given: the seed that finished last."""
    if (run / "model").is_dir() or (run / "prc_emo.json").exists():
        return run
    seeds = [path.parent for path in run.glob("seed*/model")]
    return max(seeds, key=lambda path: (path / "model").stat().st_mtime, default=run)


def _corpus(name: str, path: Path | None, labels: str | None) -> "Corpus":
    from prc_emo.corpora import load_corpus

    return load_corpus(name, path, labels=_label_set(labels))


def _label_set(name: str | None) -> Any:
    from prc_emo.errors import did_you_mean
    from prc_emo.labels import LABEL_SETS

    if name is not None and name not in LABEL_SETS:
        raise PrcEmoError(f"{name!r} is no label set. {did_you_mean(name, LABEL_SETS)}")
    return None if name is None else LABEL_SETS[name]


def _demonstrations(corpus: str, path: Path | None, split: str, labels: str | None) -> Any:
    from prc_emo.compose import demonstrations_of

    found = _corpus(corpus, path, labels)
    return demonstrations_of(found.split(split), source=found.name, split=split)


def _first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _tell(line: str) -> None:
    if _first_process():
        notes.print(line, markup=False, highlight=False)


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
