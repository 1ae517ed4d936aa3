"""What a recognizer that hears made of voices, kept beside its predictions for the report: data only, no model.

Letters: U utterances, Z width of the contrastive space, K soft prompts, T frames.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prc_emo import files

FILE = "voices.safetensors"


@dataclass(frozen=True, eq=False)
class Voices:
    """Of the utterances that were labelled and heard.

    Attributes:
        ids: U of them.
        contrast: (U, Z), each of length one: where the contrastive loss has put them.
        attention: Of a few of them by id, (K, T): how much each soft prompt looks at each frame.
    """

    ids: tuple[str, ...]
    contrast: NDArray[np.float32]
    attention: Mapping[str, NDArray[np.float32]]

    def write(self, folder: Path) -> None:
        from safetensors.numpy import save

        looks = {f"attention/{id}": rows for id, rows in self.attention.items()}
        names = {"ids": json.dumps(self.ids)}
        files.write_bytes(folder / FILE, save({"contrast": self.contrast, **looks}, names))

    @classmethod
    def read(cls, folder: Path) -> "Voices | None":
        """Those of a run's folder; None where nothing was heard."""
        from safetensors import safe_open

        if not (folder / FILE).is_file():
            return None
        with safe_open(folder / FILE, framework="np") as file:
            opened: Any = file
            looks = {
                key.removeprefix("attention/"): opened.get_tensor(key)
                for key in opened.keys()  # noqa: SIM118  not a mapping
                if key != "contrast"
            }
            return cls(tuple(json.loads(opened.metadata()["ids"])), opened.get_tensor("contrast"), looks)
