"""The report of a study: one page that loads nothing, and its table as Markdown, LaTeX and CSV."""

from pathlib import Path
from statistics import mean
from typing import Any

from prc_emo.ablation import plots, tables
from prc_emo.ablation.results import Arm, Results
from prc_emo.bench.report import flat, render
from prc_emo.bench.run import corpus_of
from prc_emo.bench.runs import Experiment, Run
from prc_emo.config_file import to_yaml
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_object, write_text
from prc_emo.hardness import SPEAKERS, UTTERANCES, Hardness

_EXTREMES = 5


def write_reports(results: Results, folder: Path, *, quote: bool = True) -> Path:
    """Writes `report.html`, `table.md`, `table.tex` and `table.csv`; returns the page.

    Args:
        quote: Show the words of examples, which the licence of a corpus may forbid to pass on.
    """
    write_text(folder / "table.md", tables.markdown(results))
    write_text(folder / "table.tex", tables.latex(results))
    write_text(folder / "table.csv", tables.comma_separated(results))
    pictures = [plots.forest(results), plots.seeds(results), plots.learning(results)]
    page = folder / "report.html"
    write_text(
        page,
        render(
            Path(__file__).parent / "report.html.j2",
            study=results.study,
            caption=tables.caption(results),
            warnings=list(results.warnings),
            sentences=[one.sentence for one in results.comparisons],
            table=tables.rows(results, settings_last=True),
            behind=tables.behind(results),
            pictures=[one for one in pictures if one is not None] + plots.difficulties(results),
            slices=_slices(results),
            hardness=_hardness(results, quote),
            cost=_cost(results),
            settings=to_yaml(results.arm(results.study.against).settings),
            origin=_origin(results),
            unfinished=[(one.cell.name, one.status, one.error) for one in results.unfinished],
        ),
    )
    return page


def _slices(results: Results) -> list[tuple[str, list[tuple[str, ...]]]]:
    """wF1 by label and by slice of the scored split, a column per arm, meant over seeds."""
    groups: dict[str, dict[str, dict[str, list[float]]]] = {}
    for arm in results.arms:
        for cell in arm.cells:
            for row in cell.scores.per_class:
                groups.setdefault("label (F1)", {}).setdefault(row.label, {}).setdefault(arm.name, []).append(
                    row.f1
                )
            for piece in cell.scores.slices:
                groups.setdefault(piece.group, {}).setdefault(f"{piece.name} ({piece.n})", {}).setdefault(
                    arm.name, []
                ).append(piece.wf1)
    names = [arm.name for arm in results.arms]
    return [
        (
            group,
            [
                (piece, *(f"{mean(found[name]):.3f}" if name in found else "" for name in names))
                for piece, found in pieces.items()
            ],
        )
        for group, pieces in groups.items()
    ]


def _hardness(results: Results, quote: bool) -> dict[str, Any] | None:
    """The scored conversations by difficulty, beside what the arms get wrong; None where labels have no place on the wheel."""
    corpus = corpus_of(results.arm(results.study.against).settings)
    runs = [
        Experiment(arm.name, tuple(Run(cell.folder, cell.judged) for cell in arm.cells))
        for arm in results.arms
    ]
    try:
        hardness = Hardness.of(corpus.split(results.split), corpus.labels, runs=runs)
    except PrcEmoError:
        return None
    names = list(hardness.columns)
    errors = [name for name in names if name not in hardness.measures]
    matrix = hardness.correlations()
    measure = hardness.measures[-1]
    extremes = [
        (kind, at)
        for kind, places in zip(("easy", "hard"), hardness.extremes(measure, _EXTREMES), strict=True)
        for at in places
    ]
    return {
        "measure": measure,
        "correlations": (
            ("", *hardness.measures),
            [
                (
                    name,
                    *(_signed(matrix[names.index(name), names.index(other)]) for other in hardness.measures),
                )
                for name in errors
            ],
        ),
        "extremes": (
            ("", measure, *errors),
            [
                (
                    f"{kind}: {hardness.conversations[at].id}",
                    f"{hardness.columns[measure][at]:.3f}",
                    *(
                        f"{hardness.columns[name][at]:.{0 if name in (UTTERANCES, SPEAKERS) else 2}f}"
                        for name in errors
                    ),
                )
                for kind, at in extremes
            ],
        ),
        "said": [
            (
                hardness.conversations[at].id,
                _shortened(
                    " · ".join(
                        f"{turn.speaker}: {turn.text} ({turn.gold})"
                        if quote
                        else f"{turn.speaker}: {turn.gold}"
                        for turn in hardness.conversations[at].utterances
                    )
                ),
            )
            for _, at in extremes
        ],
    }


def _shortened(text: str, most: int = 400) -> str:
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"


def _signed(correlation: float) -> str:
    return "" if correlation != correlation else f"{correlation:+.2f}"


def _cost(results: Results) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for arm in results.arms:
        memory = [max(cell.cost["peak_memory_mb"].values()) for cell in arm.cells if cell.cost]
        found.append(
            (
                arm.name,
                str(arm.steps or ""),
                "" if arm.seconds is None else f"{arm.seconds:,.0f}",
                f"{max(memory):,.0f}" if memory else "",
            )
        )
    return found


def _origin(results: Results) -> list[tuple[str, str]]:
    """What the figures depend on: hashes by arm, versions and hardware."""
    rows = [("hashes of " + arm.name, text) for arm in results.arms if (text := _hashes(arm))]
    folder = results.arm(results.study.against).cells[0].folder
    return rows + list(flat(read_object(folder / "environment.json")))


def _hashes(arm: Arm) -> str:
    hashes = read_object(arm.cells[0].folder / "training.json")
    return ", ".join(f"{name} {value}" for name, value in hashes.items())
