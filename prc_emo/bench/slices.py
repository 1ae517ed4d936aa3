"""Where is a recognizer good, and where not? Cuts the judged utterances five ways; scores nothing itself."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from prc_emo.bench.predictions import Judged

# group -> pieces in the order in which tables show them
GROUPS: dict[str, tuple[str, ...]] = {
    "emotion of the speaker": ("first turn", "stays", "shifts"),
    "position in the dialogue": ("1", "2-4", "5-9", "10+"),
    "length in words": ("0-3", "4-8", "9-15", "16+"),
    "speakers in the dialogue": ("1", "2", "3", "4", "5+"),
}
SPEAKER = "speaker"
_NAMED = 12  # speakers with a line of their own, those who say most


def cut(judged: Sequence[Judged]) -> Iterator[tuple[str, str, list[Judged]]]:
    """Yields group, piece and the utterances in it; pieces without utterances are left out.

    An emotion *shifts* when its gold label differs from the same speaker's previous gold label in that dialogue;
    turns that nobody labelled are looked past. Speakers are told apart where there are two or more.
    """
    previous = _previous_gold(judged)
    pieces_of: dict[str, Callable[[Judged], str]] = {
        "emotion of the speaker": lambda line: _shift(line.gold, previous[line.id]),
        "position in the dialogue": lambda line: _range(
            line.position + 1, (1, 4, 9), "position in the dialogue"
        ),
        "length in words": lambda line: _range(line.words, (3, 8, 15), "length in words"),
        "speakers in the dialogue": lambda line: _range(
            line.speakers, (1, 2, 3, 4), "speakers in the dialogue"
        ),
    }
    for group, pieces in GROUPS.items():
        placed: dict[str, list[Judged]] = {piece: [] for piece in pieces}
        for line in judged:
            placed[pieces_of[group](line)].append(line)
        for piece, lines in placed.items():
            if lines:
                yield group, piece, lines
    by_speaker = _by_speaker(judged)
    if len(by_speaker) > 1:
        for name, lines in by_speaker.items():
            yield SPEAKER, name, lines


def _by_speaker(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """By name, the most frequent twelve; everybody else together, last."""
    counts = Counter(line.speaker for line in judged)
    named = sorted(sorted(counts, key=lambda name: (-counts[name], name))[:_NAMED])
    found: defaultdict[str, list[Judged]] = defaultdict(list, {name: [] for name in named})
    for line in judged:
        found[line.speaker if line.speaker in named else "everybody else"].append(line)
    return dict(found)


def _previous_gold(judged: Sequence[Judged]) -> dict[str, str | None]:
    last: dict[tuple[str, str], str] = {}
    previous: dict[str, str | None] = {}
    # sorted, so that the order of the lines in the file does not matter
    for line in sorted(judged, key=lambda line: (line.conversation, line.position)):
        previous[line.id] = last.get((line.conversation, line.speaker))
        last[line.conversation, line.speaker] = line.gold
    return previous


def _shift(gold: str, before: str | None) -> str:
    if before is None:
        return "first turn"
    return "stays" if gold == before else "shifts"


def _range(value: int, borders: tuple[int, ...], group: str) -> str:
    """The piece of the group whose upper border is the first not below the value."""
    return GROUPS[group][sum(value > border for border in borders)]
