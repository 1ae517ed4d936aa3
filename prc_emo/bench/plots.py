"""The pictures of the report, as SVG that takes its colours from the page around it.

Knows matplotlib (the only file that does) and scores; nothing of run folders or HTML. Text stays text, so it can be
read aloud, searched and scaled. Every picture carries a sentence that says in words what it shows.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prc_emo.bench.calibration import Calibration
from prc_emo.bench.compare import Comparison
from prc_emo.bench.metrics import Scores
from prc_emo.bench.voices import Voices
from prc_emo.files import sha256

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# matplotlib cannot say "the colour of the page"; these stand in for it and are exchanged in the finished SVG.
INK, ACCENT, SECOND = "#010101", "#010102", "#010103"
_PAGE_COLOURS = {INK: "currentColor", ACCENT: "var(--accent)", SECOND: "var(--second)"}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label or name with dollar signs is not a formula
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "grid.linewidth": 0.4,
    "grid.alpha": 0.35,
    "legend.frameon": False,
    "legend.fontsize": 8,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), INK
    ),
}
_SIGNS = "osD^vP*XphH8"
_PHASES = 12  # more than these, such as the epochs of a long training, are no longer told apart
_WIDTH = 4.6  # inches: narrow, so that letters stay legible when a phone shrinks the picture


@dataclass(frozen=True, slots=True)
class Plot:
    """A finished picture: `svg` is trusted markup made here, the others are plain text; `note` stands below it."""

    title: str
    alt: str
    svg: str
    note: str


def intervals(comparison: Comparison) -> Plot:
    """The wF1 of every experiment with its interval, one line each."""
    rows = comparison.rows

    def draw(figure: "Figure") -> None:
        ax = figure.subplots()
        for place, row in enumerate(rows):
            ax.plot([row.wf1.low, row.wf1.high], [place, place], color=ACCENT, linewidth=5, alpha=0.45)
            ax.plot(row.wf1.value, place, "o", color=ACCENT, markersize=6)
        ax.set(yticks=range(len(rows)), ylim=(len(rows) - 0.5, -0.5), xlabel="wF1 and 95 % interval")
        ax.set_yticklabels([row.name for row in rows])
        ax.locator_params(axis="x", nbins=5)  # more of them run together beside long names
        ax.grid(axis="x")

    alt = "wF1 with 95 % interval: " + ", ".join(f"{row.name} {row.wf1}" for row in rows)
    return plot("wF1 side by side", alt, 0.8 + 0.32 * len(rows), draw)


def per_class(scores: Scores) -> Plot:
    """One bar of F1 per label, with precision and recall as marks."""
    rows = scores.per_class

    def draw(figure: "Figure") -> None:
        ax = figure.subplots()
        at = range(len(rows))
        ax.barh(at, [row.f1 for row in rows], height=0.62, color=ACCENT, alpha=0.75)
        ax.scatter(
            [row.precision for row in rows], at, marker="|", s=70, color=INK, label="precision", clip_on=False
        )
        ax.scatter(
            [row.recall for row in rows],
            at,
            marker="o",
            s=14,
            facecolor="none",
            edgecolor=INK,
            label="recall",
            clip_on=False,
        )
        for place, row in enumerate(rows):
            ax.text(1.03, place, f"{row.f1:.3f}", va="center")
        ax.set(xlim=(0, 1), yticks=at, xlabel="F1")
        ax.set_yticklabels([row.label for row in rows])
        ax.invert_yaxis()
        ax.grid(axis="x")
        ax.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))

    alt = "F1 per label: " + ", ".join(f"{row.label} {row.f1:.3f}" for row in rows)
    return plot("F1 per label", alt, 0.9 + 0.3 * len(rows), draw)


def confusion(scores: Scores) -> Plot:
    """Rows are gold labels; the shade is the share of the row, the number the count."""
    unreadable = scores.unreadable > 0
    columns = [*scores.labels, *(["unreadable"] if unreadable else [])]
    counts = [row if unreadable else row[:-1] for row in scores.confusion]

    def draw(figure: "Figure") -> None:
        from matplotlib.colors import to_rgb
        from matplotlib.patches import Rectangle

        ax = figure.subplots()
        for y, row in enumerate(counts):
            for x, count in enumerate(row):
                # at most 0.6, so that the number on top keeps its contrast on a light and on a dark page
                shade = 0.6 * count / max(sum(row), 1)
                ax.add_patch(Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=(*to_rgb(ACCENT), shade)))
                ax.text(x, y, str(count), ha="center", va="center", fontsize=8, alpha=1 if count else 0.4)
        ax.set(
            xlim=(-0.5, len(columns) - 0.5), ylim=(len(counts) - 0.5, -0.5), xlabel="answered", ylabel="gold"
        )
        ax.set_xticks(range(len(columns)), columns, rotation=45, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(counts)), scores.labels)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)

    mistakes = sorted(
        ((count, gold, answer)
         for gold, row in zip(scores.labels, counts, strict=True)
         for answer, count in zip(columns, row, strict=True) if gold != answer and count),
        reverse=True,
    )  # fmt: skip
    alt = "Confusion matrix. Most frequent mistakes: " + (
        ", ".join(f"{gold} taken for {answer} ({count})" for count, gold, answer in mistakes[:5]) or "none"
    )
    return plot("Confusion: rows gold, columns answered", alt, 1.2 + 0.36 * len(counts), draw)


def reliability(calibration: Calibration) -> Plot:
    """How often answers of a given confidence are right, over how many answers have it."""
    bins = calibration.bins

    def draw(figure: "Figure") -> None:
        upper, lower = figure.subplots(2, sharex=True, height_ratios=[3, 1])
        middle, width = (
            [(bin.low + bin.high) / 2 for bin in bins],
            [0.92 * (bin.high - bin.low) for bin in bins],
        )
        upper.bar(middle, [bin.accuracy for bin in bins], width, color=ACCENT, alpha=0.75)
        upper.plot([0, 1], [0, 1], "--", color=INK, linewidth=0.8, label="perfectly calibrated")
        upper.scatter(
            [bin.confidence for bin in bins], [bin.accuracy for bin in bins], s=10, color=SECOND, zorder=3
        )
        upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
        upper.legend(loc="upper left")
        lower.bar(middle, [bin.n for bin in bins], width, color=INK, alpha=0.45)
        lower.set(xlabel="probability of the answer", ylabel="answers")
        upper.grid(axis="y")

    alt = f"Reliability diagram, expected calibration error {calibration.ece:.4f}. " + ", ".join(
        f"probability {bin.confidence:.2f}: right {bin.accuracy:.2f} of {bin.n}" for bin in bins
    )
    return plot(f"Reliability: ECE {calibration.ece:.4f}", alt, 3.9, draw)


def difficulty(difficulties: Sequence[float], borders: Sequence[float]) -> Plot:
    """How hard the training conversations are, and where the curriculum cuts them."""

    def draw(figure: "Figure") -> None:
        ax = figure.subplots()
        ax.hist(difficulties, bins=bars(difficulties), color=ACCENT, alpha=0.75)
        for border in borders:
            ax.axvline(border, color=SECOND, linestyle="--", linewidth=1)
        ax.set(xlabel="difficulty", ylabel="conversations")
        ax.grid(axis="y")

    alt = (
        f"Histogram of the difficulty of {len(difficulties)} training conversations, "
        f"from {min(difficulties):.3f} to {max(difficulties):.3f}"
    )
    # not a legend: it would lie on the bars
    note = f"Dashed: bucket borders, at {', '.join(f'{one:.3f}' for one in borders)}." if borders else ""
    return plot("Difficulty of the training conversations", f"{alt}. {note}".strip(), 2.5, draw, note)


def bars(values: Sequence[float]) -> int:
    """How many bars a histogram of these has."""
    return min(40, max(5, int(len(values) ** 0.5)))


def voices(found: Voices, gold: Mapping[str, str]) -> Plot:
    """Where the contrastive loss has put the voices, flattened by t-SNE; one colour and sign for each label."""
    from sklearn.manifold import TSNE

    places = [at for at, id in enumerate(found.ids) if id in gold]
    ids, rows = [found.ids[at] for at in places], found.contrast[places]
    flat = TSNE(
        perplexity=min(30, max(2, len(ids) // 4)), init="pca", random_state=0, n_jobs=1
    ).fit_transform(rows)  # (U, 2)
    labels = sorted({gold[id] for id in ids})

    def draw(figure: "Figure") -> None:
        ax = figure.subplots()
        for number, label in enumerate(labels):
            here = flat[[gold[id] == label for id in ids]]
            ax.scatter(
                here[:, 0],
                here[:, 1],
                s=14,
                marker=_SIGNS[number % len(_SIGNS)],
                label=label,
                alpha=0.8,
                linewidths=0.8,
            )
        ax.set(xticks=[], yticks=[])
        ax.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.02))

    alt = (
        f"{len(ids)} voices in a plane, by t-SNE of the contrastive space; their labels: {', '.join(labels)}"
    )
    note = "Distances between groups, and their sizes, mean nothing in such a picture; whether a label keeps together does."
    return plot("Voices in the contrastive space", alt, 3.6, draw, note)


def attention(found: Voices, gold: Mapping[str, str]) -> Plot:
    """Where in a few utterances each soft prompt listens."""
    some = list(found.attention.items())

    def draw(figure: "Figure") -> None:
        for ax, (id, rows) in zip(figure.subplots(len(some), squeeze=False)[:, 0], some, strict=True):
            ax.imshow(rows, aspect="auto", cmap="Greys", interpolation="nearest")
            ax.set_ylabel(gold.get(id, ""), rotation=0, ha="right", va="center")
            ax.set(xticks=[], yticks=[])
        ax.set_xlabel("frames, from the beginning of the utterance to its end")

    alt = f"How much each soft prompt looks at each frame, for {len(some)} utterances, one row of the picture each"
    note = f"A line for each soft prompt; the darker, the more it looks there. {', '.join(found.attention)}."
    return plot("Where the queries listen", alt, 0.5 + 0.45 * len(some), draw, note)


def training(log: Sequence[Mapping[str, Any]]) -> Plot | None:
    """Loss and dev wF1 over steps, with the borders of the phases; None where the log has neither."""
    curves = {
        key: [(line["step"], line[key]) for line in log if line.get(key) is not None]
        for key in ("loss", "dev_wf1")
    }
    shown = {key: points for key, points in curves.items() if points}
    if not shown:
        return None
    starts: dict[str, float] = {}
    for line in log:
        if "phase" in line:
            starts.setdefault(str(line["phase"]), line["step"])
    if len(starts) > _PHASES:
        starts = {}
    names = {"loss": "training loss", "dev_wf1": "wF1 on dev"}

    def draw(figure: "Figure") -> None:
        panels: list[Axes] = list(figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0])
        for ax, (key, points) in zip(panels, shown.items(), strict=True):
            colour, marker = (ACCENT, None) if key == "loss" else (SECOND, "o")
            ax.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=3.5, linewidth=1.3)
            ax.set_ylabel(names[key])
            ax.grid(axis="y")
            for step in list(starts.values())[1:]:
                ax.axvline(step, color=INK, linestyle=":", linewidth=0.9)
        for number, step in list(enumerate(starts.values(), start=1))[1:]:
            panels[0].annotate(
                f"({number})", (step, panels[0].get_ylim()[1]), (3, 0), textcoords="offset points", va="top"
            )
        panels[-1].set_xlabel("optimiser step")

    alt = "Training curve. " + "; ".join(
        f"{names[key]} from {points[0][1]:.4f} at step {points[0][0]} to {points[-1][1]:.4f} at step {points[-1][0]}"
        for key, points in shown.items()
    )
    # names of phases are too long to stand inside the picture
    note = (
        "Phases: " + "; ".join(f"({number}) {phase}" for number, phase in enumerate(starts, start=1))
        if starts
        else ""
    )
    return plot("Training", alt, 1.1 + 1.3 * len(shown), draw, note)


def plot(title: str, alt: str, height: float, draw: Callable[["Figure"], None], note: str = "") -> Plot:
    """What `draw` puts on a figure of this height in inches, as a picture for the page."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # rc_context and a bare Figure: no pyplot, no global state, no window system
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        buffer = io.StringIO()
        # no metadata: the same scores give the same bytes, whenever they are drawn
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return Plot(title, alt, _for_a_page(buffer.getvalue()), note)


def _for_a_page(svg: str) -> str:
    """The SVG element alone: page colours, page font, and ids that no other picture of the page has."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<defs>\s*<style.*?</defs>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    name = f"plot-{sha256(svg.encode())[:8]}"
    used = set(re.findall(r"#(\w+)[\")]", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'(href="|url\()#(\w+)', rf"\1#{name}-\2", svg)
    for colour, of_page in _PAGE_COLOURS.items():
        svg = svg.replace(colour, of_page)
    return svg
