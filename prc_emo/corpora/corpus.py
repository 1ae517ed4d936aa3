"""A corpus in memory: its labels and its splits of conversations.

Knows no file format; the readers beside it fill it. A split whose file is not there is simply absent until somebody asks
for it, since test sets are often kept back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prc_emo.conversation import Conversation
from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError
from prc_emo.labels import LabelSet

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Conversations by split.

    >>> from prc_emo.labels import MELD
    >>> talk = Conversation.of([("Ross", "I'm fine."), ("Monica", "You're not fine.")], id="dia0")
    >>> corpus = Corpus("mine", MELD, {"test": (talk,)}, looked_for={"train": "mine/train.jsonl"})
    >>> len(corpus.test)
    1
    >>> corpus.train
    Traceback (most recent call last):
    prc_emo.errors.PrcEmoError: mine has no split 'train': looked for mine/train.jsonl. It has: test.

    Every conversation id and every utterance id occurs once in the whole corpus, since predictions, demonstrations
    and exclusions are told apart by nothing else. `looked_for` names the file of each split, for the message above;
    `notes` holds what was read past in it, for `check`. `people` says that a speaker's name is one real person wherever it
    stands, so that nobody's voice may be in two splits (`speakers`).
    """

    name: str
    labels: LabelSet
    splits: Mapping[str, tuple[Conversation, ...]]
    looked_for: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, Notes] = field(default_factory=dict)
    people: bool = False

    def __post_init__(self) -> None:
        conversations: dict[str, str] = {}
        utterances: set[str] = set()
        for split, members in self.splits.items():
            for conversation in members:
                if conversation.id in conversations:
                    raise PrcEmoError(
                        f"{self.name}: two conversations have the id {conversation.id!r} (in {conversations[conversation.id]} "
                        f"and in {split}). Give one of them another id."
                    )
                conversations[conversation.id] = split
                for utterance in conversation.utterances:
                    if utterance.id in utterances:
                        raise PrcEmoError(
                            f"{self.name}: two utterances have the id {utterance.id!r}. Give one of them another id."
                        )
                    utterances.add(utterance.id)

    @property
    def train(self) -> tuple[Conversation, ...]:
        return self.split("train")

    @property
    def dev(self) -> tuple[Conversation, ...]:
        return self.split("dev")

    @property
    def test(self) -> tuple[Conversation, ...]:
        return self.split("test")

    def split(self, name: str) -> tuple[Conversation, ...]:
        """The conversations of one split.

        Raises:
            PrcEmoError: There is no such split; the message says which file was looked for.
        """
        if name not in self.splits:
            looked_for = f": looked for {self.looked_for[name]}" if name in self.looked_for else ""
            raise PrcEmoError(
                f"{self.name} has no split {name!r}{looked_for}. It has: {', '.join(self.splits) or 'none'}."
            )
        return self.splits[name]

    def all(self) -> tuple[Conversation, ...]:
        """Every conversation, split after split."""
        return tuple(conversation for members in self.splits.values() for conversation in members)


def find_splits(folder: Path, names: Mapping[str, str]) -> tuple[dict[str, Path], dict[str, str]]:
    """Which splits have their file in a folder.

    Args:
        folder: Where the corpus lies.
        names: File (or folder) name of each split.

    Returns:
        The paths that exist, and the path of every split as text for `Corpus.looked_for`.

    Raises:
        PrcEmoError: There is no such folder, or none of the files is in it.
    """
    if not folder.is_dir():
        raise PrcEmoError(f"{folder}: no such folder. Expected one with {', '.join(names.values())}.")
    found = {split: folder / name for split, name in names.items() if (folder / name).exists()}
    if not found:
        raise PrcEmoError(
            f"{folder}: expected {', '.join(names.values())}, found none of them. Give the folder that holds them."
        )
    return found, {split: str(folder / name) for split, name in names.items()}
