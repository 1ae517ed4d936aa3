"""What leaves any recognizer: one answer per utterance, joined with the gold label into `predictions.jsonl`.

Scoring, significance, comparison and report read that file and never a model. It holds no word of the conversation.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from prc_emo import files
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError, did_you_mean


@dataclass(frozen=True, slots=True)
class Prediction:
    """A recognizer's answer for one utterance.

    >>> Prediction("dia0/0", "joy", {"joy": 0.75, "anger": 0.25}).label
    'joy'

    An answer that could not be read is `label=None`: it is counted, and it is always wrong. A recognizer without
    probabilities leaves the mapping empty; otherwise it names every label of the set, and they sum to one.
    """

    id: str
    label: str | None
    probabilities: Mapping[str, float]

    def __post_init__(self) -> None:
        if not self.probabilities:
            return
        total = sum(self.probabilities.values())
        # `not <=` rather than `>`: a NaN must not slip through
        if not abs(total - 1) <= 1e-3 or min(self.probabilities.values()) < 0:
            raise PrcEmoError(
                f"{self.id}: expected probabilities that are not negative and sum to 1, "
                f"got {dict(self.probabilities)} with sum {total:.4g}."
            )
        if self.label is not None and self.label not in self.probabilities:
            raise PrcEmoError(
                f"{self.id}: the answer {self.label!r} has no probability. {did_you_mean(self.label, self.probabilities)}"
            )


@dataclass(frozen=True, slots=True)
class Judged:
    """One line of `predictions.jsonl`: an answer beside its gold label, and what the slices need to know.

    Attributes:
        conversation: Id of the dialogue, the unit that the bootstrap draws.
        position: Place of the utterance in its dialogue, from 0, counting unlabelled ones too.
        speakers: How many people speak in the dialogue.
        words: Length of the utterance, counted by whitespace.
    """

    id: str
    conversation: str
    position: int
    speaker: str
    speakers: int
    words: int
    gold: str
    label: str | None
    probabilities: Mapping[str, float]

    @property
    def right(self) -> bool:
        return self.label == self.gold


def judge(conversations: Sequence[Conversation], predictions: Sequence[Prediction]) -> list[Judged]:
    """Joins answers and gold labels by utterance id; utterances that nobody labelled are passed over.

    Raises:
        PrcEmoError: An utterance has no answer or two, an answer belongs to no utterance, or the answers are words
            of another label set than the gold labels.
    """
    utterances = [utterance for conversation in conversations for utterance in conversation.utterances]
    _refuse_repeated("utterance", [utterance.id for utterance in utterances])
    _refuse_repeated("prediction", [prediction.id for prediction in predictions])
    answers = {prediction.id: prediction for prediction in predictions}
    missing = [utterance.id for utterance in utterances if utterance.id not in answers]
    surplus = sorted(answers.keys() - {utterance.id for utterance in utterances})
    if missing or surplus:
        parts = [f"{_some(missing)} without a prediction"] if missing else []
        parts += [f"{_some(surplus)} predicted but not in these conversations"] if surplus else []
        raise PrcEmoError(f"Expected one prediction per utterance, got {'; '.join(parts)}.")
    judged = []
    for conversation in conversations:
        for position, utterance in enumerate(conversation.utterances):
            if utterance.gold is None:
                continue
            answer = answers[utterance.id]
            judged.append(
                Judged(
                    id=utterance.id,
                    conversation=conversation.id,
                    position=position,
                    speaker=utterance.speaker,
                    speakers=len(conversation.speakers),
                    words=len(utterance.text.split()),
                    gold=utterance.gold,
                    label=answer.label,
                    probabilities=dict(answer.probabilities),
                )
            )
    _refuse_other_labels(judged)
    return judged


def write_predictions(path: Path, judged: Iterable[Judged]) -> None:
    files.write_jsonl(path, (asdict(line) for line in judged))


def read_predictions(path: Path) -> list[Judged]:
    """Reads what `write_predictions` wrote, and believes none of it.

    Raises:
        PrcEmoError: A line has other keys or types, impossible probabilities or an id that came before; the message
            has its number.
    """
    judged = []
    seen: dict[str, int] = {}
    for number, row in files.read_jsonl(path):
        line = _judged(row, f"{path}, line {number}")
        if line.id in seen:
            raise PrcEmoError(
                f"{path}, line {number}: {line.id!r} was already judged on line {seen[line.id]}."
            )
        seen[line.id] = number
        judged.append(line)
    if not judged:
        raise PrcEmoError(
            f"{path}: expected one judged utterance per line, but the file is empty. Run the experiment again."
        )
    _refuse_other_labels(judged)
    return judged


def refuse_different_utterances(a: Sequence[Judged], b: Sequence[Judged], names: tuple[str, str]) -> None:
    """Only answers to the same questions can be compared: same ids, same gold labels.

    Raises:
        PrcEmoError: They differ; the message names the runs and the first ids.
    """
    gold_a, gold_b = ({line.id: line.gold for line in judged} for judged in (a, b))
    parts = [
        f"{_some(sorted(mine.keys() - theirs.keys()))} only in {name}"
        for mine, theirs, name in ((gold_a, gold_b, names[0]), (gold_b, gold_a, names[1]))
        if mine.keys() - theirs.keys()
    ]
    other_gold = sorted(id for id in gold_a.keys() & gold_b.keys() if gold_a[id] != gold_b[id])
    parts += [f"{_some(other_gold)} with another gold label"] if other_gold else []
    if parts:
        raise PrcEmoError(
            f"{names[0]} and {names[1]} were not scored on the same utterances: {'; '.join(parts)}. "
            "Compare runs on the same split of the same corpus."
        )


_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "conversation": (str,),
    "position": (int,),
    "speaker": (str,),
    "speakers": (int,),
    "words": (int,),
    "gold": (str,),
    "label": (str, type(None)),
    "probabilities": (dict,),
}


def _judged(row: Any, where: str) -> Judged:
    keys = [field.name for field in fields(Judged)]
    if not isinstance(row, dict) or set(row) != set(keys):
        came = ", ".join(map(str, row)) if isinstance(row, dict) else type(row).__name__
        raise PrcEmoError(f"{where}: expected an object with the keys {', '.join(keys)}; got {came}.")
    for key, types in _TYPES.items():
        # bool is an int in Python, and never a count
        if not isinstance(row[key], types) or isinstance(row[key], bool):
            wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in types)
            raise PrcEmoError(f"{where}: expected {key!r} to be {wanted}, got {row[key]!r}.")
    for label, probability in row["probabilities"].items():
        if (
            isinstance(probability, bool)
            or not isinstance(probability, int | float)
            or not math.isfinite(probability)
        ):
            raise PrcEmoError(
                f"{where}: expected a number as the probability of {label!r}, got {probability!r}."
            )
    try:
        Prediction(row["id"], row["label"], row["probabilities"])
    except PrcEmoError as error:
        raise PrcEmoError(f"{where}: {error}") from None
    return Judged(**row)


def _refuse_other_labels(judged: Sequence[Judged]) -> None:
    answered = [line for line in judged if line.probabilities]
    for line in answered:
        if line.probabilities.keys() != answered[0].probabilities.keys():
            raise PrcEmoError(
                f"{line.id}: its probabilities are over {', '.join(line.probabilities)}, "
                f"those of {answered[0].id} over {', '.join(answered[0].probabilities)}. Expected one label set."
            )
        if line.gold not in line.probabilities:
            raise PrcEmoError(
                f"{line.id}: the gold label {line.gold!r} is none of the labels that the recognizer answers with "
                f"({', '.join(line.probabilities)}). It was trained for another label set."
            )


def _refuse_repeated(what: str, ids: Sequence[str]) -> None:
    repeated = [id for id, count in Counter(ids).items() if count > 1]
    if repeated:
        raise PrcEmoError(f"Expected one {what} per id, but {_some(repeated)} came more than once.")


def _some(ids: Sequence[str]) -> str:
    """At most three ids and how many there are: '5 (a, b, c, ...)'."""
    return f"{len(ids)} ({', '.join(ids[:3])}{', ...' if len(ids) > 3 else ''})"
