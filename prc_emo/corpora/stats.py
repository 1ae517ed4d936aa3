"""What a corpus looks like, in numbers: how many, how long, which labels, how often feelings change."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from prc_emo.conversation import Conversation
from prc_emo.corpora.corpus import Corpus
from prc_emo.labels import LabelSet


@dataclass(frozen=True, slots=True)
class SplitStats:
    """One split. `shifts` is the share of turns whose label differs from that of the same speaker's turn before."""

    split: str
    dialogues: int
    utterances: int
    turns_per_dialogue: float
    speakers_per_dialogue: float
    words_per_turn: float
    labels: dict[str, int]
    unlabelled: int
    shifts: float


@dataclass(frozen=True, slots=True)
class CorpusStats:
    corpus: str
    splits: tuple[SplitStats, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """For a table: a name in front, then one column per split; the first row names the splits."""
        table: list[tuple[str, ...]] = [("", *(each.split for each in self.splits))]
        table.append(("dialogues", *(f"{each.dialogues:,}" for each in self.splits)))
        table.append(("utterances", *(f"{each.utterances:,}" for each in self.splits)))
        table.append(("turns per dialogue", *(f"{each.turns_per_dialogue:.1f}" for each in self.splits)))
        table.append(
            ("speakers per dialogue", *(f"{each.speakers_per_dialogue:.1f}" for each in self.splits))
        )
        table.append(("words per turn", *(f"{each.words_per_turn:.1f}" for each in self.splits)))
        table.append(("emotion shifts", *(f"{each.shifts:.1%}" for each in self.splits)))
        for label in self.splits[0].labels if self.splits else ():
            shares = (
                f"{each.labels[label]:,} ({each.labels[label] / max(each.utterances, 1):.1%})"
                for each in self.splits
            )
            table.append((label, *shares))
        table.append(("unlabelled", *(f"{each.unlabelled:,}" for each in self.splits)))
        return table

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def stats(corpus: Corpus) -> CorpusStats:
    """Counts per split; labels in the order of the label set, also those that do not occur."""
    return CorpusStats(
        corpus.name, tuple(_of(split, members, corpus.labels) for split, members in corpus.splits.items())
    )


def _of(split: str, members: tuple[Conversation, ...], labels: LabelSet) -> SplitStats:
    turns = [turn for conversation in members for turn in conversation.utterances]
    counts = Counter(turn.gold for turn in turns)
    changes = [change for conversation in members for change in _changes(conversation)]
    return SplitStats(
        split=split,
        dialogues=len(members),
        utterances=len(turns),
        turns_per_dialogue=_mean([len(conversation) for conversation in members]),
        speakers_per_dialogue=_mean([len(conversation.speakers) for conversation in members]),
        words_per_turn=_mean([len(turn.text.split()) for turn in turns]),
        labels={label: counts[label] for label in labels},
        unlabelled=counts[None],
        shifts=_mean(changes),
    )


def _changes(conversation: Conversation) -> Iterator[bool]:
    """For each labelled turn that follows one of the same speaker: is the label another one?"""
    before: dict[str, str] = {}
    for turn in conversation.utterances:
        if turn.gold is not None:
            if turn.speaker in before:
                yield before[turn.speaker] != turn.gold
            before[turn.speaker] = turn.gold


def _mean(values: list[int] | list[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
