"""Do an adapter, its merged model and a server say the same? The same conversations go to each, and answers are compared.

Where sums are made in another order, probabilities differ in their last places; where weights or prompts are others, they
differ by more. Servers that only write (vLLM, `transformers serve`) are given the run's prompts, and what they write is compared
with what the run itself would write.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prc_emo.bench.predictions import Prediction
from prc_emo.compose import Example
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError
from prompts import read_emotion

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
        unread: In how many turns neither side's answer was a label.
    """

    side: str
    count: int
    labels: int
    largest: float
    where: str = ""
    unread: int = 0

    def within(self, tolerance: float) -> bool:
        """A label may differ only where the two are as likely; without probabilities, not at all. Some must be read."""
        return self.largest <= tolerance and self.unread < self.count


def verify(
    run: Path,
    against: Sequence[str],
    conversations: Sequence[Conversation],
    key: str | None = None,
    written: str | None = None,
) -> list[Difference]:
    """Compares what a run answers with what others do, one after the other, so that one model is in memory at a time.

    Args:
        against: Folders of models, or addresses of `prc-emo serve`.
        key: Of the servers.
        written: What is compared is written, most likely token by most likely token, and read out of that; addresses are those
            of vLLM, `transformers serve` or the like, and this is what they call the model. There are no probabilities then.

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
    examined, labels = _local(run, talks, written)
    ours = [answer for answer, _ in examined]

    def theirs(side: str) -> list[Prediction]:
        if not _is_address(side):
            return [answer for answer, _ in _local(Path(side), talks, written)[0]]
        if written is None:
            return _remote(side, talks, key)
        return [
            Prediction(example.id, read_emotion(write(side, written, example, key), labels), {})
            for _, example in examined
        ]

    return [compare(side, ours, theirs(side), names) for side in against]


def compare(
    side: str, ours: Sequence[Prediction], theirs: Sequence[Prediction], names: Sequence[str]
) -> Difference:
    """The differences between two lists of answers to the same turns, which are called `names`.

    >>> joy, sadness = Prediction("0", "joy", {"joy": 0.75, "sadness": 0.25}), Prediction("0", "sadness", {})
    >>> compare("b", [joy], [Prediction("0", "joy", {"joy": 0.5, "sadness": 0.5})], ["talk/0"])
    Difference(side='b', count=1, labels=0, largest=0.25, where='talk/0', unread=0)
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
        sum(one.label is None and other.label is None for one, other in zip(ours, theirs, strict=True)),
    )


def _difference(one: Prediction, other: Prediction) -> float:
    if not one.probabilities or not other.probabilities:
        return float(one.label != other.label)
    return max(abs(one.probabilities[label] - other.probabilities[label]) for label in one.probabilities)


def _is_address(side: str) -> bool:
    return urlsplit(side).scheme in ("http", "https")


def _local(
    folder: Path, talks: Sequence[Conversation], written: str | None
) -> tuple[list[tuple[Prediction, Example]], list[str]]:
    """What a model on this machine answers, to which prompts, and its labels."""
    from prc_emo.recognizer import PRCEmo

    model = PRCEmo.load(folder)
    if written is not None:
        model.answer = model.answer.model_copy(update={"by": "generate"})
    return model.examine(talks), list(model.labels)


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


def write(url: str, model: str, example: Example, key: str | None = None) -> str:
    """What a server of OpenAI's form writes after a prompt, most likely token by most likely token."""
    asked = {
        "model": model,
        "messages": list(example.messages),
        "temperature": 0,
        "max_tokens": 10,  # as here
        "chat_template_kwargs": {"enable_thinking": False},
    }
    said = _post(
        f"{_base(url)}/v1/chat/completions",
        asked,
        key,
        lambda answer: answer["choices"][0]["message"]["content"],
    )
    return str(said or "")


def _ask(url: str, talks: Sequence[Conversation], key: str | None) -> list[list[dict[str, Any]]]:
    turns = [[{"speaker": one.speaker, "text": one.text} for one in talk.utterances] for talk in talks]
    found: list[list[dict[str, Any]]] = _post(
        f"{_base(url)}/v1/emotions",
        {"conversations": [{"turns": one} for one in turns]},
        key,
        lambda answer: [one["turns"] for one in answer["conversations"]],
    )
    return found


def _base(url: str) -> str:
    return url.rstrip("/").removesuffix("/v1")


def _post(url: str, body: Mapping[str, Any], key: str | None, find: Callable[[Any], Any]) -> Any:
    """Sends JSON, and finds something in what comes back."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    asked = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=300) as answer:
            return find(json.load(answer))
    except urllib.error.HTTPError as error:
        said = error.read(1000).decode(errors="replace")
        emotions = error.code == 404 and url.endswith("/v1/emotions")
        hint = " Servers that only write, such as vLLM, need --written MODEL." if emotions else ""
        raise PrcEmoError(f"{url} answered {error.code}: {said}.{hint}") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise PrcEmoError(f"{url} cannot be asked ({error}). Does it run, and is it such a server?") from None
