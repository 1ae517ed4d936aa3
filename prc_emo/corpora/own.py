"""Our own forms as a whole: a folder of three files, or one file, becomes a corpus; any file or text becomes conversations.

Knows how splits and labels come together; how a line is read is in `jsonl`, `table` and `plain`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from prc_emo.conversation import Conversation
from prc_emo.corpora import jsonl, plain, table
from prc_emo.corpora.corpus import SPLITS, Corpus, find_splits
from prc_emo.corpora.notes import Notes
from prc_emo.corpora.source import Found, Source
from prc_emo.errors import PrcEmoError
from prc_emo.labels import DEMONSTRATIONS, MELD, LabelSet

Reader = Callable[[Source], Iterator[Found]]

BY_SUFFIX: dict[str, Reader] = {".jsonl": jsonl.read, ".csv": table.read, ".txt": plain.read}


def read_jsonl(path: Path, labels: LabelSet | None = None, people: bool = False) -> Corpus:
    """A corpus in our JSONL.

    Args:
        path: A folder with train.jsonl, dev.jsonl, test.jsonl (or some of them), or one file; conversations of one file
            say their split, those that do not are test.
        labels: The labels to check against; None takes those that occur, in alphabetical order.
        people: A speaker's name is one real person in all files, whose voice may be in one split only.
    """
    return replace(_read(path, ".jsonl", labels), people=people)


def read_csv(path: Path, labels: LabelSet | None = None, people: bool = False) -> Corpus:
    """A corpus in our CSV. Arguments as in `read_jsonl`."""
    return replace(_read(path, ".csv", labels), people=people)


def read_everyday() -> Corpus:
    """The corpus that ships with the project, written for it; MELD's labels."""
    return _read(everyday_folder(), ".jsonl", MELD)


def read_shipped() -> Corpus:
    """All dialogues that ship: `everyday`, whose training split the demonstrations join, in MELD's labels."""
    everyday = read_everyday()
    more = translated(read_demonstrations().train, MELD)
    return replace(everyday, splits={**everyday.splits, "train": (*everyday.train, *more)})


def read_demonstrations() -> Corpus:
    """The demonstrations that ship with the project, written for it; a training split in nine labels."""
    return _read(shipped_folder("demonstrations"), ".jsonl", DEMONSTRATIONS)


def translated(conversations: Sequence[Conversation], labels: LabelSet) -> list[Conversation]:
    """The same in the words of another label set; a turn whose label has none there is context without a label."""
    return [
        replace(
            talk,
            utterances=tuple(
                replace(turn, gold=turn.gold and labels.translate(turn.gold)) for turn in talk.utterances
            ),
        )
        for talk in conversations
    ]


def everyday_folder() -> Path:
    """Where the corpus that ships is installed, with what is kept beside its splits."""
    return shipped_folder("everyday")


def shipped_folder(name: str) -> Path:
    """Where a corpus that ships is installed: `everyday` or `demonstrations`."""
    return Path(str(files("retrieval_store"))) / "corpora" / name


def read_conversations(source: Path | str) -> list[Conversation]:
    """Conversations to be labelled: from a file (a `Path`) or as text (a `str`).

    JSONL, CSV or plain ``NAME: text`` lines, told apart by the file's suffix or else by how the text begins.

    Raises:
        PrcEmoError: The text is not of its form, holds no conversation, or one id twice.
    """
    found = (
        Source.of(source)
        if isinstance(source, Path)
        else Source("text", source.removeprefix("\ufeff"), Path())
    )
    read = BY_SUFFIX.get(Path(found.name).suffix.lower()) or _guess(found.text)
    conversations = [each.conversation for each in read(found)]
    if not conversations:
        raise PrcEmoError(
            f"{found.name}: there is no conversation in it. Expected JSONL, CSV or 'NAME: text' lines."
        )
    counts = Counter(turn.id for talk in conversations for turn in talk.utterances)
    if twice := next((id for id, count in counts.items() if count > 1), None):
        raise PrcEmoError(
            f"{found.name}: the utterance id {twice!r} stands there twice. Give each an id of its own."
        )
    return conversations


def _guess(text: str) -> Reader:
    first = text.lstrip().partition("\n")[0]
    if first.startswith("{"):
        return jsonl.read
    columns = {column.strip(' "') for column in first.rstrip().split(",")}
    return table.read if {"speaker", "text"} <= columns else plain.read


def _read(path: Path, suffix: str, labels: LabelSet | None) -> Corpus:
    read = BY_SUFFIX[suffix]
    name = path.resolve().name if path.is_dir() else path.stem
    if path.is_dir():
        by_split, looked_for = find_splits(path, {split: split + suffix for split in SPLITS})
        found = {
            split: [_at_home(each, split) for each in read(Source.of(file))]
            for split, file in by_split.items()
        }
    else:
        looked_for = {split: f"conversations of the split {split!r} in {path}" for split in SPLITS}
        everything = list(read(Source.of(path)))
        written = {
            split: [each for each in everything if (each.split or "test") == split] for split in SPLITS
        }
        found = {split: members for split, members in written.items() if members}
    together = [each for members in found.values() for each in members]
    if not together:
        raise PrcEmoError(f"{path}: there is no conversation in it.")
    _refuse_twins(together)
    known = _labels_of(path, name, together) if labels is None else labels
    notes = {split: Notes() for split in found}
    splits = {
        split: tuple(_checked(each, known, notes[split]) for each in members)
        for split, members in found.items()
    }
    return Corpus(name, known, splits, looked_for, notes)


def _at_home(found: Found, split: str) -> Found:
    if found.split not in (None, split):
        raise PrcEmoError(
            f"{found.where}: the split is {found.split!r}, but the file is that of {split!r}. Move it or correct it."
        )
    return found


def _refuse_twins(found: list[Found]) -> None:
    first: dict[str, str] = {}
    for each in found:
        id = each.conversation.id
        if id in first:
            raise PrcEmoError(
                f"{each.where}: the conversation id {id!r} was there before, at {first[id]}. Give one of them another id."
            )
        first[id] = each.where


def _labels_of(path: Path, name: str, found: list[Found]) -> LabelSet:
    seen = sorted(
        {turn.gold for each in found for turn in each.conversation.utterances if turn.gold is not None}
    )
    if len(seen) < 2:
        raise PrcEmoError(
            f"{path}: expected at least two different emotions, found {seen}. Give the label set by name."
        )
    spelled = {label.lower(): label for label in reversed(seen)}
    for label in seen:
        if spelled[label.lower()] != label:
            raise PrcEmoError(
                f"{path}: the labels {spelled[label.lower()]!r} and {label!r} differ in case only. Spell them alike, "
                "or give the label set by name."
            )
    return LabelSet(name, tuple(seen))


def _checked(found: Found, labels: LabelSet, notes: Notes) -> Conversation:
    """The conversation with its labels spelled as the label set spells them."""
    return replace(
        found.conversation,
        utterances=tuple(
            turn if turn.gold is None else replace(turn, gold=notes.label(labels, turn.gold, where))
            for turn, where in zip(found.conversation.utterances, found.turns, strict=True)
        ),
    )
