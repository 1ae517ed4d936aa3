"""How readings look on a terminal, at 80 columns, in colours or without. Knows rich, and no session."""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from curriculum.wheel import Wheel
from prc_emo.chat.archive import Kept
from prc_emo.chat.turn import Shift, Turn, percent

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 24  # cells of a full bar
_CURVE = 56  # cells of a mood curve


# all control characters but line ends, and those that turn the direction of writing
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """Text for a terminal: what people and models wrote must not move its cursor or set its clipboard."""
    return _CONTROL.sub(" ", text)


def colour(label: str) -> str:
    """By the place on the emotion wheel: pleasant is green, unpleasant red or blue by how stirred; neutral is plain.

    >>> colour("joy"), colour("anger"), colour("sadness"), colour("neutral")
    ('green', 'red', 'blue', 'default')
    """
    point = Wheel.default().points.get(label.strip().lower())
    if point is None or (point.valence == 0 and point.arousal == 0):
        return "default"
    if abs(point.valence) < 0.25:
        return "yellow" if point.arousal > 0 and point.valence > 0 else "red" if point.arousal > 0 else "blue"
    if point.valence > 0:
        return "green"
    return "red" if label.lower() in ("anger", "angry", "mad") else "magenta" if point.arousal > 0 else "cyan"


def line(turn: Turn, shift: Shift | None) -> RenderableType:
    """One turn's reading on one line: number, label, bar, what else is likely, what has changed."""
    reading = turn.reading
    if reading is None:
        return Text("")
    if reading.label is None:
        return Text(f"  {turn.number + 1:>3} the model's answer could not be read", style="dim")
    shown = Text(f"  {turn.number + 1:>3} ", style="dim")
    shown.append(f"{reading.label:<9}", style=f"bold {colour(reading.label)}")
    if (sure := reading.confidence) is not None:
        shown.append(f" {percent(sure):>5} ")
        shown.append(bar(sure, 12), style=colour(reading.label))
        others = [f"{label} {percent(share)}" for label, share in reading.likely if label != reading.label]
        shown.append("  " + " · ".join(others[:2]), style="dim")
    if shift is not None:
        shown.append(f"  was {shift.before}", style="dim italic")
    shown.truncate(80, overflow="ellipsis")
    return shown


def explanation(turn: Turn, shift: Shift | None) -> RenderableType:
    """Everything that is known of a turn's reading: all labels, what the model saw, which demonstrations."""
    reading = turn.reading
    said = Text.assemble((f"{turn.number + 1} {plain(turn.speaker)}: ", "bold"), plain(turn.text))
    if reading is None:
        return Group(
            said,
            Text(f"  A reply, {turn.by}. It is context for what follows and has no emotion.", style="dim"),
        )
    parts: list[RenderableType] = [said, Text("")]
    if reading.label is None:
        parts.append(Text("  The model's answer could not be read as a label."))
    for label, share in reading.likely:
        figure = f"  {label:<12} {percent(share, 1):>6} "
        parts.append(Text.assemble(figure, (bar(share, _WIDTH), colour(label))))
    facts = [f"seen: this turn, {_count(reading.before, 'turn')} before it, {reading.after} after it"]
    if turn.voice:
        facts.append(f"its recording: {turn.voice}")
    if reading.valence is not None:
        facts.append(f"valence {reading.valence:+.2f} (from -1, unpleasant, to 1, pleasant)")
    if shift is not None:
        change = "" if shift.valence is None else f", valence {shift.valence:+.2f}"
        facts.append(f"{plain(turn.speaker)} before: {shift.before}{change}")
    if reading.cut:
        facts.append(f"did not fit into the prompt: {', '.join(reading.cut)}")
    parts += [Text(""), *(Text(f"  {fact}", style="dim") for fact in facts), Text("")]
    if not reading.shown:
        parts.append(Text("  No demonstration was shown to the model.", style="dim"))
    else:
        table = Table(
            "like", "label", "demonstrations that the model was shown", box=None, padding=(0, 1, 0, 1)
        )
        for one in reading.shown:
            table.add_row(f"{one.score:.2f}", Text(one.label, style=colour(one.label)), Text(plain(one.text)))
        parts.append(table)
    if reading.held_back:
        held = ", ".join(f"{count} {reason}" for reason, count in reading.held_back.items())
        parts.append(Text(f"  held back: {held}", style="dim"))
    return Group(*parts)


def moods(curves: Sequence[tuple[str, Sequence[tuple[int, float]]]]) -> RenderableType:
    """One curve per speaker, from the first turn to the last; a long one is averaged into as many cells as fit."""
    if not any(points for _, points in curves):
        return Text(
            "  There is no mood to show: nothing was read yet, or in labels that are on no emotion wheel."
        )
    table = Table(box=None, padding=(0, 1, 0, 1), show_header=False)
    table.add_column(max_width=14, overflow="ellipsis", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    for name, points in curves:
        if points:
            values = [value for _, value in points]
            curve = Text()
            for mean in _cells(values, min(_CURVE, len(values))):
                style = "green" if mean > 0.15 else "red" if mean < -0.15 else "default"
                curve.append(_BARS[min(7, int((mean + 1) / 2 * 8))], style=style)
            table.add_row(Text(plain(name)), curve, f"{values[-1]:+.2f}")
    return Group(
        table,
        Text("  Valence by turn: low is unpleasant, high is pleasant; then the last value.", style="dim"),
    )


def sessions(kept: Sequence[Kept], current: str) -> RenderableType:
    if not kept:
        return Text("  No session is kept.")
    table = Table("session", "changed", "turns", "begins with", box=None, padding=(0, 1, 0, 1))
    for one in kept:
        begins = plain(one.opening)
        table.add_row(
            Text(one.id + (" *" if one.id == current else "")),
            _when(one.changed),
            str(one.turns),
            Text(begins if len(begins) <= 24 else begins[:23] + "…"),
        )
    return table


class Wrapped:
    """Words as they come, broken between words at the width of the terminal."""

    def __init__(self, out: Console) -> None:
        self._out, self._column, self._word = out, 0, ""

    def write(self, piece: str) -> None:
        for mark in piece:
            if not mark.isspace():
                self._word += mark
                continue
            self._flush()
            if mark == "\n" or self._column + 1 >= self._out.width:
                self._put("\n")
            elif self._column:
                self._put(" ")

    def end(self) -> None:
        self._flush()
        self._put("\n")

    def _flush(self) -> None:
        width = cell_len(self._word)
        if self._column and self._column + width > self._out.width:
            self._put("\n")
        self._put(self._word)
        self._word = ""

    def _put(self, text: str) -> None:
        self._out.file.write(text)
        self._out.file.flush()
        self._column = 0 if text == "\n" else self._column + cell_len(text)


def bar(share: float, width: int) -> str:
    """A share as a bar.

    >>> bar(0.5, 4)
    '██░░'
    """
    full = round(share * width)
    return "█" * full + "░" * (width - full)


def _cells(values: Sequence[float], count: int) -> list[float]:
    edges = [round(cell * len(values) / count) for cell in range(count + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _when(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
