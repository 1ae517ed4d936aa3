"""Which of these runs is better, and is that more than chance? Reads predictions, never a model."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, Literal

from prc_emo.bench.contrast import contrast
from prc_emo.bench.metrics import labels_of, score
from prc_emo.bench.predictions import refuse_different_utterances
from prc_emo.bench.runs import Experiment, read_experiments
from prc_emo.bench.significance import Difference, Interval, bootstrap, confusions, mcnemar, paired_bootstrap

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (
    "experiment",
    "seeds",
    "wF1",
    "95 % interval",
    "accuracy",
    "macro F1",
    "difference",
    "95 % interval",
    "p",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One experiment; its figures are means over its seeds.

    Attributes:
        sd: Standard deviation of wF1 over seeds (n - 1), None for one seed.
        difference: wF1 minus that of the reference: over dialogues and seeds where both have the same two seeds or more,
            otherwise on the same resampled dialogues; None for the reference itself.
        mcnemar: Exact p of being right equally often as the reference; None unless both have just one seed.
    """

    name: str
    seeds: int
    wf1: Interval
    sd: float | None
    accuracy: float
    macro_f1: float
    unreadable: float
    difference: Difference | None
    mcnemar: float | None

    def cells(self) -> tuple[str, ...]:
        """As text, in the order of `COLUMNS`."""
        d = self.difference
        return (
            self.name,
            str(self.seeds),
            f"{self.wf1.value:.4f}" + (f" ± {self.sd:.4f}" if self.sd is not None else ""),
            f"[{self.wf1.low:.4f}, {self.wf1.high:.4f}]",
            f"{self.accuracy:.4f}",
            f"{self.macro_f1:.4f}",
            f"{d.value:+.4f}" if d else "reference",
            f"[{d.low:+.4f}, {d.high:+.4f}]" if d else "",
            f"{d.p:.4f}" if d else "",
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Experiments scored on the same utterances, side by side, in the order given."""

    rows: tuple[Row, ...]
    reference: str
    utterances: int
    dialogues: int
    resamples: int
    crossed: bool = False  # some differences are over dialogues and seeds

    @property
    def caption(self) -> str:
        return (
            f"{self.utterances} utterances in {self.dialogues} dialogues; intervals and p by a paired bootstrap over "
            f"dialogues ({self.resamples} resamples), differences against {self.reference}"
            + "; between the same two seeds or more, over dialogues and seeds" * self.crossed
            + "."
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def markdown(self) -> str:
        lines = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 1)), *(row.cells() for row in self.rows)]
        body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
        return "\n".join([*body, "", self.caption]) + "\n"

    def table(self) -> "Table":
        """For the terminal: intervals stand below their figures, so that 80 columns are enough."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, caption=self.caption, caption_justify="left", pad_edge=False)
        for number, column in enumerate(("experiment", "wF1", "accuracy", "macro F1", "difference")):
            table.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            name, seeds, wf1, _, accuracy, macro_f1, difference, *_ = row.cells()
            d = row.difference
            cells = (
                name + (f"\n{seeds} seeds" if row.seeds > 1 else ""),
                f"{wf1}\n[{row.wf1.low:.3f}, {row.wf1.high:.3f}]",
                accuracy,
                macro_f1,
                f"{difference}, p {d.p:.3f}\n[{d.low:+.3f}, {d.high:+.3f}]" if d else difference,
            )
            table.add_row(*map(Text, cells))  # Text, since a name may look like rich's markup
        return table


def compare(
    folders: Sequence[Path],
    *,
    against: Literal["first", "best"] = "first",
    seed: int = 0,
    resamples: int = 2000,
) -> Comparison:
    """Compares run folders (`NAME/seed42`) or experiment folders (`NAME`, all finished seeds).

    Args:
        folders: What to compare, in the order of the table.
        against: The reference of the differences. The best by wF1 was picked on these very utterances, so
            differences against it flatter it a little; against the first nothing was picked.
        seed: Of the resampling.
        resamples: How often the dialogues are drawn anew.

    Raises:
        PrcEmoError: A folder holds no finished run, or two were scored on different utterances.
    """
    return compare_experiments(read_experiments(folders), against=against, seed=seed, resamples=resamples)


def compare_experiments(
    experiments: Sequence[Experiment],
    *,
    against: Literal["first", "best"] = "first",
    seed: int = 0,
    resamples: int = 2000,
) -> Comparison:
    """`compare` for what is already read."""
    first = experiments[0]
    for other in experiments[1:]:
        refuse_different_utterances(first.runs[0].judged, other.runs[0].judged, (first.name, other.name))
    scores = [[score(run.judged) for run in experiment.runs] for experiment in experiments]
    intervals = [
        bootstrap([run.judged for run in experiment.runs], seed=seed, resamples=resamples)
        for experiment in experiments
    ]
    place = max(range(len(experiments)), key=lambda at: intervals[at].value) if against == "best" else 0
    reference = experiments[place]
    rows = []
    for at, experiment in enumerate(experiments):
        own = scores[at]
        single = len(experiment.runs) == len(reference.runs) == 1
        rows.append(
            Row(
                name=experiment.name,
                seeds=len(own),
                wf1=intervals[at],
                sd=stdev([s.wf1 for s in own]) if len(own) > 1 else None,
                accuracy=mean([s.accuracy for s in own]),
                macro_f1=mean([s.macro_f1 for s in own]),
                unreadable=mean([s.unreadable for s in own]),
                difference=None if at == place else _difference(experiment, reference, seed, resamples),
                mcnemar=mcnemar(experiment.runs[0].judged, reference.runs[0].judged)
                if single and at != place
                else None,
            )
        )
    crossed = any(_same_seeds(one, reference) for one in experiments if one is not reference)
    first_scores = scores[0][0]
    return Comparison(
        tuple(rows), reference.name, first_scores.utterances, first_scores.dialogues, resamples, crossed
    )


def _difference(experiment: Experiment, reference: Experiment, seed: int, resamples: int) -> Difference:
    a, b = ([run.judged for run in one.runs] for one in (experiment, reference))
    if not _same_seeds(experiment, reference):
        return paired_bootstrap(a, b, seed=seed, resamples=resamples)
    labels = labels_of([line for judged in (*a, *b) for line in judged])
    found = contrast(confusions(a, labels), confusions(b, labels))
    return Difference(found.value, found.low, found.high, found.p)


def _same_seeds(one: Experiment, other: Experiment) -> bool:
    names = [[run.folder.name for run in each.runs] for each in (one, other)]
    dialogues = {line.conversation for line in one.runs[0].judged}
    return len(one.runs) > 1 and names[0] == names[1] and len(dialogues) > 1
