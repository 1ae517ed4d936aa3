"""What every corpus becomes and every model reads: conversations of utterances.

Knows nothing of files, prompts or models. Both records are frozen; a change returns a new record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prc_emo.errors import PrcEmoError


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn: who says what, and, where somebody annotated it, with which emotion.

    >>> what = Utterance("meld/dev/dia0/utt1", speaker="Monica", text="What?", gold="surprise")
    >>> what.emotion
    'surprise'

    A turn that nobody labelled (IEMOCAP leaves some out) has ``gold=None``: it is context and is never scored.
    A recording is a path beside the words: ``audio=Path("dia0_utt1.wav")``.
    """

    id: str
    speaker: str
    text: str
    gold: str | None = None
    audio: Path | None = None

    @property
    def emotion(self) -> str:
        """The gold label.

        Raises:
            PrcEmoError: It is hidden (this is what a recognizer is given to predict) or was never annotated.
        """
        if self.gold is None:
            raise PrcEmoError(
                f"{self.id}: the emotion is hidden or was never annotated; predict it instead of reading it."
            )
        return self.gold


@dataclass(frozen=True, slots=True)
class Conversation:
    """Utterances in the order in which they were said; `domain` is the scene of life they are set in, where that is known.

    >>> talk = Conversation.of([("Ross", "I'm fine."), ("Monica", "You're not fine.")])
    >>> talk.speakers
    ('Ross', 'Monica')
    >>> talk.utterances[1].id
    'conversation/1'
    """

    id: str
    utterances: tuple[Utterance, ...]
    domain: str = ""

    def __post_init__(self) -> None:
        if not self.utterances:
            raise PrcEmoError(f"{self.id}: a conversation needs at least one utterance, this one is empty.")

    @classmethod
    def of(cls, turns: Iterable[Sequence[str]], id: str = "conversation") -> "Conversation":
        """From (speaker, text) pairs, as one would type them, or (speaker, text, path of the recording)."""
        return cls(
            id,
            tuple(
                Utterance(
                    f"{id}/{at}", turn[0], turn[1], audio=Path(turn[2]) if turn[2:] and turn[2] else None
                )
                for at, turn in enumerate(turns)
            ),
        )

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Each speaker once, in order of appearance."""
        return tuple(dict.fromkeys(utterance.speaker for utterance in self.utterances))

    def hidden(self) -> "Conversation":
        """The same conversation without gold labels: what a recognizer may see of it."""
        return replace(self, utterances=tuple(replace(utterance, gold=None) for utterance in self.utterances))
