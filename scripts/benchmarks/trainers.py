"""The trainers of the three sides, with the same arguments, rows and order, and a watch on their steps.

- `ours`: `CurriculumTrainer`: rows of a step sorted by length, loss and head at the answer's positions only.
- `full logits`: SFTTrainer's padding, and the loss as transformers computes it from `model(input_ids, labels)`: logits
  of the whole vocabulary at every position. This is the classic way.
- `trl`: SFTTrainer of TRL 1.16 as it comes. It makes no full logits either: it multiplies hidden states with the head's
  matrix, in tiles, at every position (on CUDA at the labels' only). In `minilm` that passes over the transform before
  the head, so there it has less to do, and another loss.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from curriculum import Order, Shuffled
from prc_emo.config import Training
from prc_emo.llm.load import LanguageModel
from prc_emo.llm.tokens import Encoded

OURS, PLAIN = "ours", "full logits"
SIDES = (OURS, PLAIN, "trl")


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

    positions = positions_of(side, rows, settings, steps)
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
        # the other sides read from left to right only; so does ours here, for the same loss
        causal = replace(lm, prefix=False)
        trainer: Any = CurriculumTrainer(**shared, data_collator=collate, lm=causal, scores=lambda _: {})
    else:
        trainer = FullLogits(**shared) if side == PLAIN else SFTTrainer(**shared)
    trainer.remove_callback(PrinterCallback)
    return trainer


def order_of(rows: Sequence[Encoded], settings: Training, steps: int) -> Order:
    """The order that all sides see, without a curriculum."""
    return Shuffled(epochs=1).order(
        [0.0] * len(rows), seed=42, batch=settings.batch * settings.accumulate, steps=steps
    )


def positions_of(side: str, rows: Sequence[Encoded], settings: Training, steps: int) -> list[int]:
    """The rows as a side's trainer walks them; ours sorts those of a step by length."""
    from prc_emo.llm.train import paired_by_length

    order = order_of(rows, settings, steps)
    if side != OURS:
        return list(order.positions.tolist())
    return paired_by_length(rows, order, order.phases[0], settings.batch * settings.accumulate)


class OwnForward:
    """Gives the model its `forward` back: every SFTTrainer wraps another one around it."""

    def __init__(self, lm: LanguageModel) -> None:
        self.inside = lm.model.get_base_model()

    def __enter__(self) -> None:
        self.before = self.inside.__dict__.get("forward")

    def __exit__(self, *_: object) -> None:
        self.inside.__dict__.pop("forward", None)
        if self.before is not None:
            self.inside.forward = self.before


def watch_on(lm: LanguageModel) -> Any:
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
