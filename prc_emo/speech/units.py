"""Speech as discrete units: one sequence of integers per utterance, as clustering of an encoder's frames makes them.

Knows JSONL with `id` and `units` on each line; other fields are left alone, so DailyTalk's files are read as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from prc_emo.conversation import Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_jsonl, sha256
from prc_emo.speech.heard import Array, Heard, Unheard, refuse


@dataclass(frozen=True)
class Units:
    """A `Source` of integers (T,) from 0 to `width` - 1, by utterance id."""

    by_id: dict[str, Array]
    width: int
    strict: bool = False

    @classmethod
    def read(cls, path: Path, width: int | None = None, *, strict: bool = False) -> Self:
        """Units of a file, or of all JSONL files in a folder.

        Args:
            path: The file or folder.
            width: How many different units there are; None takes one more than the highest that occurs, which may differ
                between training and use.
            strict: Raise where an utterance has no units.

        Raises:
            PrcEmoError: A line is not of the form or says an id again, or a unit is not below `width`.
        """
        files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        by_id: dict[str, Array] = {}
        for file in files:
            for number, row in read_jsonl(file):
                id, units = _line(row, f"{file}, line {number}")
                if id in by_id:
                    raise PrcEmoError(
                        f"{file}, line {number}: {id!r} has units already. Take one of them out."
                    )
                by_id[id] = units
        highest = max((int(units.max()) for units in by_id.values() if len(units)), default=-1)
        if highest < 0:
            raise PrcEmoError(f"{path}: expected lines with 'id' and 'units', found no unit.")
        if width is not None and highest >= width:
            raise PrcEmoError(f"{path}: expected units from 0 to {width - 1}, got {highest}.")
        return cls(by_id, highest + 1 if width is None else width, strict)

    @property
    def id(self) -> str:
        return f"units of {self.width}"

    @property
    def layers(self) -> None:
        return None

    def of(self, utterances: Sequence[Utterance]) -> Heard:
        """The units of each utterance; one without units is `no features`."""
        frames: dict[str, Array] = {}
        unheard: dict[str, Unheard] = {}
        for utterance in utterances:
            units = self.by_id.get(utterance.id)
            if units is not None and len(units):
                frames[utterance.id] = units
                continue
            unheard[utterance.id] = Unheard("no features", "no units" if units is None else "0 units")
            if self.strict:
                raise refuse(utterance, unheard[utterance.id])
        return Heard(frames, unheard, contents={id: sha256(units.tobytes()) for id, units in frames.items()})


def _line(row: object, where: str) -> tuple[str, Array]:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str):
        raise PrcEmoError(f"{where}: expected an object with 'id' and 'units'.")
    units = row.get("units")
    # bool is an int in Python, and never a unit
    if not isinstance(units, list) or any(type(unit) is not int or unit < 0 for unit in units):
        raise PrcEmoError(
            f"{where}: expected 'units' to be a list of whole numbers from 0, got {units!r:.60}."
        )
    return row["id"], np.array(units, dtype=np.int64)
