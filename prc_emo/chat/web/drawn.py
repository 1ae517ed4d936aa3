"""How a conversation looks on the page: HTML and SVG. Everything that people or models wrote is escaped by the template.

Knows what a tab holds, and neither Gradio nor how anything came about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any

from prc_emo.chat.archive import Kept
from prc_emo.chat.replies.crisis import HELP
from prc_emo.chat.show import colour
from prc_emo.chat.turn import Turn, percent, shift
from prc_emo.chat.web.tab import Tab
from prc_emo.pages import escaping

# the mood curve, in units of its picture
_LEFT, _RIGHT, _TOP, _HEIGHT = 8, 352, 14, 112
_MARKED = 60  # turns up to which each has a mark of its own
_SHAPES = ("circle", "square", "diamond", "triangle")


def header(tab: Tab) -> str:
    return _draw(
        "header",
        name=tab.reader.name,
        labels=list(tab.reader.labels),
        hears=tab.reader.hears,
        note=tab.session.note,
    )


def talk(tab: Tab) -> str:
    """The turns, each with its reading."""
    turns = tab.session.turns
    first = max(0, len(turns) - tab.shown)
    chosen = tab.explained(turns)
    speakers = dict.fromkeys(turn.speaker for turn in turns)
    sides = {speaker: ("right", "left")[at != 0] for at, speaker in enumerate(speakers)}
    rows = [(turn, sides[turn.speaker], shift(turns, turn.number)) for turn in turns[first:]]
    return _draw("talk", rows=rows, hidden=first, chosen=chosen.number if chosen else None)


def coming(tab: Tab) -> str:
    return _draw("coming", coming=tab.coming)


def told(tab: Tab) -> str:
    """The pointer to help, trouble and notices, in this order."""
    return _draw("told", help=HELP if tab.needs_help else "", trouble=tab.trouble(), notice=tab.notice)


def alert(notice: str) -> str:
    """One notice, where there may be no tab."""
    return _draw("told", help="", trouble="", notice=notice)


def news(tab: Tab) -> str:
    return _draw("news", news=tab.news)


def about_keeping(kept: bool) -> str:
    """What becomes of what visitors write."""
    return _draw("about_keeping", kept=kept)


def here(tab: Tab, kept: bool) -> str:
    """How to come back to this conversation."""
    return _draw("here", id=tab.session.id if kept else None)


def kept_in_a_line(kept: Kept) -> str:
    """A session in a list."""
    return f"{shorten(kept.opening, 30, placeholder=' …') or '…'} · {kept.turns} turns · {kept.changed:%d %b, %H:%M} UTC"


def explanation(tab: Tab) -> str:
    """All that is known of the chosen turn's reading."""
    turns = tab.session.turns
    turn = tab.explained(turns)
    return _draw("explanation", turn=turn, shift=shift(turns, turn.number) if turn else None)


def mood(tab: Tab) -> str:
    """A curve of valence for each speaker."""
    session = tab.session
    curves = [(speaker, points) for speaker in session.speakers if (points := session.mood(speaker))]
    chosen = tab.explained(session.turns)
    return _draw(
        "mood",
        lines=[_line(at, name, points, len(session)) for at, (name, points) in enumerate(curves)],
        turns=len(session),
        at=_x(chosen.number, len(session)) if chosen else None,
        frame=(_LEFT, _RIGHT, _TOP, _TOP + _HEIGHT),
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One speaker's curve: a place and a value for each turn that was read."""

    name: str
    style: int
    shape: str
    points: tuple[tuple[int, float, float, float], ...]  # turn, x, y, valence
    marked: bool

    @property
    def path(self) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for _, x, y, _ in self.points)


def _line(at: int, name: str, points: Sequence[tuple[int, float]], turns: int) -> Line:
    placed = tuple(
        (number, _x(number, turns), _TOP + (1 - value) / 2 * _HEIGHT, value) for number, value in points
    )
    style = at % len(_SHAPES)
    return Line(name, style, _SHAPES[style], placed, turns <= _MARKED or len(points) == 1)


def _x(number: int, turns: int) -> float:
    return (_LEFT + _RIGHT) / 2 if turns < 2 else _LEFT + 8 + number / (turns - 1) * (_RIGHT - _LEFT - 16)


def _percent(share: float) -> str:
    """A share for people.

    >>> _percent(0.625), _percent(0.002), _percent(1)
    ('62 %', '< 1 %', '100 %')
    """
    return "< 1 %" if 0 < share < 0.005 else percent(share)


def _in_a_word(turn: Turn) -> str:
    """What a turn is called where it is chosen."""
    return f"Turn {turn.number + 1}, {turn.speaker}"


@cache
def _parts() -> Any:
    environment = escaping(Path(__file__).parent)
    environment.filters |= {
        "percent": _percent,
        "tone": lambda label: f"tone-{colour(label)}",
        "called": _in_a_word,
    }
    return environment.get_template("parts.html.j2").module


def _draw(part: str, **values: Any) -> str:
    return str(getattr(_parts(), part)(**values)).strip()
