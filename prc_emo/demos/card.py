"""The data card of kept demonstrations, in Markdown: what there is, how it came to be, how far the judgements agree."""

from collections import Counter
from collections.abc import Sequence

from prc_emo.conversation import Conversation
from prc_emo.demos.keep import Agreement
from prc_emo.demos.plan import Plan


def card(plan: Plan, good: Sequence[Conversation], dropped: Sequence[Conversation], found: Agreement) -> str:
    """The card; every figure is counted here."""
    turns = [turn for talk in good for turn in talk.utterances]
    counts = Counter(turn.gold for turn in turns if turn.gold is not None)
    lines = [
        "# Demonstrations",
        "",
        f"{len(good)} dialogues with {len(turns)} utterances, {counts.total()} of them labelled; {len(dropped)} dialogues were "
        "dropped, since less than half of their labels were chosen twice.",
        "",
        f"Domains: {', '.join(plan.domains)}. {len(plan.rounds)} rounds of writing.",
        "",
        "A language model wrote the dialogues and gave each turn a label. The labels were masked, and somebody else judged every turn "
        "again. A turn keeps its label where both chose it; the others stay as context without one.",
        "",
        f"Agreement: {found.agreed} of {found.turns} turns ({found.share:.1%}), Cohen's kappa {found.kappa:.2f}.",
        "",
        "| label | meant | chosen | both | kappa | kept |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.label} | {row.author} | {row.reader} | {row.both} | {row.kappa:.2f} | {counts[row.label]} |"
            for row in found.labels
        ),
    ]
    return "\n".join(lines) + "\n"
