"""What author and second judgement agree on is kept; how far they agree is counted, per label."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from prc_emo.conversation import Conversation
from prc_emo.labels import LabelSet


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Of one label: how often the author meant it, how often the reader chose it, and both; Cohen's kappa against the rest.

    Kappa is None where it is not defined, as for a label that nobody used.
    """

    label: str
    author: int
    reader: int
    both: int
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two judgements of the same turns agree; kappa is Cohen's (1960), None where chance explains everything."""

    turns: int
    agreed: int
    kappa: float | None
    labels: tuple[LabelAgreement, ...]

    @property
    def share(self) -> float:
        return self.agreed / self.turns if self.turns else 0.0


def agreement(author: Sequence[str], reader: Sequence[str], labels: LabelSet) -> Agreement:
    """Counts over turns, in the same order on both sides."""
    pairs = Counter(zip(author, reader, strict=True))
    total = len(author)
    rows = []
    for label in labels:
        meant = sum(count for (first, _), count in pairs.items() if first == label)
        chosen = sum(count for (_, second), count in pairs.items() if second == label)
        both = pairs[label, label]
        agreed = total - meant - chosen + 2 * both
        chance = meant * chosen + (total - meant) * (total - chosen)
        rows.append(LabelAgreement(label, meant, chosen, both, _kappa(agreed, chance, total)))
    agreed = sum(row.both for row in rows)
    chance = sum(row.author * row.reader for row in rows)
    return Agreement(total, agreed, _kappa(agreed, chance, total), tuple(rows))


def kept(
    talks: Sequence[Conversation], second: Mapping[str, Sequence[str]]
) -> tuple[list[Conversation], list[Conversation]]:
    """The dialogues with only the labels that were chosen twice, and those with less than half of them left.

    Args:
        second: Labels of the second judgement, by conversation id; dialogues without one are left out of both.
    """
    good: list[Conversation] = []
    dropped: list[Conversation] = []
    for talk in talks:
        if talk.id not in second:
            continue
        turns = tuple(
            replace(turn, gold=turn.gold if turn.gold == label else None)
            for turn, label in zip(talk.utterances, second[talk.id], strict=True)
        )
        left = sum(turn.gold is not None for turn in turns)
        (good if 2 * left >= len(turns) else dropped).append(replace(talk, utterances=turns))
    return good, dropped


def thin_labels(talks: Sequence[Conversation], labels: LabelSet, share: float) -> list[str]:
    """Labels that are not there, or with less than this share of the mean count of all labels."""
    counts = Counter(turn.gold for talk in talks for turn in talk.utterances if turn.gold is not None)
    mean = counts.total() / len(labels)
    return [label for label in labels if not counts[label] or counts[label] < share * mean]


def _kappa(agreed: int, chance: int, total: int) -> float | None:
    if chance == total**2:  # both always say the same: whoever guesses agrees as well
        return None
    expected = chance / total**2
    return (agreed / total - expected) / (1 - expected)
