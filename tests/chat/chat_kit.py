"""What the tests of the chat share: a reader whose answer depends on everything it is shown, and a few labelled conversations."""

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Literal

import numpy as np

from prc_emo.chat.turn import Reading, Shown
from prc_emo.conversation import Conversation, Utterance
from prc_emo.labels import LabelSet

LABELS = LabelSet("kit", ("joy", "sadness", "neutral"))


class WordReader:
    """Its probabilities change with every word that it is shown, so nobody can hide from it that one more was there."""

    name, labels, hears = "words", LABELS, False

    def __init__(self, window: int | None = 2, see: Literal["past", "surrounding"] = "past") -> None:
        self.window, self.see = window, see
        self.most = 0  # turns that it was ever shown at once

    def read(self, conversations: Sequence[Conversation], only: Set[str]) -> Mapping[str, Reading]:
        readings = {}
        for talk in conversations:
            self.most = max(self.most, len(talk))
            for at, turn in enumerate(talk.utterances):
                if turn.id in only:
                    width = len(talk) if self.window is None else self.window
                    end = at + 1 + (width if self.see == "surrounding" else 0)
                    readings[turn.id] = self._of(talk.utterances[max(0, at - width) : end], turn.text)
        return readings

    def _of(self, seen: Sequence[object], text: str) -> Reading:
        weights = [1 + sum(map(ord, f"{seen}{label}")) % 97 for label in LABELS]
        probabilities = {label: one / sum(weights) for label, one in zip(LABELS, weights, strict=True)}
        label = max(probabilities, key=probabilities.__getitem__)
        return Reading(label, probabilities, (Shown("kit/0", text[::-1], "joy", 0.5),), {"same text": 1}, 1)


TALK = [
    ("Ross", "I'm fine.", "sadness"),
    ("Monica", "You're not fine.", "anger"),
    ("Ross", "Really!", "anger"),
    ("Monica", "It is late, and the soup is cold.", "neutral"),
]


def corpus(split: str, count: int) -> list[Conversation]:
    return [
        Conversation(
            f"{split}/{number}",
            tuple(
                Utterance(f"{split}/{number}/{at}", who, f"{words} {'So. ' * number}", gold)
                for at, (who, words, gold) in enumerate(TALK)
            ),
        )
        for number in range(count)
    ]


def tone(path: Path, hertz: float, seconds: float = 0.4) -> Path:
    """A recording: a tone that swells, so that its beginning is not its end."""
    import soundfile

    time = np.arange(int(seconds * 16_000)) / 16_000
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * hertz * time) * np.linspace(0.2, 1, len(time)), 16_000)
    return path
