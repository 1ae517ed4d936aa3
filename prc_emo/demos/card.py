"""The data card of kept demonstrations, in Markdown: what there is, how it came to be, how far the judgements agree."""

from collections import Counter
from collections.abc import Iterable, Sequence

from prc_emo.asking.log import Entry
from prc_emo.conversation import Conversation
from prc_emo.demos.keep import Agreement
from prc_emo.demos.plan import Plan


def card(
    plan: Plan,
    judgements: Sequence[tuple[Entry, Entry]],
    good: Sequence[Conversation],
    dropped: Sequence[Conversation],
    found: Agreement,
) -> str:
    """The card; every figure is counted here, and every name is from the logs.

    Args:
        judgements: Each dialogue as it was written, with a judgement of it.
    """
    turns = [turn for talk in good for turn in talk.utterances]
    counts = Counter(turn.gold for turn in turns if turn.gold is not None)
    written, judged = [one for one, _ in judgements], [one for _, one in judgements]
    warning = self_judged(judgements)
    lines = [
        "# Demonstrations",
        "",
        *([f"**WARNING: {warning}**", ""] if warning else []),
        f"{len(good)} dialogues with {len(turns)} utterances, {counts.total()} of them labelled; {len(dropped)} dialogues were "
        "dropped, since less than half of their labels were chosen twice.",
        "",
        f"Domains: {', '.join(plan.domains)}. Rounds of writing: {len({one.about[3] for one in written})}.",
        "",
        f"Written by {_names(one.model for one in written)} (template {_names(one.template for one in written)}), with a label "
        f"for each turn. The labels were masked, and every turn was judged again by {_names(one.model for one in judged)} "
        f"(template {_names(one.template for one in judged)}). A turn keeps its label where all chose it; the others stay as "
        "context without one.",
        "",
        f"Agreement: {found.agreed} of {found.turns} turns ({found.share:.1%}), Cohen's kappa {kappa_text(found.kappa)}.",
        "",
        "| label | meant | chosen | both | kappa | kept |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.label} | {row.author} | {row.reader} | {row.both} | {kappa_text(row.kappa)} | {counts[row.label]} |"
            for row in found.labels
        ),
    ]
    return "\n".join(lines) + "\n"


def self_judged(judgements: Sequence[tuple[Entry, Entry]]) -> str | None:
    """What to say where an author has judged its own dialogues, if any has."""
    own = [judged.model for written, judged in judgements if written.model == judged.model]
    if not own:
        return None
    return (
        f"{_names(own)} judged {len(own)} dialogues that it wrote itself. That is no second judgement: a model agrees with "
        "itself more than others would."
    )


def kappa_text(kappa: float | None) -> str:
    """Two digits, or a dash where kappa is not defined."""
    return "-" if kappa is None else f"{kappa:.2f}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))
