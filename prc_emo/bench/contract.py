"""What a recognizer must do to be run, scored and compared. Knows no recognizer, only how to find one by name.

Leaks are ruled out by shape: `fit` is never given the test split, and `predict` is given hidden conversations, in
which reading `.emotion` raises.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from prc_emo.bench.predictions import Prediction
from prc_emo.bench.voices import Voices
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.labels import LabelSet

_BASELINES = Path(__file__).parent.parent / "baselines"


class Recognizer(Protocol):
    """Learns from labelled conversations and labels hidden ones."""

    def fit(self, train: Sequence[Conversation], dev: Sequence[Conversation], *, out: Path) -> None:
        """Learns from `train`, chooses settings on `dev`, and leaves in the folder `out` all that `load` needs.

        What is written is data (JSON, safetensors, npy without objects), never a pickle. Utterances without a gold
        label are context. `dev` may be empty.
        """
        ...

    def predict(self, conversations: Sequence[Conversation]) -> list[Prediction]:
        """One prediction per utterance, in the order in which they were said; the conversations are hidden."""
        ...


@runtime_checkable
class Retrieves(Protocol):
    """A recognizer that asks a store besides: what its last `predict` was shown, for the report."""

    @property
    def shown(self) -> int:
        """Demonstrations shown."""
        ...

    @property
    def excluded(self) -> Mapping[str, int]:
        """How many were nearer but might not be shown, by reason."""
        ...


@runtime_checkable
class Hears(Protocol):
    """A recognizer that can hear voices beside reading words."""

    @property
    def ears(self) -> object | None:
        """What it hears with; None where its settings say that it only reads."""
        ...

    @property
    def heard(self) -> Mapping[str, int]:
        """How many voices were heard last, in training or by `predict`, and why not the others."""
        ...

    def voices(self) -> Voices | None:
        """What it made of them; None where it has nothing to show."""
        ...


@runtime_checkable
class Windowed(Protocol):
    """A recognizer that says how far it looks back; one that does not may look at all that was said."""

    @property
    def window(self) -> int:
        """How many turns before an utterance it looks at; it looks at none after it."""
        ...


class RecognizerModule(Protocol):
    """What the file `recognizer.py` of a baseline's folder exposes."""

    def build(self, labels: LabelSet, parameters: Mapping[str, Any], seed: int) -> Recognizer:
        """A recognizer that has learned nothing yet. Cheap: heavy imports wait for `fit`.

        Raises:
            PrcEmoError: A parameter is unknown or has an impossible value.
        """
        ...

    def load(self, folder: Path) -> Recognizer:
        """The recognizer whose `fit` wrote into `folder`; it predicts exactly what that one predicted."""
        ...


def baselines() -> dict[str, Path]:
    """Every baseline that ships: its name and its folder, found by looking."""
    return {file.parent.name: file.parent for file in sorted(_BASELINES.glob("*/recognizer.py"))}


def baseline(name: str) -> RecognizerModule:
    """The module of the baseline called `name`; only names that `baselines` found are ever imported.

    Raises:
        PrcEmoError: There is no such baseline.
    """
    known = baselines()
    if name not in known:
        raise PrcEmoError(f"There is no recognizer called {name!r}. {did_you_mean(name, known)}")
    return cast(RecognizerModule, importlib.import_module(f"prc_emo.baselines.{name}.recognizer"))
