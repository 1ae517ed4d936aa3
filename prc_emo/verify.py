"""Do an adapter, its merged model and a server say the same? The same conversations go to each, and answers are compared.

Where sums are made in another order, probabilities differ in their last places; where weights or prompts are others, they
differ by more. Knows the API of `prc-emo serve` and no other.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prc_emo.bench.predictions import Prediction
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError

_TURNS = 50  # that a server is asked for at once


@dataclass(frozen=True, slots=True)
class Difference:
    """How one side's answers differ from those of the run.

    Attributes:
        side: The folder or address.
        count: How many turns were compared.
        labels: How many of them have another label.
        largest: The largest difference between two probabilities of a label.
        where: The turn in which that is; empty where there is no difference.
    """

    side: str
    count: int
    labels: int
    largest: float
    where: str = ""

    def within(self, tolerance: float) -> bool:
        """A label may differ only where the two are as likely; without probabilities, not at all."""
        return self.largest <= tolerance


def verify(
    run: Path, against: Sequence[str], conversations: Sequence[Conversation], key: str | None = None
) -> list[Difference]:
    """Compares what a run answers with what others do, one after the other, so that one model is in memory at a time.

    Args:
        against: Folders of models, or addresses of `prc-emo serve`.
        key: Of the servers.

    Raises:
        PrcEmoError: One of them cannot be asked, or answers in other labels.
    """
    for side in against:
        if not _is_address(side) and not Path(side).is_dir():
            raise PrcEmoError(
                f"{side}: expected a folder of a model, or an address such as http://localhost:8000."
            )
    # ids of our own: those of a corpus would hold back demonstrations here, and a server never hears of them
    talks = [
        Conversation(
            f"verify/{number}",
            tuple(
                Utterance(f"verify/{number}/{at}", turn.speaker, turn.text)
                for at, turn in enumerate(talk.utterances)
            ),
        )
        for number, talk in enumerate(conversations)
    ]
    names = [turn.id for talk in conversations for turn in talk.utterances]
    ours = _local(run, talks)
    return [
        compare(
            side, ours, _remote(side, talks, key) if _is_address(side) else _local(Path(side), talks), names
        )
        for side in against
    ]


def compare(
    side: str, ours: Sequence[Prediction], theirs: Sequence[Prediction], names: Sequence[str]
) -> Difference:
    """The differences between two lists of answers to the same turns, which are called `names`.

    >>> joy, sadness = Prediction("0", "joy", {"joy": 0.75, "sadness": 0.25}), Prediction("0", "sadness", {})
    >>> compare("b", [joy], [Prediction("0", "joy", {"joy": 0.5, "sadness": 0.5})], ["talk/0"])
    Difference(side='b', count=1, labels=0, largest=0.25, where='talk/0')
    >>> compare("b", [joy], [sadness], ["talk/0"]).within(0.5)
    False
    """
    if set(ours[0].probabilities) and set(theirs[0].probabilities) not in (set(), set(ours[0].probabilities)):
        raise PrcEmoError(
            f"{side} answers in other labels ({', '.join(theirs[0].probabilities)}) than the run "
            f"({', '.join(ours[0].probabilities)}). Is it the same model?"
        )
    differences = [_difference(one, other) for one, other in zip(ours, theirs, strict=True)]
    largest = max(differences)
    return Difference(
        side,
        len(differences),
        sum(one.label != other.label for one, other in zip(ours, theirs, strict=True)),
        largest,
        names[differences.index(largest)] if largest else "",
    )


def _difference(one: Prediction, other: Prediction) -> float:
    if not one.probabilities or not other.probabilities:
        return float(one.label != other.label)
    return max(abs(one.probabilities[label] - other.probabilities[label]) for label in one.probabilities)


def _is_address(side: str) -> bool:
    return urlsplit(side).scheme in ("http", "https")


def _local(folder: Path, talks: Sequence[Conversation]) -> list[Prediction]:
    from prc_emo.recognizer import PRCEmo

    return PRCEmo.load(folder).predict(talks)


def _remote(url: str, talks: Sequence[Conversation], key: str | None) -> list[Prediction]:
    """What a server answers, asked for a few conversations at a time."""
    answers = []
    batch: list[Conversation] = []
    for talk in [*talks, None]:
        if batch and (talk is None or sum(map(len, batch)) + len(talk) > _TURNS):
            read = _ask(url, batch, key)
            answers += [
                Prediction(turn.id, found["label"], found["probabilities"])
                for one, theirs in zip(batch, read, strict=True)
                for turn, found in zip(one.utterances, theirs, strict=True)
            ]
            batch = []
        if talk is not None:
            batch.append(talk)
    return answers


def _ask(url: str, talks: Sequence[Conversation], key: str | None) -> list[list[dict[str, Any]]]:
    turns = [[{"speaker": one.speaker, "text": one.text} for one in talk.utterances] for talk in talks]
    asked = urllib.request.Request(
        f"{url.rstrip('/').removesuffix('/v1')}/v1/emotions",
        json.dumps({"conversations": [{"turns": one} for one in turns]}).encode(),
        {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})},
    )
    try:
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return [one["turns"] for one in json.load(answer)["conversations"]]
    except urllib.error.HTTPError as error:
        said = error.read(1000).decode(errors="replace")
        raise PrcEmoError(f"{url} answered {error.code}: {said}") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise PrcEmoError(f"{url} is no prc-emo serve that can be asked ({error}). Does it run?") from None
