"""How good is a recognizer? All figures of one run, computed from gold labels and answers alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast, overload

from prc_emo.bench.calibration import Calibration, calibrate
from prc_emo.bench.predictions import Judged, Prediction, judge
from prc_emo.bench.slices import cut
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError

# What scikit-learn sees for an unreadable answer: no label of a corpus is spelled so.
_UNREADABLE = "\0unreadable"


@dataclass(frozen=True, slots=True)
class ClassScore:
    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Slice:
    """One piece of the test set, for instance the turns in which the speaker's emotion shifts."""

    group: str
    name: str
    n: int
    accuracy: float
    ua: float
    wf1: float


@dataclass(frozen=True, slots=True)
class Scores:
    """The figures of one run; all rates and F1 are fractions, 0..1.

    Attributes:
        wf1: Mean of the labels' F1, weighted by support: the field's main figure.
        accuracy: Also called weighted accuracy, WA.
        macro_f1: Unweighted mean over the labels that occur, as gold or as answer.
        ua: Unweighted accuracy, the main figure of work on speech: mean of the labels' recall, over gold labels that occur; in
            a slice, over those that occur there.
        unreadable: Share of answers that were no label; each counts as wrong.
        confusion: Row per gold label, column per answer, in the order of `labels`; the last column is unreadable.
        calibration: None for a recognizer without probabilities.
    """

    utterances: int
    dialogues: int
    accuracy: float
    wf1: float
    macro_f1: float
    ua: float
    unreadable: float
    labels: tuple[str, ...]
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: Calibration | None
    slices: tuple[Slice, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"wF1 {self.wf1:.4f}   accuracy {self.accuracy:.4f} (WA)   UA {self.ua:.4f}   macro F1 {self.macro_f1:.4f}   "
            f"({self.utterances} utterances, {self.dialogues} dialogues)"
        ]
        if self.calibration:
            c = self.calibration
            lines.append(f"ECE {c.ece:.4f}   Brier {c.brier:.4f}   NLL {c.nll:.4f}")
        if self.unreadable:
            lines.append(f"unreadable answers {self.unreadable:.1%}")
        width = max(map(len, [*self.labels, *(f"{piece.group}: {piece.name}" for piece in self.slices)]))
        lines += ["", f"{'label':<{width}}  precision  recall      F1  support"]
        lines += [
            f"{row.label:<{width}}  {row.precision:>9.4f}  {row.recall:>6.4f}  {row.f1:>6.4f}  {row.support:>7}"
            for row in self.per_class
        ]
        lines += ["", f"{'slice':<{width}}   accuracy      UA     wF1  support"]
        lines += [
            f"{f'{piece.group}: {piece.name}':<{width}}  {piece.accuracy:>9.4f}  {piece.ua:>6.4f}  {piece.wf1:>6.4f}  {piece.n:>7}"
            for piece in self.slices
        ]
        return "\n".join(lines)


@overload
def score(judged: Sequence[Judged], /) -> Scores: ...
@overload
def score(conversations: Sequence[Conversation], predictions: Sequence[Prediction], /) -> Scores: ...
def score(
    first: Sequence[Judged] | Sequence[Conversation], predictions: Sequence[Prediction] | None = None, /
) -> Scores:
    """Scores conversations and their predictions, or lines of `predictions.jsonl`.

    `score(meld.test, model.predict(meld.test))`, or `score(read_predictions(path))`.

    Raises:
        PrcEmoError: Predictions and utterances do not fit together, or nothing is labelled.
    """
    if predictions is not None:
        return _score(judge(cast(Sequence[Conversation], first), predictions))
    if first and isinstance(first[0], Conversation):
        raise PrcEmoError(
            "Conversations were given without predictions. Call score(conversations, predictions)."
        )
    return _score(cast(Sequence[Judged], first))


def labels_of(judged: Sequence[Judged]) -> tuple[str, ...]:
    """The labels in play: in the order of the probabilities where there are some, further ones by name."""
    ordered = dict.fromkeys(label for line in judged for label in line.probabilities)
    named = {word for line in judged for word in (line.gold, line.label) if word is not None}
    return (*ordered, *sorted(named - ordered.keys()))


def weighted_f1(judged: Sequence[Judged]) -> float:
    """Only the one figure; for choosing settings on dev."""
    from sklearn.metrics import f1_score

    gold, answers = _words(judged)
    return float(f1_score(gold, answers, labels=sorted(set(gold)), average="weighted", zero_division=0))


def _words(judged: Sequence[Judged]) -> tuple[list[str], list[str]]:
    return [line.gold for line in judged], [
        _UNREADABLE if line.label is None else line.label for line in judged
    ]


def _score(judged: Sequence[Judged]) -> Scores:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    if not judged:
        raise PrcEmoError("Nothing to score: none of the utterances has a gold label.")
    labels = labels_of(judged)
    gold, answers = _words(judged)
    precision, recall, f1, support = precision_recall_fscore_support(
        gold, answers, labels=labels, zero_division=0
    )
    confusion = confusion_matrix(gold, answers, labels=[*labels, _UNREADABLE])[:-1]  # (K, K + 1)
    occurs = (confusion.sum(axis=1) + confusion[:, :-1].sum(axis=0)) > 0  # (K,)
    return Scores(
        utterances=len(judged),
        dialogues=len({line.conversation for line in judged}),
        accuracy=_accuracy(judged),
        wf1=float((f1 * support).sum() / support.sum()),
        macro_f1=float(f1[occurs].mean()),
        ua=_unweighted_accuracy(judged),
        unreadable=float(confusion[:, -1].sum() / len(judged)),
        labels=labels,
        per_class=tuple(
            ClassScore(label, float(precision[at]), float(recall[at]), float(f1[at]), int(support[at]))
            for at, label in enumerate(labels)
        ),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        calibration=calibrate(judged),
        slices=tuple(
            Slice(group, name, len(lines), _accuracy(lines), _unweighted_accuracy(lines), weighted_f1(lines))
            for group, name, lines in cut(judged)
        ),
    )


def _accuracy(judged: Sequence[Judged]) -> float:
    return sum(line.right for line in judged) / len(judged)


def _unweighted_accuracy(judged: Sequence[Judged]) -> float:
    from sklearn.metrics import recall_score

    gold, answers = _words(judged)
    return float(recall_score(gold, answers, labels=sorted(set(gold)), average="macro", zero_division=0))
