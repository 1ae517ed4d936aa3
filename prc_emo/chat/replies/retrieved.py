"""The embedded way to reply: what followed the most fitting line of the dialogues that ship. It invents nothing, and says so.

Most fitting is a line that is near to what was said, and in which the emotion is one that was read. Replies that are long,
sharp, or name somebody of their own dialogue are not among them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prc_emo.chat.replies.answer import Reply
from prc_emo.chat.replies.crisis import speaks_of_crisis
from prc_emo.chat.session import Situation
from prc_emo.compose import demonstrations_of
from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora import load_corpus
from prc_emo.errors import PrcEmoError
from prc_emo.files import fingerprint
from prc_emo.labels import LabelSet
from retrieval_store import (
    Demonstration,
    DemonstrationStore,
    Embedder,
    Encoder,
    Exclude,
    Hit,
    StoreError,
    normalise_text,
)

CORPORA = ("everyday", "demonstrations")  # their training splits
_GENTLE = {"neutral", "joy", "surprise", "sadness", "excitement"}
_MOST_WORDS = 20
_LOOKED_AT = 20  # lines among which the emotion chooses
_EMOTION = 0.25  # what a fitting emotion is worth, in cosine


@dataclass(frozen=True)
class Retrieved:
    """Replies out of a store.

    Args:
        store: Lines that somebody replied to.
        replies: The reply to each, by the line's id.
    """

    store: DemonstrationStore
    replies: Mapping[str, Utterance]

    @classmethod
    def of(cls, conversations: Iterable[Conversation], embedder: Encoder) -> "Retrieved":
        """Replies out of conversations, labelled in any words.

        Raises:
            PrcEmoError: There is no reply in them.
        """
        lines, replies = _pairs(conversations)
        return cls(DemonstrationStore.build(lines, embedder), replies)

    @classmethod
    def shipped(cls, cache: Path, tell: Callable[[str], None] = lambda line: None) -> "Retrieved":
        """Replies out of the dialogues that ship; their vectors are made once and kept in the folder `cache`.

        Args:
            tell: Receives a line about what takes a while.
        """
        lines, replies = _pairs(talk for name in CORPORA for talk in load_corpus(name).train)
        folder = cache / f"replies-{fingerprint([*lines])}"
        try:
            return cls(DemonstrationStore.load(folder), replies)
        except StoreError:
            tell(f"Preparing {len(lines):,} replies; this once.")
        store = DemonstrationStore.build(lines, Embedder(), progress=True)
        try:
            store.save(folder)
        except (OSError, StoreError) as error:
            tell(f"They could not be kept for the next time: {error}")
        return cls(store, replies)

    def reply(self, situation: Situation) -> Reply | None:
        """None where crisis words were said: no line of a stranger's dialogue fits them."""
        if speaks_of_crisis(situation.turn.text):
            return None
        said = {normalise_text(turn.text) for turn in situation.before}
        (found,) = self.store.search([situation.turn.text], k=_LOOKED_AT, exclude=Exclude.nothing())
        labels = LabelSet("the session", situation.labels)
        reading = situation.turn.reading
        probabilities = reading.probabilities if reading else {}

        def fit(hit: Hit) -> float:
            label = labels.translate(hit.label)
            return hit.score + _EMOTION * (probabilities.get(label, 0.0) if label is not None else 0.0)

        for hit in sorted(found.hits, key=fit, reverse=True):
            reply = self.replies[hit.demonstration.id]
            if normalise_text(reply.text) not in said:
                return Reply(f"retrieved from {reply.id}", iter([reply.text]))
        return None


def _pairs(conversations: Iterable[Conversation]) -> tuple[list[Demonstration], dict[str, Utterance]]:
    """Lines with the reply that somebody else gave to each."""
    talks = list(conversations)
    replies = {
        line.id: reply
        for talk in talks
        for line, reply in zip(talk.utterances, talk.utterances[1:], strict=False)
        if line.speaker != reply.speaker and _fits_elsewhere(reply, talk)
    }
    lines = [row for row in demonstrations_of(talks, source="replies", split="train") if row.id in replies]
    if not lines:
        raise PrcEmoError("Expected labelled dialogues in which somebody replies to somebody, got none.")
    return lines, replies


def _fits_elsewhere(reply: Utterance, talk: Conversation) -> bool:
    words = normalise_text(reply.text).split()
    names = {word for speaker in talk.speakers for word in normalise_text(speaker).split()}
    return reply.gold in _GENTLE and 2 <= len(words) <= _MOST_WORDS and not names & set(words)
