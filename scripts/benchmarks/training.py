"""Training tokens per second: ours against plain SFTTrainer, on the same model, rows, order, arguments and precision.

- `ours`: `CurriculumTrainer`: rows of a step sorted by length, loss and head at the answer's positions only.
- `full logits`: SFTTrainer's padding, and the loss as transformers computes it from `model(input_ids, labels)`: logits of
  the whole vocabulary at every position. This is the classic way.
- `trl`: SFTTrainer of TRL 1.16 as it comes. It makes no full logits either: it multiplies hidden states with the head's
  matrix, in tiles, at every position (on CUDA at the labels' only). In `minilm` that passes over the transform before
  the head, so there it has less to do, and another loss.

Only the steps are timed: from the beginning of the training loop to its end, without making the trainer.
"""

import gc
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from benchmarks.measure import Memory, Ratio, alternate, peak_megabytes, ratio, table
from curriculum import Order, Shuffled
from prc_emo import PRCEmo, load_corpus
from prc_emo.config import Training, experiment
from prc_emo.llm import adapter
from prc_emo.llm.load import LanguageModel
from prc_emo.llm.tokens import Encoded, encode

OURS, PLAIN = "ours", "full logits"
SIDES = (OURS, PLAIN, "trl")


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
        encode(lm, example.id, example.messages, str(example.answer))
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
    with tempfile.TemporaryDirectory() as folder, _Forward(lm):
        trainer = make_trainer(side, lm, rows, settings, steps, folder)
        watch = _watch(lm)
        trainer.add_callback(watch)
        trainer.train()
    return Steps(watch.seconds, sum(_lengths(side, rows, settings, steps)), watch.peak_gb)


def first_loss(side: str, lm: LanguageModel, rows: Sequence[Encoded], settings: Training) -> float:
    """The loss of the first rows of the order, as that side's trainer computes it, all in one batch."""
    import torch

    rows = [rows[at] for at in _order(rows, settings, 1).positions[: settings.batch]]
    one_batch = settings.model_copy(update={"accumulate": 1})
    with tempfile.TemporaryDirectory() as folder, _Forward(lm), torch.no_grad():
        trainer = make_trainer(side, lm, rows, one_batch, 1, folder)
        batch = next(iter(trainer.get_train_dataloader()))
        lm.model.eval()
        return float(trainer.compute_loss(lm.model, batch))


def make_trainer(
    side: str, lm: LanguageModel, rows: Sequence[Encoded], settings: Training, steps: int, folder: str
) -> Any:
    """The trainer of a side; all get the same arguments, and no side saves, evaluates or prints."""
    # before trl: importing it switches telemetry off
    from prc_emo.llm.train import Collate, CurriculumTrainer

    # isort: split
    from datasets import Dataset
    from transformers import PrinterCallback, Trainer
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    class FullLogits(SFTTrainer):
        def compute_loss(self, model: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
            return Trainer.compute_loss(self, model, {**inputs, "use_cache": False}, *arguments, **options)

    positions = _positions(side, rows, settings, steps)
    columns: dict[str, list[Any]] = {
        "input_ids": [rows[at].input_ids for at in positions],
        "labels": [rows[at].labels for at in positions],
    }
    own: dict[str, Any] = {}
    if side == OURS:
        columns["weight"] = [1.0] * len(positions)
        own = {"remove_unused_columns": False, "dataset_kwargs": {"skip_prepare_dataset": True}}
    arguments = SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=settings.batch,
        gradient_accumulation_steps=settings.accumulate,
        max_steps=steps,
        learning_rate=settings.learning_rate,
        max_grad_norm=settings.gradient_clip,
        neftune_noise_alpha=settings.neftune,
        activation_checkpointing=settings.activation_checkpointing,
        bf16=lm.autocast,
        use_cpu=lm.device.type == "cpu",
        train_sampling_strategy="sequential",
        packing=False,
        max_length=None,
        dataloader_pin_memory=lm.device.type == "cuda",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        **own,
    )
    shared = {
        "model": lm.model,
        "args": arguments,
        "train_dataset": Dataset.from_dict(columns),
        "processing_class": lm.tokenizer,
    }
    if side == OURS:
        collate = Collate(lm.tokenizer.pad_token_id)
        trainer: Any = CurriculumTrainer(**shared, data_collator=collate, scores=lambda _: {})
    else:
        trainer = FullLogits(**shared) if side == PLAIN else SFTTrainer(**shared)
    trainer.remove_callback(PrinterCallback)
    return trainer


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


def _order(rows: Sequence[Encoded], settings: Training, steps: int) -> Order:
    return Shuffled(epochs=1).order(
        [0.0] * len(rows), seed=42, batch=settings.batch * settings.accumulate, steps=steps
    )


def _positions(side: str, rows: Sequence[Encoded], settings: Training, steps: int) -> list[int]:
    from prc_emo.llm.train import _paired_by_length

    order = _order(rows, settings, steps)
    if side != OURS:
        return list(order.positions.tolist())
    return _paired_by_length(rows, order, order.phases[0], settings.batch * settings.accumulate)


def _lengths(side: str, rows: Sequence[Encoded], settings: Training, steps: int) -> list[int]:
    return [len(rows[at].input_ids) for at in _positions(side, rows, settings, steps)]


def _padding(lengths: Sequence[int], batch: int) -> float:
    """Share of positions that hold no token when rows go through in batches, in this order."""
    batches = [lengths[start : start + batch] for start in range(0, len(lengths), batch)]
    return 1 - sum(lengths) / sum(len(some) * max(some) for some in batches)


class _Forward:
    """Gives the model its `forward` back: every SFTTrainer wraps another one around it."""

    def __init__(self, lm: LanguageModel) -> None:
        self.inside = lm.model.get_base_model()

    def __enter__(self) -> None:
        self.before = self.inside.__dict__.get("forward")

    def __exit__(self, *_: object) -> None:
        self.inside.__dict__.pop("forward", None)
        if self.before is not None:
            self.inside.forward = self.before


def _watch(lm: LanguageModel) -> Any:
    """A callback that knows afterwards how long the steps took, and the GPU's peak memory in GB meanwhile."""
    import torch
    from transformers import TrainerCallback

    cuda = lm.device.type == "cuda"

    class Watch(TrainerCallback):
        seconds = 0.0
        peak_gb: float | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if cuda:
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
            self.began = time.perf_counter()

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if cuda:
                torch.cuda.synchronize()
                self.peak_gb = torch.cuda.max_memory_allocated() / 1e9
            self.seconds = time.perf_counter() - self.began

    return Watch()
