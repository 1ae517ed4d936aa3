"""What a store remembers: one utterance of one conversation, with its label and where it comes from."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from retrieval_store.errors import StoreError


@dataclass(frozen=True, slots=True)
class Demonstration:
    """An utterance that may be shown as an example.

    >>> what = Demonstration("meld/train/dia0/utt1", "What?", "surprise", source="meld",
    ...                      dialogue="meld/train/dia0", position=1, split="train", speaker="Monica")
    >>> what.origin
    'meld/train'

    ``id`` and ``dialogue`` are names across all corpora, so they carry the corpus and the split. A sentence that
    belongs to no conversation has ``dialogue=""`` and ``position=-1``. ``label`` is a word of its own corpus; a search
    says how it reads in the vocabulary of the corpus that asks. ``domain`` is the scene of life it is set in
    ("family", "workplace", ...), where somebody noted it.
    """

    id: str
    text: str
    label: str
    source: str
    dialogue: str = ""
    position: int = -1
    split: str = ""
    speaker: str = ""
    domain: str = ""

    def __post_init__(self) -> None:
        for field in ("id", "text", "label", "source"):
            if not getattr(self, field).strip():
                raise StoreError(f"Demonstration {self.id!r}: expected some {field}, but it is empty.")

    @property
    def origin(self) -> str:
        """Corpus and split in one word, as ``Exclude.splits`` names them."""
        return f"{self.source}/{self.split}"

    def to_json(self) -> str:
        """One line without its end; the same record always gives the same line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str, where: str) -> "Demonstration":
        """The record of one line.

        Args:
            line: What ``to_json`` wrote, or an object with at least id, text, label and source.
            where: File and line number, for the message.

        Raises:
            StoreError: The line is not JSON, lacks a field, has an unknown one, or a value of another type.
        """
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise StoreError(f"{where}: not valid JSON ({error.msg}).") from None
        return cls._of(value, where)

    @classmethod
    def _of(cls, value: Any, where: str) -> "Demonstration":
        if not isinstance(value, Mapping):
            raise StoreError(
                f"{where}: expected an object with id, text, label and source, got {type(value).__name__}."
            )
        types = {field.name: field.type for field in fields(cls)}
        if unknown := sorted(set(value) - set(types)):
            raise StoreError(f"{where}: unknown field {unknown[0]!r}. Known: {', '.join(types)}.")
        if missing := [name for name in ("id", "text", "label", "source") if name not in value]:
            raise StoreError(f"{where}: field {missing[0]!r} is missing.")
        for name, entry in value.items():
            if type(entry) is not types[name]:
                raise StoreError(f"{where}: {name} should be {types[name].__name__}, got {entry!r}.")  # type: ignore[union-attr]
        try:
            return cls(**value)
        except StoreError as error:
            raise StoreError(f"{where}: {error}") from None
