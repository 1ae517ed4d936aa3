"""One HTML file that shows what a run, or several, came to. Reads run folders, asks nothing of any network or model.

Names, labels and ids come from corpora and are not trusted: the template escapes all of them, and the page forbids
itself to load anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prc_emo import files
from prc_emo.bench import plots
from prc_emo.bench.compare import COLUMNS, compare_experiments
from prc_emo.bench.metrics import Scores, score
from prc_emo.bench.predictions import Judged
from prc_emo.bench.runs import Experiment, Run, read_experiments
from prc_emo.bench.significance import Interval, accuracy_of, bootstrap
from prc_emo.bench.voices import Voices
from prc_emo.pages import escaping

_MISTAKES = 10


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the page says about one experiment; what a run folder does not hold is None or empty, and left out.

    Attributes:
        run: The one whose details are shown: the first seed.
        seeds: Folder name and wF1 of every seed, empty when there is just one.
        retrieval: Rows of what was shown and what was excluded for which reason.
        heard: Rows of how many voices were heard and why not the others: in training, and in the split that is scored.
    """

    name: str
    run: Run
    seeds: tuple[tuple[str, float], ...]
    scores: Scores
    wf1: Interval
    accuracy: Interval
    figures: tuple[plots.Plot, ...]
    mistakes: tuple[Judged, ...]
    retrieval: tuple[tuple[str, int], ...]
    heard: tuple[tuple[str, int, int], ...]
    settings: str | None
    environment: tuple[tuple[str, str], ...]


def write_report(folders: Path | Sequence[Path], out: Path, *, seed: int = 0) -> Path:
    """Writes one self-contained HTML file and returns its path.

    Args:
        folders: A run (`NAME/seed42`), an experiment (`NAME`, all seeds), or several of them to set side by side.
        out: The HTML file.
        seed: Of the resampling behind the intervals.

    Raises:
        PrcEmoError: A folder holds no finished run, or the runs were scored on different utterances.
    """
    experiments = read_experiments([folders] if isinstance(folders, Path) else folders)
    comparison = compare_experiments(experiments, seed=seed) if len(experiments) > 1 else None
    page = render(
        Path(__file__).parent / "report.html.j2",
        title=" · ".join(experiment.name for experiment in experiments),
        comparison=comparison,
        columns=COLUMNS,
        intervals=plots.intervals(comparison) if comparison else None,
        chapters=[_chapter(experiment, seed) for experiment in experiments],
    )
    files.write_text(out, page)
    return out


def render(template: Path, **values: Any) -> str:
    """A page from a template, which may build on `page.html.j2` and `parts.html.j2`; all values are escaped."""
    return escaping(template.parent, Path(__file__).parent).get_template(template.name).render(values)


def _chapter(experiment: Experiment, seed: int) -> Chapter:
    run = experiment.runs[0]
    judged = [other.judged for other in experiment.runs]
    scores, report = score(run.judged), files.read_object(run.folder / "report.json")
    return Chapter(
        name=experiment.name,
        run=run,
        seeds=tuple((other.folder.name, score(other.judged).wf1) for other in experiment.runs)
        if len(judged) > 1
        else (),
        scores=scores,
        wf1=bootstrap(judged, seed=seed),
        accuracy=bootstrap(judged, seed=seed, statistic=accuracy_of),
        figures=tuple(_figures(run, scores)),
        mistakes=_confident_mistakes(run.judged),
        retrieval=_retrieval(report),
        heard=_heard(report),
        settings=files.read_text(run.folder / "config.yaml")
        if (run.folder / "config.yaml").is_file()
        else None,
        environment=tuple(flat(files.read_object(run.folder / "environment.json"))),
    )


def _figures(run: Run, scores: Scores) -> Iterator[plots.Plot]:
    folder = run.folder
    yield plots.per_class(scores)
    yield plots.confusion(scores)
    if scores.calibration:
        yield plots.reliability(scores.calibration)
    log = (
        [row for _, row in files.read_jsonl(folder / "log.jsonl")] if (folder / "log.jsonl").is_file() else []
    )
    training = plots.training(log)
    if training:
        yield training
    order = files.read_object(folder / "order.json")
    if len(set(order.get("difficulties", []))) > 1:
        yield plots.difficulty(order["difficulties"], order.get("buckets", []))
    if voices := Voices.read(folder):
        gold = {line.id: line.gold for line in run.judged}
        if len(set(voices.ids) & set(gold)) > 4:
            yield plots.voices(voices, gold)
        if voices.attention:
            yield plots.attention(voices, gold)


def _confident_mistakes(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The wrong answers with the highest probability; ids only, since the words may not be ours to show."""
    wrong = [
        (line.probabilities[line.label], line)
        for line in judged
        if line.label is not None and not line.right and line.probabilities
    ]
    wrong.sort(key=lambda pair: (-pair[0], pair[1].id))
    return tuple(line for _, line in wrong[:_MISTAKES])


def _retrieval(report: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    retrieval = report.get("retrieval")
    if not retrieval or not (retrieval["shown"] or retrieval["excluded"]):
        return ()
    excluded = sorted(retrieval["excluded"].items(), key=lambda pair: -pair[1])
    return (("shown", retrieval["shown"]), *((f"excluded: {reason}", count) for reason, count in excluded))


def _heard(report: Mapping[str, Any]) -> tuple[tuple[str, int, int], ...]:
    train, asked = report.get("speech in training") or {}, report.get("speech") or {}
    return tuple((what, train.get(what, 0), asked.get(what, 0)) for what in {**train, **asked})


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as rows: {"packages": {"torch": "2.13"}} becomes ("packages.torch", "2.13")."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
