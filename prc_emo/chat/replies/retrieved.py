"""The embedded way to reply: what followed the most fitting line of the dialogues that ship. It invents nothing, and says so.

Most fitting is a line near to what was said, of an emotion that was read, whose reply is near to it too. Replies that are
long, sharp, or name somebody of their own dialogue are left out; cheerful ones, where nothing pleasant was read. A few
hundred dialogues answer few things well: it shows what retrieval does, and `written` is for talking.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten

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
    StoreError,
    normalise_text,
)

CORPORA = ("everyday", "demonstrations")  # their training splits
_CHEERFUL = {"joy", "excitement"}
_GENTLE = {"neutral", "surprise", "sadness"} | _CHEERFUL
_PLEASANT = 0.15  # valence of a turn from which on cheer is no insult
_MOST_WORDS = 20
_LOOKED_AT = 20  # lines that are looked at more closely
_NEAR = 0.35  # cosine under which a line has nothing to do with what was said
_REPLY = 0.5  # what nearness of the reply is worth, beside that of the line
_EMOTION = 0.25  # what the emotion's probability is worth


@dataclass(frozen=True)
class Retrieved:
    """Replies out of a store.

    Args:
        store: Lines that somebody replied to.
        replies: The reply to each, by the line's id.
    """

    store: DemonstrationStore
    replies: Mapping[str, Utterance]
    _turn: threading.Lock = field(
        default_factory=threading.Lock, repr=False
    )  # encoders take one thread at a time

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
        """None where nothing is near enough, or crisis words were said: no line of a stranger's dialogue fits them."""
        turn, reading = situation.turn, situation.turn.reading
        if speaks_of_crisis(turn.text):
            return None
        pleasant = reading is not None and (reading.valence or 0.0) >= _PLEASANT
        said = {normalise_text(one.text) for one in situation.before}
        with self._turn:
            (found,) = self.store.search([turn.text], k=_LOOKED_AT, exclude=Exclude.nothing())
        pairs = [
            (hit, reply)
            for hit in found.hits
            if hit.score >= _NEAR
            and (reply := self.replies[hit.demonstration.id])
            and (pleasant or reply.gold not in _CHEERFUL)
            and normalise_text(reply.text) not in said
        ]
        if not pairs:
            return None
        with self._turn:
            asked, *answers = self.store.embedder.encode([turn.text, *(reply.text for _, reply in pairs)])
        labels = LabelSet("the session", situation.labels)
        probabilities = reading.probabilities if reading else {}

        def fit(at: int) -> float:
            hit = pairs[at][0]
            likely = probabilities.get(labels.translate(hit.label) or "", 0.0)
            return hit.score + _REPLY * float(answers[at] @ asked) + _EMOTION * likely

        hit, reply = pairs[max(range(len(pairs)), key=fit)]
        line = shorten(hit.demonstration.text, 48, placeholder=" ...")
        return Reply(f'retrieved from {reply.id}, said after "{line}"', iter([reply.text]))


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
