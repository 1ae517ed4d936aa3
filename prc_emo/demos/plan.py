"""What demonstrations are to be written about, and what each round wants: the two files that everything else follows from."""

from pathlib import Path

from pydantic import Field, field_validator

from prc_emo.config import Section
from prc_emo.errors import PrcEmoError
from prc_emo.files import write_json
from prc_emo.labels import LabelSet
from prc_emo.settings import stored

PLAN = "plan.json"


class Plan(Section):
    """`plan.json` of a folder.

    Attributes:
        domains: Where the dialogues play, each in a few words.
        labels: What may be felt.
        topics: Situations per domain.
        dialogues: Of each situation, in each round.
        turns: Of a dialogue, about.
        thin: A label is thin with less than this share of the mean of all labels.
        rounds: For each round the labels it wants most; the first wants none.
    """

    domains: tuple[str, ...] = Field(min_length=1)
    labels: tuple[str, ...] = Field(min_length=2)
    topics: int = Field(30, ge=1)
    dialogues: int = Field(1, ge=1)
    turns: int = Field(9, ge=2)
    thin: float = Field(0.6, gt=0, lt=1)
    rounds: tuple[tuple[str, ...], ...] = ((),)

    @field_validator("domains", "labels")
    @classmethod
    def _differ(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if len({word.strip().lower() for word in words}) < len(words) or not all(map(str.strip, words)):
            raise ValueError(f"expected different words, got {', '.join(map(repr, words))}")
        return words

    @property
    def label_set(self) -> LabelSet:
        return LabelSet("plan", self.labels)

    @classmethod
    def read(cls, folder: Path) -> "Plan":
        """The plan of a folder.

        Raises:
            PrcEmoError: There is none, or it is no plan.
        """
        if not (folder / PLAN).exists():
            raise PrcEmoError(
                f"{folder}: expected {PLAN}. Begin with prc-emo demos start {folder} --domain ..."
            )
        return stored(cls, folder / PLAN)

    def write(self, folder: Path) -> None:
        write_json(folder / PLAN, self.model_dump(mode="json"))
