"""What a session asks of a recognizer, and how a trained run is made to answer it.

One loaded recognizer serves many sessions, from as many threads as they like: it is asked one at a time.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Literal, Protocol

from prc_emo import saved
from prc_emo.bench.contract import Hears, Recognizer, Windowed, baseline
from prc_emo.bench.predictions import Prediction
from prc_emo.bench.run import CONFIG
from prc_emo.chat.turn import Reading, Shown, Voice
from prc_emo.compose import Example
from prc_emo.config_file import experiment
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.hearing import Ears
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
        hears: Whether it hears the recordings of turns, beside reading their words.
    """

    @property
    def name(self) -> str: ...
    @property
    def labels(self) -> LabelSet: ...
    @property
    def window(self) -> int | None: ...
    @property
    def see(self) -> Literal["past", "surrounding"]: ...
    @property
    def hears(self) -> bool: ...

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
        self.hears = _hears(model.ears)
        self._model, self._turn = model, threading.Lock()

    def read(self, conversations: Sequence[Conversation], only: Set[str]) -> Mapping[str, Reading]:
        places = {
            turn.id: (at, len(talk) - 1 - at)
            for talk in conversations
            for at, turn in enumerate(talk.utterances)
        }
        with self._turn:
            examined = self._model.examine(conversations, only)
            voices = _voices(self._model.ears, conversations, only)
        return {
            answer.id: self._reading(answer, example, voices.get(answer.id), *places[answer.id])
            for answer, example in examined
        }

    def _reading(
        self, answer: Prediction, example: Example, voice: Voice | None, before: int, after: int
    ) -> Reading:
        found, gone = example.found, Counter(example.cut)
        follow = after if self.see == "surrounding" else 0
        return Reading(
            answer.label,
            dict(answer.probabilities),
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
            voice,
        )


class BaselineReader:
    """A baseline: labels and probabilities, without evidence."""

    see: Literal["past", "surrounding"] = "past"

    def __init__(self, recognizer: Recognizer, labels: LabelSet, name: str) -> None:
        self.name, self.labels = name, labels
        self.window = recognizer.window if isinstance(recognizer, Windowed) else None
        self._ears = _ears_of(recognizer)
        self.hears = _hears(self._ears)
        self._recognizer, self._turn = recognizer, threading.Lock()

    def read(self, conversations: Sequence[Conversation], only: Set[str]) -> Mapping[str, Reading]:
        with self._turn:
            answers = self._recognizer.predict([talk.hidden() for talk in conversations])
            voices = _voices(self._ears, conversations, only)
        return {
            one.id: Reading(one.label, dict(one.probabilities), voice=voices.get(one.id))
            for one in answers
            if one.id in only
        }


def open_run(run: Path) -> Reader:
    """The recognizer that a run trained, PRC-Emo or a baseline; of the folder of all its seeds, the latest.

    Raises:
        PrcEmoError: There is no trained recognizer.
    """
    folder = saved.latest(run)
    name = "/".join(run.resolve().parts[-2:])  # visitors of a server need not know the folders above it
    settings = max([folder / CONFIG, *folder.glob(f"seed*/{CONFIG}")], key=_age)
    if settings.exists() and (kind := experiment(str(settings)).recognizer) != "prc_emo":
        recognizer = baseline(kind).load(settings.parent)
        _alive(_ears_of(recognizer))
        labels = getattr(recognizer, "labels", None)
        if not isinstance(labels, LabelSet):
            raise PrcEmoError(
                f"{run}: the baseline {kind} does not say its labels, so it cannot read a chat."
            )
        return BaselineReader(recognizer, labels, name)
    model = PRCEmo.load(folder)
    _alive(model.ears)
    if (
        model.language_model.device.type == "cpu"
    ):  # 4,096 tokens do not fit its caches: a quarter more time for each turn
        tokens = min(model.answer.batch_tokens, _TOKENS_ON_CPU)
        model.answer = model.answer.model_copy(update={"batch_tokens": tokens})
    return PRCEmoReader(model, name)


def deaf(reader: Reader, where: str) -> PrcEmoError:
    """The error for a recording that nobody would hear."""
    return PrcEmoError(
        f"{where}: {reader.name} hears no recordings, it was trained without them. Leave the recording out, or take a run whose "
        "settings have a section speech with an encoder."
    )


def _ears_of(recognizer: Recognizer) -> Ears | None:
    return recognizer.ears if isinstance(recognizer, Hears) and isinstance(recognizer.ears, Ears) else None


def _hears(ears: Ears | None) -> bool:
    return ears is not None and ears.of_recordings


def _alive(ears: Ears | None) -> None:
    """In a conversation, voices are its own: they are kept with it, and nowhere else."""
    if ears is not None:
        ears.forget()


def _voices(ears: Ears | None, conversations: Sequence[Conversation], only: Set[str]) -> dict[str, Voice]:
    """What became of the recordings of these utterances, just after they were heard."""
    if ears is None or not ears.of_recordings:
        return {}
    recorded = [
        turn.id for talk in conversations for turn in talk.utterances if turn.audio and turn.id in only
    ]
    return {id: _voice(ears, id) for id in recorded}


def _voice(ears: Ears, id: str) -> Voice:
    if why := ears.heard.unheard.get(id):
        return Voice(False, f"{why.reason} ({why.detail})" if why.detail else why.reason)
    return Voice(True, f"the first {ears.settings.heard:g} s" if id in ears.heard.cut else "")


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
