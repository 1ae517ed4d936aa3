"""What is wrong with a corpus, or may be: how often, and where.

Knows records only, no file format, and of a recording whether it is there; it never changes anything and judges nothing:
it counts, and the reader decides. A line that answers "Yeah." in two splits is language; a dialogue that stands in two
splits is a leak.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.corpus import Corpus
from prc_emo.corpora.encoding import damage
from prc_emo.labels import LabelSet

LONG_WORDS = 100  # words of a very long turn: no turn of MELD has as many, a prompt of 512 tokens is all but filled by it
LEAK_WORDS = 4  # shorter lines are said everywhere
LONG_REPEATED = f"utterance of {LEAK_WORDS} words or more repeated"
REPAIRED = "line repaired in reading"
INSIDE = 0.8  # share of a dialogue's turns that stand in one dialogue of another split


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of finding: ``count`` of ``total`` dialogues or utterances in ``split``, the first few by id.

    What was repaired in reading is counted in lines of files.
    """

    what: str
    split: str
    count: int
    total: int
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All findings of a corpus, also those that were looked for and not found (count 0)."""

    corpus: str
    findings: tuple[Finding, ...]

    def count(self, what: str, split: str | None = None) -> int:
        """How often something was found, in one split or in all."""
        return sum(each.count for each in self.findings if each.what == what and split in (None, each.split))

    def rows(self) -> list[tuple[str, str, str, str]]:
        """For a table, what was found: what, split, how many of how many, where."""
        return [
            (
                each.what,
                each.split,
                f"{each.count:,} of {each.total:,} ({each.count / max(each.total, 1):.1%})",
                ", ".join(each.places) + (", ..." if each.count > len(each.places) else ""),
            )
            for each in self.findings
            if each.count
        ]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def check(corpus: Corpus, *, labels: LabelSet | None = None, places: int = 5) -> CheckReport:
    """Looks for duplicates, leaks between splits, label and encoding problems.

    Args:
        corpus: As read.
        labels: The labels to expect; None means the corpus' own. A corpus whose labels were derived from its file
            has no unknown ones until it is held against a label set.
        places: How many ids to name for each finding.
    """
    texts = {split: [_Normal.of(each) for each in members] for split, members in corpus.splits.items()}
    findings = [
        finding
        for split, members in corpus.splits.items()
        for finding in (
            *_of_turns(split, members, labels or corpus.labels, places),
            *_of_dialogues(split, members, texts[split], places),
            _repeated(split, texts[split], places),
        )
    ]
    for split, notes in corpus.notes.items():
        findings.append(
            Finding(REPAIRED, split, len(notes.repaired), notes.lines, tuple(notes.repaired[:places]))
        )
    for earlier, later in combinations(corpus.splits, 2):
        findings += _between(f"{later} in {earlier}", texts[later], texts[earlier], places)
    return CheckReport(corpus.name, tuple(findings))


def _words(text: str) -> int:
    """Words as one counts them: "don't" is one, a dash is none."""
    return sum(any(map(str.isalnum, word)) for word in text.split())


@dataclass(frozen=True, slots=True)
class _Normal:
    """A conversation with its texts normalised, which is done once."""

    conversation: Conversation
    texts: tuple[str, ...]

    @classmethod
    def of(cls, conversation: Conversation) -> "_Normal":
        from retrieval_store import normalise_text  # with numpy, which reading a corpus does without

        return cls(conversation, tuple(normalise_text(turn.text) for turn in conversation.utterances))


def _of_turns(
    split: str, members: Iterable[Conversation], labels: LabelSet, places: int
) -> Iterator[Finding]:
    turns = [turn for conversation in members for turn in conversation.utterances]

    def finding(what: str, found: Iterable[tuple[Utterance, str]]) -> Finding:
        named = [f"{turn.id}{note and f' ({note})'}" for turn, note in found]
        return Finding(what, split, len(named), len(turns), tuple(named[:places]))

    yield finding(
        "unknown label", ((t, repr(t.gold)) for t in turns if t.gold is not None and t.gold not in labels)
    )
    yield finding("turn without a label", ((t, "") for t in turns if t.gold is None))
    yield finding("turn without words", ((t, "") for t in turns if not t.text.strip()))
    yield finding(
        "recording not there", ((t, str(t.audio)) for t in turns if t.audio and not t.audio.is_file())
    )
    yield finding(
        "damaged encoding", ((t, note) for t in turns if (note := damage(t.text) or damage(t.speaker)))
    )
    counted = ((t, _words(t.text)) for t in turns)
    yield finding("very long turn", ((t, f"{count} words") for t, count in counted if count > LONG_WORDS))


def _of_dialogues(
    split: str, members: tuple[Conversation, ...], normal: list[_Normal], places: int
) -> Iterator[Finding]:
    alone = [each.id for each in members if len(each.speakers) == 1]
    yield Finding("dialogue of one speaker", split, len(alone), len(members), tuple(alone[:places]))
    first: dict[tuple[str, ...], str] = {}
    twins = [
        f"{each.conversation.id} = {earlier}"
        for each in normal
        if any(each.texts)
        and (earlier := first.setdefault(each.texts, each.conversation.id)) != each.conversation.id
    ]
    yield Finding("dialogue repeated", split, len(twins), len(members), tuple(twins[:places]))


def _repeated(split: str, normal: list[_Normal], places: int) -> Finding:
    """What is said again within a split, in the same dialogue or in another."""
    first: dict[str, str] = {}
    again = [
        f"{turn.id} = {earlier}"
        for each in normal
        for turn, text in zip(each.conversation.utterances, each.texts, strict=True)
        if _words(turn.text) >= LEAK_WORDS and (earlier := first.setdefault(text, turn.id)) != turn.id
    ]
    total = sum(len(each.texts) for each in normal)
    return Finding(LONG_REPEATED, split, len(again), total, tuple(again[:places]))


def _between(where: str, later: list[_Normal], earlier: list[_Normal], places: int) -> Iterator[Finding]:
    """What of a later split stands in an earlier one."""
    dialogues: dict[tuple[str, ...], str] = {}
    lines: dict[str, str] = {}  # text -> the first utterance with it
    homes: defaultdict[str, set[str]] = defaultdict(set)  # text -> all dialogues with it
    for each in earlier:
        dialogues.setdefault(each.texts, each.conversation.id)
        for turn, text in zip(each.conversation.utterances, each.texts, strict=True):
            if text:
                lines.setdefault(text, turn.id)
                homes[text].add(each.conversation.id)

    same: list[str] = []
    inside: list[str] = []
    repeated: list[str] = []
    long: list[str] = []
    for each in later:
        if any(each.texts) and each.texts in dialogues:
            same.append(f"{each.conversation.id} = {dialogues[each.texts]}")
        nearest = Counter(home for text in each.texts for home in homes.get(text, ())).most_common(1)
        if nearest and nearest[0][1] >= INSIDE * len(each.texts):
            inside.append(f"{each.conversation.id} in {nearest[0][0]}")
        for turn, text in zip(each.conversation.utterances, each.texts, strict=True):
            if text in lines:
                repeated.append(f"{turn.id} = {lines[text]}")
                if _words(turn.text) >= LEAK_WORDS:
                    long.append(repeated[-1])
    utterances = sum(len(each.texts) for each in later)
    for what, found, total in (
        ("dialogue repeated", same, len(later)),
        (f"dialogue at least {INSIDE:.0%} inside another", inside, len(later)),
        ("utterance repeated", repeated, utterances),
        (LONG_REPEATED, long, utterances),
    ):
        yield Finding(what, where, len(found), total, tuple(found[:places]))
