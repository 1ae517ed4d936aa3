"""What a training is given and what it depends on: labelled conversations, weights, and a fingerprint of it all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.files import fingerprint, read_json, write_json
from prc_emo.labels import LabelSet
from prc_emo.processes import processes


def labelled(conversations: Sequence[Conversation], labels: LabelSet, what: str) -> list[Conversation]:
    """The conversations that have a label at all, every label checked and spelled as the set spells it.

    Raises:
        PrcEmoError: A label is not of the set, or nothing is labelled; `what` names the conversations.
    """
    kept = [
        replace(talk, utterances=tuple(_spelled(turn, labels) for turn in talk.utterances))
        for talk in conversations
        if any(turn.gold is not None for turn in talk.utterances)
    ]
    if not kept:
        raise PrcEmoError(
            f"The {what} conversations have no labelled utterance: there is nothing to learn from."
        )
    return kept


def _spelled(turn: Utterance, labels: LabelSet) -> Utterance:
    return turn if turn.gold is None else replace(turn, gold=labels.check(turn.gold, turn.id))


def frequencies(answers: Sequence[str], labels: LabelSet) -> list[float]:
    """The share of each label among the answers, in the set's order."""
    counts = Counter(answers)
    return [counts[label] / len(answers) for label in labels]


def class_weights(answers: Sequence[str]) -> list[float]:
    """One weight per answer, inverse to how frequent its label is; their mean is 1.

    >>> class_weights(["joy", "joy", "joy", "fear"])
    [0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 2.0]
    """
    counts = Counter(answers)
    return [len(answers) / (len(counts) * counts[answer]) for answer in answers]


def same_as_before(path: Path, parts: Mapping[str, object]) -> None:
    """Writes down what a training depends on, by name and hash; refuses to go on where a part has changed.

    It is called as soon as parts are known, and again when there are more.

    Raises:
        PrcEmoError: `path` has another hash for one of these names; the message says which.
    """
    now = {name: fingerprint(value) for name, value in parts.items()}
    before = read_json(path) if path.exists() else {}
    if changed := sorted(name for name in now if before.get(name, now[name]) != now[name]):
        raise PrcEmoError(
            f"{path.parent} holds a training that was begun with another {' and '.join(changed)}. Going on would "
            "mix the two: choose another --out folder, undo the change, or delete that folder (prc-emo run --fresh does)."
        )
    processes().wait_for_everyone()  # until all have looked
    if processes().is_main_process and before.keys() != {**before, **now}.keys():
        write_json(path, {**before, **now})
    processes().wait_for_everyone()
