"""How hard conversations count as in the curriculum, and the record of the order that came of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curriculum import CurriculumError, Order, Schedule, difficulties
from prc_emo.config import Curriculum
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.files import write_json
from prc_emo.labels import LabelSet


@dataclass(frozen=True)
class Difficulty:
    """How hard a conversation counts as; see `curriculum.difficulty` for the measures and their weights."""

    measure: str = "prc-emo"
    k: float = 1.0
    b: float = 0.4
    every_change: bool = False

    @classmethod
    def by(cls, settings: Curriculum) -> "Difficulty":
        """As an experiment says."""
        return cls(
            settings.difficulty,
            settings.similarity_weight,
            settings.similarity_offset,
            settings.every_speaker_change,
        )

    def of(self, conversations: Sequence[Conversation], labels: LabelSet) -> np.ndarray:
        """(conversations,) difficulties, from the labelled turns of each.

        Raises:
            PrcEmoError: A label has no place on the emotion wheel, which this measure asks.
        """
        turns = [[turn for turn in talk.utterances if turn.gold is not None] for talk in conversations]
        try:
            return difficulties(
                turns, self.measure, n_labels=len(labels), k=self.k, b=self.b, every_change=self.every_change
            )
        except CurriculumError as error:
            raise PrcEmoError(
                f"{error} Or train without a curriculum (schedule=None, on the command line curriculum=null), or with a "
                "measure that asks no wheel: curriculum.difficulty=es."
            ) from None


def write_order(path: Path, order: Order, hardness: np.ndarray, schedule: Schedule) -> None:
    """Writes the order with the (conversations,) difficulties and the borders between buckets, for the report."""
    hardness = np.sort(hardness)
    buckets = getattr(schedule, "buckets", 1)
    borders = [float(hardness[len(hardness) * bucket // buckets]) for bucket in range(1, buckets)]
    write_json(path, {**json.loads(order.to_json()), "difficulties": hardness.tolist(), "buckets": borders})
