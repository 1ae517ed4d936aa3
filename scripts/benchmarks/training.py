"""Training tokens per second: ours against plain SFTTrainer, on the same model, rows, order, arguments and precision.

The sides are explained in `trainers.py`. Only the steps are timed, from the beginning of the training loop to its end,
without making the trainer.
"""

import gc
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.measure import Memory, Ratio, alternate, peak_megabytes, ratio, table
from benchmarks.trainers import OURS, SIDES, OwnForward, make_trainer, order_of, positions_of, watch_on
from prc_emo import PRCEmo, load_corpus
from prc_emo.config import Training
from prc_emo.config_file import experiment
from prc_emo.llm import adapter
from prc_emo.llm.load import LanguageModel
from prc_emo.llm.tokens import Encoded, encode, prompt_ids


@dataclass(frozen=True)
class Steps:
    """A few optimiser steps. Tokens are those of the rows, padding not counted."""

    seconds: float
    tokens: int
    peak_gb: float | None  # of the GPU


@dataclass(frozen=True)
class Figures:
    """Medians over rounds; `loss` is that of the very first rows, before any training."""

    case: str
    steps: int  # of each side, all rounds together
    tokens_per_second: dict[str, float]
    ratios: dict[str, Ratio]  # ours over each
    padding: dict[str, float]  # share of all positions
    loss: dict[str, float]
    peak_gb: dict[str, float | None]


def speed(steps: int, rounds: int) -> Figures:
    """The embedded model on the shipped corpus, with batch, adapter and learning rate of `meld_minilm`."""
    lm, rows, settings = prepare()
    return compare("minilm", lm, rows, settings, steps, rounds)


def memory(steps: int, side: str) -> Memory:
    """The peak of one side; to be called in a process of its own."""
    lm, rows, settings = prepare()
    loaded = peak_megabytes()
    take_steps(side, lm, rows, settings, steps)
    return Memory(loaded, peak_megabytes())


def prepare() -> tuple[LanguageModel, list[Encoded], Training]:
    settings = experiment("meld_minilm")
    size, corpus = settings.lora, load_corpus("everyday")
    recognizer = PRCEmo(labels=corpus.labels)
    lm = adapter.add(
        recognizer.language_model, rank=size.rank, alpha=size.alpha, dropout=size.dropout, seed=42
    )
    rows = [
        encode(lm, example.id, prompt_ids(lm, example.messages), str(example.answer))
        for example in recognizer.compose(corpus.train)
    ]
    return lm, rows, settings.training


def compare(
    case: str, lm: LanguageModel, rows: Sequence[Encoded], settings: Training, steps: int, rounds: int
) -> Figures:
    """All sides on one model, in turns; each takes one step before, which is not counted."""
    loss = {side: first_loss(side, lm, rows, settings) for side in SIDES}
    for side in SIDES:
        take_steps(side, lm, rows, settings, 1)
    found = alternate({side: partial(take_steps, side, lm, rows, settings, steps) for side in SIDES}, rounds)
    pace = {side: [one.tokens / one.seconds for one in some] for side, some in found.items()}
    return Figures(
        case,
        steps * rounds,
        {side: median(some) for side, some in pace.items()},
        {side: ratio(pace[OURS], pace[side]) for side in SIDES if side != OURS},
        {side: _padding(_lengths(side, rows, settings, steps), settings.batch) for side in SIDES},
        loss,
        {
            side: max((one.peak_gb for one in some if one.peak_gb), default=None)
            for side, some in found.items()
        },
    )


def take_steps(
    side: str, lm: LanguageModel, rows: Sequence[Encoded], settings: Training, steps: int
) -> Steps:
    """Optimiser steps of one side over the first rows of the order, from where the adapter stands."""
    gc.collect()  # trainers live in circles, and the last one's optimiser would count as this one's memory
    with tempfile.TemporaryDirectory() as folder, OwnForward(lm):
        trainer = make_trainer(side, lm, rows, settings, steps, folder)
        watch = watch_on(lm)
        trainer.add_callback(watch)
        trainer.train()
    return Steps(watch.seconds, sum(_lengths(side, rows, settings, steps)), watch.peak_gb)


def first_loss(side: str, lm: LanguageModel, rows: Sequence[Encoded], settings: Training) -> float:
    """The loss of the first rows of the order, as that side's trainer computes it, all in one batch."""
    import torch

    rows = [rows[at] for at in order_of(rows, settings, 1).positions[: settings.batch]]
    one_batch = settings.model_copy(update={"accumulate": 1})
    with tempfile.TemporaryDirectory() as folder, OwnForward(lm), torch.no_grad():
        trainer = make_trainer(side, lm, rows, one_batch, 1, folder)
        batch = next(iter(trainer.get_train_dataloader()))
        lm.model.eval()
        return float(trainer.compute_loss(lm.model, batch))


def show(figures: Figures) -> str:
    rows: list[tuple[object, ...]] = [(figures.case, "tokens/s", "ours over it", "padding", "first loss")]
    rows += [
        (
            side,
            f"{pace:,.0f}",
            figures.ratios.get(side, ""),
            f"{figures.padding[side]:.0%}",
            f"{figures.loss[side]:.4f}",
        )
        for side, pace in figures.tokens_per_second.items()
    ]
    if all(figures.peak_gb.values()):
        peaks = ["GPU peak, GB", *(f"{peak:.1f}" for peak in figures.peak_gb.values())]
        rows = [(*row, peak) for row, peak in zip(rows, peaks, strict=True)]
    return table(*rows)


def _lengths(side: str, rows: Sequence[Encoded], settings: Training, steps: int) -> list[int]:
    return [len(rows[at].input_ids) for at in positions_of(side, rows, settings, steps)]


def _padding(lengths: Sequence[int], batch: int) -> float:
    """Share of positions that hold no token when rows go through in batches, in this order."""
    batches = [lengths[start : start + batch] for start in range(0, len(lengths), batch)]
    return 1 - sum(lengths) / sum(len(some) * max(some) for some in batches)
