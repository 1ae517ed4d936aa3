"""How much of a corpus is known, and does the knowledge give labels away? Counts words; asks no model."""

from collections.abc import Sequence
from dataclasses import dataclass

from prc_emo.conversation import Conversation
from prc_emo.knowledge import Knowledge
from prc_emo.labels import LabelSet


@dataclass(frozen=True, slots=True)
class LabelLeak:
    """Of the interpreted utterances with this gold label: how many interpretations name it, or another label."""

    label: str
    interpreted: int
    own: int
    other: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What there is and what is missing.

    Attributes:
        speakers: Speakers of conversations; the same name in two conversations counts twice.
        words: Mean length of explicit and of implicit interpretations, and of characteristics; 0 where there are none.
    """

    utterances: int
    interpreted: int
    speakers: int
    described: int
    words: tuple[float, float, float]
    leaks: tuple[LabelLeak, ...]


def coverage(knowledge: Knowledge, conversations: Sequence[Conversation], labels: LabelSet) -> Coverage:
    """Counts of the knowledge about these conversations."""
    counts = {label: [0, 0, 0] for label in labels}
    read = []
    for turn in (turn for talk in conversations for turn in talk.utterances):
        if (found := knowledge.interpretations.get(turn.id)) is None:
            continue
        read.append(found)
        if turn.gold is not None:
            named = set(labels.named_in(f"{found.explicit} {found.implicit}"))
            count = counts[turn.gold]
            count[0] += 1
            count[1] += turn.gold in named
            count[2] += bool(named - {turn.gold})
    people = [(talk.id, speaker) for talk in conversations for speaker in talk.speakers]
    described = [knowledge.characteristics[who] for who in people if who in knowledge.characteristics]
    return Coverage(
        sum(map(len, conversations)),
        len(read),
        len(people),
        len(described),
        (
            _mean_words([one.explicit for one in read]),
            _mean_words([one.implicit for one in read]),
            _mean_words(described),
        ),
        tuple(LabelLeak(label, *count) for label, count in counts.items()),
    )


def _mean_words(texts: Sequence[str]) -> float:
    return sum(len(text.split()) for text in texts) / len(texts) if texts else 0.0
