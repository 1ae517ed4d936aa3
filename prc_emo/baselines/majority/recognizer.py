"""Always the most frequent training label. Reads no word; whatever learns anything must beat it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prc_emo import files
from prc_emo.baselines.kit.parameters import Parameters, read_parameters
from prc_emo.bench.predictions import Prediction
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.labels import LabelSet


class Majority:
    """Answers with the most frequent label; its probabilities are the training frequencies."""

    window = 0  # turns that it looks at

    def __init__(self, labels: LabelSet, frequencies: Mapping[str, float] | None = None) -> None:
        self.labels = labels
        self.frequencies = frequencies

    def fit(self, train: Sequence[Conversation], dev: Sequence[Conversation], *, out: Path) -> None:
        counts = Counter(
            u.gold for conversation in train for u in conversation.utterances if u.gold is not None
        )
        if not counts:
            raise PrcEmoError(
                "majority: expected labelled utterances to learn from, but the training split has none."
            )
        self.frequencies = {label: counts[label] / counts.total() for label in self.labels}
        files.write_json(
            out / "majority.json", {"label_set": self.labels.name, "frequencies": self.frequencies}
        )

    def predict(self, conversations: Sequence[Conversation]) -> list[Prediction]:
        if self.frequencies is None:
            raise PrcEmoError("majority: nothing is learned yet. Call fit first, or load what fit wrote.")
        # max takes the first of equals, so the order of the label set decides
        most = max(self.frequencies, key=self.frequencies.__getitem__)
        return [
            Prediction(u.id, most, self.frequencies)
            for conversation in conversations
            for u in conversation.utterances
        ]


def build(labels: LabelSet, parameters: Mapping[str, Any], seed: int) -> Majority:
    """The seed is part of the contract and changes nothing here."""
    read_parameters(Parameters, parameters, "majority")
    return Majority(labels)


def load(folder: Path) -> Majority:
    saved = files.read_json(folder / "majority.json")
    return Majority(LabelSet(saved["label_set"], tuple(saved["frequencies"])), saved["frequencies"])
