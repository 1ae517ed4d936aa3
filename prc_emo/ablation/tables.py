"""The table of a study, for a page, a paper and a spreadsheet: a row per arm, in the form of the paper's Tables 3 to 5."""

import csv
import io
from statistics import mean, stdev

from prc_emo.ablation.results import Against, Arm, Results, small

Rows = list[tuple[str, ...]]
_HEAD = ("wF1", "accuracy", "difference", "95 % interval", "p (Holm)", "p (seeds)", "seeds")
_FIGURES = (
    "seeds", "wf1", "wf1_sd", "accuracy", "accuracy_sd", "steps", "seconds", "difference", "low", "high", "p", "p_holm",
    "p_seeds", "se", "df", "seed_sd", "effect_size", "detectable", "bootstrap_low", "bootstrap_high", "bootstrap_p",
    "mcnemar_p_by_seed",
)  # fmt: skip
_TEX = {
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "±": r"$\pm$", "✓": r"$\checkmark$", "–": "--",
    "<": "$<$", ">": "$>$", "|": r"\textbar{}",
}  # fmt: skip


def rows(results: Results, *, settings_last: bool = False) -> Rows:
    """The head, and a line per arm, as one reads them: the settings before the figures, as in the paper, or after them."""
    settings = _settings(results)
    against = {one.arm: one for one in results.comparisons}
    found: list[tuple[str, list[str], tuple[str, ...]]] = [("arm", settings, _HEAD)]
    for arm in results.arms:
        own = [arm.differs.get(key, "–") for key in settings]
        found.append((arm.name, own, _measured(arm, against.get(arm.name), results.study.against)))
    return [
        (name, *figures, *own) if settings_last else (name, *own, *figures) for name, own, figures in found
    ]


def _measured(arm: Arm, against: Against | None, reference: str) -> tuple[str, ...]:
    scores, seeds = (arm.spread(arm.wf1), arm.spread(arm.accuracy)), str(len(arm.cells))
    if against is None:
        return (*scores, "reference" if arm.name == reference else "no seed in common", "", "", "", seeds)
    c = against.contrast
    return (
        *scores,
        f"{c.value:+.4f}",
        f"[{c.low:+.4f}, {c.high:+.4f}]",
        small(against.p) if against.seeds > 1 else "one seed",
        "" if c.p_seeds is None else small(c.p_seeds),
        seeds,
    )


def behind(results: Results) -> tuple[tuple[str, ...], Rows]:
    """What stands behind the differences, a head and a line per comparison."""
    head = (
        "arm", "detectable", "effect size", "bootstrap over dialogues", "its p", "McNemar's exact p, seed by seed",
    )  # fmt: skip
    lines: Rows = []
    for one in results.comparisons:
        c, d = one.contrast, one.dialogues
        line = (
            one.arm,
            f"{c.detectable:.3f}" if c.detectable < 1 else "none",
            "" if c.effect_size is None else f"{c.effect_size:+.2f}",
            f"[{d.low:+.4f}, {d.high:+.4f}]",
            small(d.p),
            " ".join(map(small, one.mcnemar)),
        )
        lines.append(line)
    return head, lines


def markdown(results: Results) -> str:
    """With the sentences and warnings below."""
    head, *body = rows(results)
    lines = [head, tuple("---" for _ in head), *body]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    said = [one.sentence for one in results.comparisons]
    return "\n\n".join(["\n".join(table), caption(results), *said, *results.warnings]) + "\n"


def latex(results: Results) -> str:
    """A table for the packages booktabs and amssymb."""
    head, *body = rows(results)
    columns = "l" * (1 + len(_settings(results))) + "r" * 7
    lines = [" & ".join(map(_tex, line)) + r" \\" for line in (head, *body)]
    return "\n".join(
        [
            r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule",
            *lines[1:], r"\bottomrule", r"\end{tabular}", rf"\caption{{{_tex(caption(results))}}}", r"\end{table}", "",
        ]
    )  # fmt: skip


def comma_separated(results: Results) -> str:
    """Every figure with all its digits, a line per arm."""
    settings = _settings(results)
    against = {one.arm: one for one in results.comparisons}
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("arm", *settings, *_FIGURES))
    for arm in results.arms:
        line: list[object] = [arm.name, *(arm.differs.get(key, "–") for key in settings), len(arm.cells)]
        for figures in (arm.wf1, arm.accuracy):
            line += [mean(figures), stdev(figures) if len(figures) > 1 else None]
        line += [arm.steps, arm.seconds]
        if (one := against.get(arm.name)) is not None:
            c, d = one.contrast, one.dialogues
            # of one seed, p is silent about other seeds, and a spreadsheet has no sentence beside it that says so
            line += [c.value, c.low, c.high, *((c.p, one.p) if one.seeds > 1 else (None, None)), c.p_seeds]
            line += [c.se, c.df, c.seed_sd, c.effect_size, c.detectable]
            line += [d.low, d.high, d.p, " ".join(f"{p:.6g}" for p in one.mcnemar)]
        line += [None] * (1 + len(settings) + len(_FIGURES) - len(line))
        table.writerow([f"{value:.8g}" if isinstance(value, float) else value for value in line])
    return text.getvalue()


def caption(results: Results) -> str:
    """What the figures are and where they come from."""
    study = results.study
    budget = f", equal {study.match}" if study.match else ""
    return (
        f"{study.name}: {results.utterances} utterances in {results.dialogues} dialogues ({results.split}){budget}; mean ± sd "
        f"over seeds. Differences from the reference, {study.against}; intervals and p by a crossed two-way analysis of "
        "dialogues and seeds on jackknife pseudo-values; p (Holm) adjusted for all comparisons; p (seeds) by an exact sign "
        "permutation test."
    )


def _settings(results: Results) -> list[str]:
    return list(dict.fromkeys(key for arm in results.arms for key in arm.differs))


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in text)
