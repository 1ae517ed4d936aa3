"""What a session asks of a recognizer, and how a trained run is made to answer it.

One loaded recognizer serves many sessions, from as many threads as they like: it is asked one at a time.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Literal, Protocol

from prc_emo import saved
from prc_emo.bench.contract import Recognizer, Windowed, baseline
from prc_emo.bench.run import CONFIG
from prc_emo.chat.turn import Reading, Shown
from prc_emo.compose import Example
from prc_emo.config_file import experiment
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.labels import LabelSet
from prc_emo.recognizer import PRCEmo

_TOKENS_ON_CPU = 1024  # of a batch


class Reader(Protocol):
    """Reads the emotion of turns.

    Attributes:
        name: What is shown to people, and kept with a session.
        labels: What it may answer.
        window: How many turns on a side it looks at; None is all that were said.
        see: `past`, or `surrounding`: it was trained to look also at the turns that follow, where there are some.
    """

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> LabelSet: ...
    @property
    def window(self) -> int | None: ...
    @property
    def see(self) -> Literal["past", "surrounding"]: ...

    def read(self, conversations: Sequence[Conversation], only: Set[str]) -> Mapping[str, Reading]:
        """A reading for each utterance whose id is in `only`; the others are context. Safe to call from threads.

        Raises:
            PrcEmoError: An utterance is too long even alone.
        """
        ...


class PRCEmoReader:
    """PRC-Emo, with the demonstrations that it was shown."""

    def __init__(self, model: PRCEmo, name: str) -> None:
        self.name, self.labels, self.window, self.see = name, model.labels, model.window, model.see
        self._model, self._turn = model, threading.Lock()

    def read(self, conversations: Sequence[Conversation], only: Set[str]) -> Mapping[str, Reading]:
        places = {
            turn.id: (at, len(talk) - 1 - at)
            for talk in conversations
            for at, turn in enumerate(talk.utterances)
        }
        with self._turn:
            examined = self._model.examine(conversations, only)
        return {
            answer.id: self._reading(answer.label, answer.probabilities, example, *places[answer.id])
            for answer, example in examined
        }

    def _reading(
        self, label: str | None, probabilities: Mapping[str, float], example: Example, before: int, after: int
    ) -> Reading:
        found, gone = example.found, Counter(example.cut)
        follow = after if self.see == "surrounding" else 0
        return Reading(
            label,
            dict(probabilities),
            tuple(
                Shown(hit.demonstration.id, hit.demonstration.text, hit.label, hit.score)
                for hit in found.hits
            )
            if found
            else (),
            dict(Counter(one.reason for one in found.excluded)) if found else {},
            min(before, self.window) - gone["context"],
            min(follow, self.window) - gone["following"],
            example.cut,
        )


class BaselineReader:
    """A baseline: labels and probabilities, without evidence."""

    see: Literal["past", "surrounding"] = "past"

    def __init__(self, recognizer: Recognizer, labels: LabelSet, name: str) -> None:
        self.name, self.labels = name, labels
        self.window = recognizer.window if isinstance(recognizer, Windowed) else None
        self._recognizer, self._turn = recognizer, threading.Lock()

    def read(self, conversations: Sequence[Conversation], only: Set[str]) -> Mapping[str, Reading]:
        with self._turn:
            answers = self._recognizer.predict([talk.hidden() for talk in conversations])
        return {one.id: Reading(one.label, dict(one.probabilities)) for one in answers if one.id in only}


def open_run(run: Path) -> Reader:
    """The recognizer that a run trained, PRC-Emo or a baseline; of the folder of all its seeds, the latest.

    Raises:
        PrcEmoError: There is no trained recognizer.
    """
    folder = saved.latest(run)
    settings = max([folder / CONFIG, *folder.glob(f"seed*/{CONFIG}")], key=_age)
    if settings.exists() and (kind := experiment(str(settings)).recognizer) != "prc_emo":
        recognizer = baseline(kind).load(settings.parent)
        labels = getattr(recognizer, "labels", None)
        if not isinstance(labels, LabelSet):
            raise PrcEmoError(
                f"{run}: the baseline {kind} does not say its labels, so it cannot read a chat."
            )
        return BaselineReader(recognizer, labels, str(run))
    model = PRCEmo.load(folder)
    if (
        model.language_model.device.type == "cpu"
    ):  # 4,096 tokens do not fit its caches: a quarter more time for each turn
        tokens = min(model.answer.batch_tokens, _TOKENS_ON_CPU)
        model.answer = model.answer.model_copy(update={"batch_tokens": tokens})
    return PRCEmoReader(model, str(run))


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
