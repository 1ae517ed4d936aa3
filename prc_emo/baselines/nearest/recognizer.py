"""Retrieval and nothing else: the emotion of an utterance is the one that the most similar training utterances have.

Sees the utterance alone, without its context. What R can do without a language model, and so what a language model
that is shown the same demonstrations has to beat.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from prc_emo import files
from prc_emo.baselines.kit.parameters import Parameters, read_parameters
from prc_emo.baselines.nearest.model import vote
from prc_emo.bench.metrics import weighted_f1
from prc_emo.bench.predictions import Prediction, judge
from prc_emo.compose import Retrieval, demonstrations_of
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.labels import LabelSet
from retrieval_store import DemonstrationStore, Embedder, Found, count_excluded


class NearestParameters(Parameters):
    """`neighbours` and `temperatures` are the values tried on dev; the pair with the best wF1 is kept.

    `store` is "train", or a saved store, from the folder that you are in.
    """

    store: str = "train"
    encoder: str = "minilm"
    neighbours: list[Annotated[int, Field(ge=1)]] = Field([1, 3, 5, 10, 20, 50], min_length=1)
    temperatures: list[Annotated[float, Field(gt=0)]] = Field([0.05, 0.1, 0.2, 1.0], min_length=1)


class Nearest:
    """Weighted vote of the nearest training utterances.

    The store holds the training split alone, unless another is named. Of that, the utterance itself, its dialogue and every utterance of the
    same words are left out (`Retrieval`), in choosing on dev as in predicting.

    Attributes:
        shown: How many neighbours voted in the last `predict`.
        excluded: Which were nearer but might not, by reason.
        window: It reads the utterance alone.
    """

    window = 0

    def __init__(self, labels: LabelSet, parameters: NearestParameters) -> None:
        self.labels = labels
        self.parameters = parameters
        self.store: DemonstrationStore | None = None
        self.frequencies: dict[str, float] = {}
        self.k, self.temperature = parameters.neighbours[0], parameters.temperatures[0]
        self.shown = 0
        self.excluded: dict[str, int] = {}

    def fit(self, train: Sequence[Conversation], dev: Sequence[Conversation], *, out: Path) -> None:
        rows = demonstrations_of(train, source="training", split="train")
        if not rows:
            raise PrcEmoError(
                "nearest: expected labelled utterances to learn from, but the training split has none."
            )
        counts = Counter(row.label for row in rows)
        self.frequencies = {label: counts[label] / counts.total() for label in self.labels}
        embedder = Embedder(self.parameters.encoder)
        if self.parameters.store == "train":
            self.store = DemonstrationStore.build(rows, embedder, progress=True)
        else:
            self.store = DemonstrationStore.load(self.parameters.store, embedder)
        self.k, self.temperature = self._choose(dev)
        # the store first: a folder with nearest.json is a whole one
        self.store.save(out / "store")
        files.write_json(
            out / "nearest.json",
            {
                "label_set": self.labels.name,
                "frequencies": self.frequencies,
                "encoder": self.parameters.encoder,
                "k": self.k,
                "temperature": self.temperature,
            },
        )

    def predict(self, conversations: Sequence[Conversation]) -> list[Prediction]:
        found = self._find(conversations, self.k)
        self.shown, self.excluded = sum(len(one.hits) for one in found), count_excluded(found)
        return self._answer(conversations, found, self.k, self.temperature)

    def _choose(self, dev: Sequence[Conversation]) -> tuple[int, float]:
        """The pair with the best wF1 on dev; of equals the first in the order of the parameters."""
        tried = list(product(self.parameters.neighbours, self.parameters.temperatures))
        if len(tried) == 1:
            return tried[0]
        if not any(
            utterance.gold is not None for conversation in dev for utterance in conversation.utterances
        ):
            raise PrcEmoError(
                "nearest: expected a labelled development split to choose neighbours and temperature on, and there is "
                "none. Give one value each, such as parameters.neighbours=[20] parameters.temperatures=[0.1]."
            )
        found = self._find(dev, max(self.parameters.neighbours))
        return max(tried, key=lambda pair: weighted_f1(judge(dev, self._answer(dev, found, *pair))))

    def _find(self, conversations: Sequence[Conversation], k: int) -> list[Found]:
        if self.store is None:
            raise PrcEmoError("nearest: nothing is learned yet. Call fit first, or load what fit wrote.")
        targets = [(talk, utterance) for talk in conversations for utterance in talk.utterances]
        asked = frozenset(talk.id for talk in conversations)  # a store of several corpora may hold them
        return Retrieval(self.store, k, dialogues=asked).find(targets, self.labels)

    def _answer(
        self, conversations: Sequence[Conversation], found: Sequence[Found], k: int, temperature: float
    ) -> list[Prediction]:
        ids = [utterance.id for talk in conversations for utterance in talk.utterances]
        answers = []
        for id, one in zip(ids, found, strict=True):
            neighbours = [(hit.label, hit.score) for hit in one.hits[:k]]
            probabilities = vote(neighbours, self.frequencies, temperature)
            answers.append(Prediction(id, max(probabilities, key=probabilities.__getitem__), probabilities))
        return answers


def build(labels: LabelSet, parameters: Mapping[str, Any], seed: int) -> Nearest:
    """The seed is part of the contract and changes nothing here."""
    return Nearest(labels, read_parameters(NearestParameters, parameters, "nearest"))


def load(folder: Path) -> Nearest:
    saved = files.read_json(folder / "nearest.json")
    parameters = {
        "encoder": saved["encoder"],
        "neighbours": [saved["k"]],
        "temperatures": [saved["temperature"]],
    }
    nearest = build(LabelSet(saved["label_set"], tuple(saved["frequencies"])), parameters, seed=0)
    nearest.frequencies = saved["frequencies"]
    nearest.store = DemonstrationStore.load(folder / "store", Embedder(saved["encoder"]))
    return nearest
