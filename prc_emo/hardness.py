"""What the measures of difficulty say about a corpus, before anything is trained: a table with a row per conversation.

Do measures agree? Do they only count turns and speakers? Do they tell where a model goes wrong? Knows conversations
and, where there are any, the predictions of finished runs; trains and asks no model.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curriculum import DIFFICULTIES
from prc_emo.bench.runs import Experiment
from prc_emo.conversation import Conversation
from prc_emo.difficulty import Difficulty
from prc_emo.errors import PrcEmoError
from prc_emo.files import write_text
from prc_emo.labels import LabelSet

UTTERANCES, SPEAKERS = "utterances", "speakers"


@dataclass(frozen=True, eq=False)
class Hardness:
    """Measures beside each other.

    Attributes:
        conversations: Those with a labelled turn, in the order of the corpus.
        columns: Name -> one number per conversation: every measure but `none`, then utterances, speakers, and for each
            run the share of utterances that it labelled wrong.
        measures: Which of the columns are measures of difficulty.
    """

    conversations: tuple[Conversation, ...]
    columns: Mapping[str, NDArray[np.float64]]
    measures: tuple[str, ...]

    @classmethod
    def of(
        cls,
        conversations: Sequence[Conversation],
        labels: LabelSet,
        *,
        k: float = 1.0,
        b: float = 0.4,
        runs: Sequence[Experiment] = (),
    ) -> "Hardness":
        """Measures conversations.

        Args:
            k: What similarity adds to a shift's weight, and `b`, what every shift weighs at least.
            runs: Finished runs on these conversations; then only those that they labelled are measured.

        Raises:
            PrcEmoError: A label is not on the emotion wheel, a run has labelled none of these conversations, or fewer
                than three remain.
        """
        errors = {f"errors of {run.name}": _errors(run, {talk.id for talk in conversations}) for run in runs}
        kept = [
            talk
            for talk in conversations
            if any(turn.gold is not None for turn in talk.utterances)
            and all(talk.id in of_run for of_run in errors.values())
        ]
        if len(kept) < 3:
            raise PrcEmoError(
                f"Expected three labelled conversations or more to compare measures on, got {len(kept)}. Choose another "
                "split" + (" or other runs." if runs else ".")
            )
        measures = tuple(name for name in DIFFICULTIES if name != "none")
        columns = {name: Difficulty(name, k, b).of(kept, labels) for name in measures}
        if taken := {UTTERANCES, SPEAKERS} & set(measures):
            raise PrcEmoError(
                f"{min(taken)!r} is a column of this table already. Call your measure of difficulty otherwise."
            )
        columns[UTTERANCES] = np.array([len(talk) for talk in kept], dtype=np.float64)
        columns[SPEAKERS] = np.array([len(talk.speakers) for talk in kept], dtype=np.float64)
        for name, of_run in errors.items():
            columns[name] = np.array([of_run[talk.id] for talk in kept])
        return cls(tuple(kept), columns, measures)

    def correlations(self) -> NDArray[np.float64]:
        """Spearman's rank correlations between the columns, shape (columns, columns); NaN where a column is constant."""
        from scipy.stats import rankdata

        ranks = np.array([rankdata(column) for column in self.columns.values()])
        centred = ranks - ranks.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).sum(axis=1))
        with np.errstate(invalid="ignore"):
            found: NDArray[np.float64] = centred @ centred.T / np.outer(spread, spread)
        return found

    def extremes(self, measure: str, many: int = 3) -> tuple[list[int], list[int]]:
        """Places of the easiest conversations and of the hardest, the most extreme first."""
        by_rank = np.argsort(self.columns[measure], kind="stable").tolist()
        return by_rank[:many], by_rank[::-1][:many]

    def to_json(self) -> dict[str, Any]:
        """Columns by conversation, and correlations, with null where there is none."""
        names = list(self.columns)
        matrix = [[None if np.isnan(r) else round(float(r), 6) for r in row] for row in self.correlations()]
        return {
            "conversations": [
                {"id": talk.id, **{name: float(column[at]) for name, column in self.columns.items()}}
                for at, talk in enumerate(self.conversations)
            ],
            "correlations": {
                name: dict(zip(names, row, strict=True)) for name, row in zip(names, matrix, strict=True)
            },
        }

    def write_csv(self, path: Path) -> None:
        """A line per conversation, for a spreadsheet or your own statistics."""
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(["conversation", *self.columns])
        for at, talk in enumerate(self.conversations):
            rows.writerow([talk.id, *(f"{column[at]:.6g}" for column in self.columns.values())])
        write_text(path, text.getvalue())


def _errors(run: Experiment, known: set[str]) -> dict[str, float]:
    """Conversation -> the share of its utterances that was labelled wrong, meant over the seeds of the run."""
    wrong: dict[str, list[bool]] = {}
    for one in run.runs:
        for line in one.judged:
            wrong.setdefault(line.conversation, []).append(not line.right)
    if not wrong.keys() & known:
        raise PrcEmoError(
            f"{run.name} has labelled none of these conversations, but {next(iter(wrong))!r} and the like. Choose the "
            "split that it was scored on."
        )
    return {talk: sum(answers) / len(answers) for talk, answers in wrong.items()}
