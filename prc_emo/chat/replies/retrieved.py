"""The embedded way to reply: what followed the most fitting line of the dialogues that ship. It invents nothing, and says so.

Most fitting is a line near to what was said, of the emotion that was read, whose reply is near to it too. Replies that are
long, sharp, or name somebody of their own dialogue are left out; cheerful ones, where nothing pleasant was read. A few
hundred dialogues answer few things well: mostly no line is near, and a plain sentence asks for more. It shows what
retrieval does, and `written` is for talking.
"""

import threading
from collections.abc import Callable, Container, Iterable, Mapping
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
_CLEAR = 0.1  # valence, of either sign, from which on it is plain how pleasant a turn is
_MOST_WORDS = 20
_LOOKED_AT = 20  # lines that are looked at more closely
_NEAR = 0.5  # cosine under which a line has nothing to do with what was said
_REPLY = 0.5  # what nearness of the reply is worth, beside that of the line
_PLAIN = {  # what is said where no line is near, by the sign of the valence
    1: ("That sounds good. Tell me more.", "I am glad to hear that. What else?"),
    0: ("I see. Tell me more.", "Go on, I am listening."),
    -1: ("That sounds hard. Do you want to tell me more?", "I am sorry. What would help now?"),
}


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
        """A plain sentence where nothing is near enough; None where all was said, and for crisis words, which nothing here fits."""
        turn, reading = situation.turn, situation.turn.reading
        if speaks_of_crisis(turn.text):
            return None
        pleasant = reading is not None and (reading.valence or 0.0) >= _CLEAR
        said = {normalise_text(one.text) for one in situation.before}
        with self._turn:
            (found,) = self.store.search([turn.text], k=_LOOKED_AT, exclude=Exclude.nothing())
        labels = LabelSet("the session", situation.labels)
        pairs = [
            (hit, reply)
            for hit in found.hits
            if hit.score >= _NEAR
            and (reply := self.replies[hit.demonstration.id])
            and (reading is None or labels.translate(hit.label) == reading.label)
            and (pleasant or reply.gold not in _CHEERFUL)
            and normalise_text(reply.text) not in said
        ]
        if not pairs:
            return _plain((reading.valence or 0.0) if reading else 0.0, said)
        with self._turn:
            asked, *answers = self.store.embedder.encode([turn.text, *(reply.text for _, reply in pairs)])
        fit = [
            hit.score + _REPLY * float(answer @ asked)
            for (hit, _), answer in zip(pairs, answers, strict=True)
        ]
        hit, reply = pairs[max(range(len(pairs)), key=fit.__getitem__)]
        line = shorten(hit.demonstration.text, 48, placeholder=" ...")
        return Reply(f'retrieved from {reply.id}, said after "{line}"', iter([reply.text]))


def _plain(valence: float, said: Container[str]) -> Reply | None:
    sign = 0 if abs(valence) < _CLEAR else 1 if valence > 0 else -1
    fresh = (sentence for sentence in _PLAIN[sign] if normalise_text(sentence) not in said)
    sentence = next(fresh, None)
    return (
        None
        if sentence is None
        else Reply("written beforehand: no line of the dialogues is near", iter([sentence]))
    )


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
