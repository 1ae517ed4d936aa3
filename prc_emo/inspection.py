"""Shows what the language model sees for one utterance: `prc-emo prompt`."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from prc_emo.bench.run import corpus_of
from prc_emo.config import Experiment
from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.experiment import build


def describe(settings: Experiment, utterance: str, folder: Path, out: Console) -> None:
    """Prints the prompt of an utterance, its tokens, the answer's tokens, and what was retrieved and excluded.

    Raises:
        PrcEmoError: No conversation has an utterance of that id.
    """
    from prc_emo.llm.tokens import answer_ids

    corpus = corpus_of(settings)
    talks = {turn.id: talk for talk in corpus.all() for turn in talk.utterances}
    if utterance not in talks:
        raise PrcEmoError(
            f"{corpus.name} has no utterance {utterance!r}. {did_you_mean(utterance, _near(utterance, talks))}"
        )
    model = build(settings, corpus.labels, corpus.name)
    model.remember(corpus.train, folder)
    (example,) = model.compose([talks[utterance]], only=utterance)
    tokens = model.tokens(example.messages)
    lm = model.language_model
    if lm.chat:
        out.print(lm.tokenizer.decode(tokens), markup=False, highlight=False, soft_wrap=True)
    else:
        for message in example.messages:
            out.print(message["content"], markup=False, highlight=False, soft_wrap=True)
    out.rule()
    out.print(
        f"template {model.template.name} version {model.template.version}, {len(tokens)} tokens of at most {model.limit}",
        highlight=False,
    )
    if example.cut:
        out.print(f"cut to fit: {', '.join(example.cut)}", highlight=False)
    if example.answer is not None:
        answer = answer_ids(lm, example.answer)
        out.print(
            f"trained to answer: {lm.tokenizer.decode(answer)!r}, {len(answer)} tokens",
            markup=False,
            highlight=False,
        )
    if example.found is not None:
        table = Table("score", "label", "text", Column("from", overflow="fold"), "")
        for hit in example.found.hits:
            table.add_row(
                f"{hit.score:.3f}",
                hit.label,
                Text(hit.demonstration.text),
                Text(hit.demonstration.id),
                "shown",
            )
        for one in example.found.excluded:
            row = one.demonstration
            table.add_row(
                f"{one.score:.3f}", row.label, Text(row.text), Text(row.id), f"excluded: {one.reason}"
            )
        out.print(table)


def _near(utterance: str, ids: Iterable[str]) -> list[str]:
    known = list(ids)
    return get_close_matches(utterance, known, n=3, cutoff=0.3) or known[:3]
