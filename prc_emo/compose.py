"""THE SEAM: conversations, knowledge, demonstrations and a template become what the language model sees.

Knows no tensor and no file. One `Example` per utterance to be labelled; what was retrieved, what was excluded and
what had to be cut travels with it, so that it can be shown and counted.
"""

from collections.abc import Callable, Container, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Literal

from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.knowledge import Knowledge
from prc_emo.labels import LabelSet
from prompts import Template, mark, marked
from retrieval_store import Demonstration, DemonstrationStore, Exclude, Found

Message = dict[str, str]
Count = Callable[[Sequence[Message]], int]  # messages -> tokens


@dataclass(frozen=True, slots=True)
class Example:
    """What the language model sees for one utterance, and what it should answer."""

    id: str
    conversation: str
    messages: tuple[Message, ...]
    answer: str | None  # the gold label, where it may be seen
    found: Found | None = None  # what the store showed and what it held back
    cut: tuple[str, ...] = ()  # what did not fit, in the order in which it went
    heard: tuple[str, ...] = ()  # the utterances whose speech it holds, in the order of their marks


@dataclass(frozen=True)
class Retrieval:
    """Where demonstrations come from, and which never may be shown."""

    store: DemonstrationStore
    k: int = 3
    mmr: float | None = None
    per_label: int | None = None
    splits: frozenset[str] = frozenset()  # evaluation splits, such as "meld/test"
    # conversations that are being evaluated on, whatever their split is called
    dialogues: frozenset[str] = frozenset()
    # "utterance" lets its dialogue and its words come back with their labels: only to show what that does
    guard: Literal["full", "utterance"] = "full"

    def find(self, targets: Sequence[tuple[Conversation, Utterance]], labels: LabelSet) -> list[Found]:
        """The nearest demonstrations of each target, without itself, its dialogue, its words and evaluation data."""
        full = self.guard == "full"
        exclude = [
            Exclude(
                ids=frozenset({utterance.id}),
                dialogues=self.dialogues | ({conversation.id} if full else set()),
                texts=frozenset({utterance.text}) if full else frozenset(),
                splits=self.splits,
            )
            for conversation, utterance in targets
        ]
        return self.store.search(
            [utterance.text for _, utterance in targets],
            k=self.k,
            exclude=exclude,
            relabel=labels.translate,
            mmr=self.mmr,
            per_label=self.per_label,
        )


@dataclass(frozen=True)
class Composer:
    """Turns conversations into examples, all in the same manner.

    Args:
        see: `past` shows the turns before the target; `surrounding` also those after it, as the released code does,
            which no live conversation can.
        window: How many turns, on either side.
        heard: Ids of the utterances whose speech can go into a prompt beside their words.
        hear_context: Whether that of the context does, too.
    """

    template: Template
    labels: LabelSet
    see: Literal["past", "surrounding"] = "past"
    window: int = 5
    knowledge: Knowledge = field(default_factory=lambda: Knowledge({}, {}))
    retrieval: Retrieval | None = None
    heard: Container[str] = ()
    hear_context: bool = True

    def compose(
        self,
        conversations: Sequence[Conversation],
        *,
        count: Count,
        limit: int,
        only: Set[str] | None = None,
    ) -> list[Example]:
        """One example per utterance, in order.

        Args:
            count: How many tokens messages take.
            limit: How many they may take; context is cut oldest first, then what follows the target, then
                demonstrations, then knowledge; never the target or the labels.
            only: The ids of the utterances to compose; None composes all.

        Raises:
            PrcEmoError: A target is too long even alone.
        """
        places = [
            (conversation, position)
            for conversation in conversations
            for position, utterance in enumerate(conversation.utterances)
            if only is None or utterance.id in only
        ]
        found: Sequence[Found | None] = [None] * len(places)
        if self.retrieval is not None and places:
            found = self.retrieval.find(
                [(talk, talk.utterances[position]) for talk, position in places], self.labels
            )
        return [
            self._fit(talk, position, hits, count, limit)
            for (talk, position), hits in zip(places, found, strict=True)
        ]

    def _fit(
        self, talk: Conversation, position: int, found: Found | None, count: Count, limit: int
    ) -> Example:
        target = talk.utterances[position]
        holes = self._holes(talk, position, found)
        cut: list[str] = []
        messages = self.template.render(**holes)
        while (tokens := count(messages)) > limit:
            gone = _cut_one(holes)
            if gone is None:
                raise PrcEmoError(
                    f"{target.id}: the utterance alone takes {tokens} tokens of prompt, and {limit} is the most. "
                    "Split the utterance, or raise prompt.max_tokens if the model can hold more."
                )
            cut.append(gone)
            messages = self.template.render(**holes)
        if found is not None:
            found = replace(found, hits=found.hits[: len(found.hits) - cut.count("demonstrations")])
        return Example(target.id, talk.id, tuple(messages), target.gold, found, tuple(cut), marked(messages))

    def _holes(self, talk: Conversation, position: int, found: Found | None) -> dict[str, object]:
        target = talk.utterances[position]
        interpretation = self.knowledge.interpretations.get(target.id)
        following = (
            talk.utterances[position + 1 : position + 1 + self.window] if self.see == "surrounding" else ()
        )
        return {
            "labels": list(self.labels),
            "context": self._turns(talk.utterances[max(0, position - self.window) : position]),
            "following": self._turns(following),
            **self._turn(target, target.id in self.heard),
            "characteristic": self.knowledge.characteristics.get((talk.id, target.speaker)),
            "explicit": interpretation and interpretation.explicit,
            "implicit": interpretation and interpretation.implicit,
            "demonstrations": [{"text": hit.demonstration.text, "label": hit.label} for hit in found.hits]
            if found
            else [],
        }

    def _turns(self, utterances: Sequence[Utterance]) -> list[dict[str, str]]:
        return [self._turn(turn, self.hear_context and turn.id in self.heard) for turn in utterances]

    @staticmethod
    def _turn(utterance: Utterance, heard: bool) -> dict[str, str]:
        speech = mark(utterance.id) if heard else ""
        return {"speaker": utterance.speaker, "text": utterance.text, "speech": speech}


def demonstrations_of(
    conversations: Sequence[Conversation], *, source: str, split: str
) -> list[Demonstration]:
    """The labelled utterances that say something, as rows of a store."""
    return [
        Demonstration(
            turn.id,
            turn.text,
            turn.gold,
            source,
            dialogue=talk.id,
            position=position,
            split=split,
            domain=talk.domain,
            speaker=turn.speaker,
        )
        for talk in conversations
        for position, turn in enumerate(talk.utterances)
        if turn.gold is not None and turn.text.strip()
    ]


def _cut_one(holes: dict[str, object]) -> str | None:
    """Takes the least useful thing out and names it; None when only the target and the labels are left."""
    for name, end in (("context", 0), ("following", -1), ("demonstrations", -1)):
        rows = holes[name]
        assert isinstance(rows, list)
        if rows:
            rows.pop(end)
            return name
    for name in ("characteristic", "explicit", "implicit"):
        if holes[name]:
            holes[name] = None
            return name
    return None
