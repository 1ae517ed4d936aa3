"""Shows what the language model sees for one utterance (`prc-emo prompt`) and what a store finds. Writes nothing."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from prc_emo import saved
from prc_emo.bench.run import corpus_of
from prc_emo.compose import demonstrations_of
from prc_emo.config import Experiment
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.experiment import build
from prc_emo.recognizer import PRCEmo
from prompts import replace_marks
from retrieval_store import DemonstrationStore, Embedder, Found


def describe(
    settings: Experiment,
    utterance: str,
    run: Path,
    out: Console,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Prints the prompt of an utterance, its tokens, the answer's tokens, and what was retrieved and excluded.

    Args:
        run: The experiment's folder; demonstrations come from its store, where it has one that fits.
        tell: Receives a line about what takes a while.

    Raises:
        PrcEmoError: No conversation has an utterance of that id, or the language model cannot be loaded.
    """
    from prc_emo.llm.tokens import answer_ids, readable

    corpus = corpus_of(settings)
    talks = {turn.id: talk for talk in corpus.all() for turn in talk.utterances}
    if utterance not in talks:
        raise PrcEmoError(
            f"{corpus.name} has no utterance {utterance!r}. {did_you_mean(utterance, _near(utterance, talks))}"
        )
    model = build(settings, corpus.labels, corpus.name)
    try:
        lm = model.language_model  # before the store, which takes longer to make than this to fail
    except PrcEmoError as error:
        raise PrcEmoError(
            f"{error} To see the text with a toy's tokens: model.tiny=true data.limit=null"
        ) from None
    if model.store == "train":
        model.store = _store(model, corpus.train, run / "model" / saved.STORE, tell)
    model.hear([talks[utterance]])
    (example,) = model.compose([talks[utterance]], only={utterance})
    tokens = model.tokens(example.messages)
    # ids of utterances stand where voices go, and may say the emotion: the model never sees them
    said = (
        [readable(lm, tokens)]
        if lm.chat
        else [replace_marks(one["content"], "<speech>") for one in example.messages]
    )
    for text in said:
        out.print(text, markup=False, highlight=False, soft_wrap=True)
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
        out.print(demonstrations(example.found))


def demonstrations(found: Found) -> Table:
    """What a search shows and what was nearer but is held back, and why."""
    table = Table("score", "label", "text", Column("from", overflow="fold"), "")
    for hit in found.hits:
        row = hit.demonstration
        table.add_row(f"{hit.score:.3f}", hit.label, Text(row.text), Text(row.id), "shown")
    for near in found.excluded:
        row = near.demonstration
        table.add_row(
            f"{near.score:.3f}", row.label, Text(row.text), Text(row.id), f"excluded: {near.reason}"
        )
    return table


def _store(
    model: PRCEmo, train: Sequence[Conversation], kept: Path, tell: Callable[[str], None]
) -> DemonstrationStore:
    """The run's own store where it was made of the same rows, otherwise one in memory: a trained model needs its own."""
    rows = demonstrations_of(train, source="training", split="train")
    embedder = Embedder(model.encoder)
    why = f"there is none in {kept}"
    if (kept / "manifest.json").exists():
        store = DemonstrationStore.load(kept)
        about = store.info()
        same_rows = set(store.demonstrations) <= set(rows) and len(store) + about.skipped == len(rows)
        if same_rows and about.encoder == embedder.id:
            return DemonstrationStore.load(kept, embedder)
        why = f"that in {kept} is of other utterances or of another encoder, and stays as it is"
    tell(f"Making a store of {len(rows)} demonstrations for this prompt alone: {why}.")
    return DemonstrationStore.build(rows, embedder, index=model.index, progress=True)


def _near(utterance: str, ids: Iterable[str]) -> list[str]:
    known = list(ids)
    return get_close_matches(utterance, known, n=3, cutoff=0.3) or known[:3]
