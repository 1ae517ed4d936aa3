"""Fine-tuning, from top to bottom: rows of tokens and one flat order in, the best adapter out.

The curriculum is the order, computed once and walked from its first position to its last; the trainer never
shuffles, packs or groups by length. The loss is on the answer only, and the head of the language model is applied
only there. At the end of every phase, and every so many steps, the development split is scored and a checkpoint
written; the best of them by weighted F1 is kept. A killed training goes on from its last whole checkpoint,
bit for bit as if nothing had happened.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curriculum import Order, Phase

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # trl reports home otherwise; before huggingface_hub is imported

from datasets import Dataset, disable_progress_bars
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from prc_emo.config import Training
from prc_emo.files import read_json, write_json
from prc_emo.llm.adapter import WEIGHTS
from prc_emo.llm.load import LanguageModel
from prc_emo.llm.progress import Line, Progress, lines
from prc_emo.llm.tokens import IGNORED, Encoded, left_pad, positions, visible
from prc_emo.processes import processes, sharded

disable_progress_bars()  # Progress says what matters
Evaluate = Callable[[Any], dict[str, float]]  # the module to ask -> {"wf1": ..., ...}
Row = Mapping[str, Any]  # id, input_ids, labels, weight, heard, and its place in the order
COMPLETE = "complete.json"  # what is in a checkpoint's folder, once every process has written its part


@dataclass(frozen=True)
class Beside:
    """What training adds where utterances are heard.

    Attributes:
        listen: The rows of a batch -> what the model takes beside their tokens; augmented, by a row's place in the order.
        loss: What is learned beside the answer, of the last forward pass: a scalar, given what `listen` returned.
        rates: Learning rates other than the adapter's, by a part of parameters' names; the last that fits counts.
    """

    listen: Callable[[Sequence[Row]], Mapping[str, Any]]
    loss: Callable[[Mapping[str, Any]], Any]
    rates: Mapping[str, float] = field(default_factory=dict)


def train(
    lm: LanguageModel,
    rows: Sequence[Encoded],
    order: Order,
    evaluate: Evaluate,
    settings: Training,
    out: Path,
    *,
    seed: int,
    weights: Sequence[float] | None = None,
    choices: Sequence[int] | None = None,
    restart_per_phase: bool = False,
    beside: Beside | None = None,
) -> Path:
    """Trains the adapter that `lm` wears and leaves it at its best checkpoint.

    A model that is sharded over processes cannot be put back: it stays at its last step, and the caller loads the
    best checkpoint anew.

    Args:
        rows: All training examples in tokens.
        order: Which rows to see, in which order; its phases end on whole optimiser steps.
        evaluate: Scores the development split with the module it is given.
        out: Receives `log.jsonl` and `checkpoints/`; a second call with the same arguments goes on from there.
            Whether they are the same is for the caller to know: `prc_emo.fitting.same_as_before`.
        weights: Of each row's loss; their mean is 1.
        choices: The tokens that an answer may begin with; its first token then competes with these alone.
        beside: Where rows hear speech: what it brings into a batch, and what is learned of it.
        restart_per_phase: A fresh optimiser and learning-rate schedule in every phase, as in the released code.

    Returns:
        The folder of the best checkpoint by development wF1.

    Raises:
        CurriculumError: The order was made for another number of rows in an optimiser step.
    """
    whole = Phase("all", 0, len(order.positions))
    segments = order.phases if restart_per_phase else (whole,)
    data = Dataset.from_dict(
        {
            "id": [row.id for row in rows],
            "input_ids": [row.input_ids for row in rows],
            "labels": [row.labels for row in rows],
            "weight": list(weights) if weights is not None else [1.0] * len(rows),
            "heard": [list(row.heard) for row in rows],
        }
    )
    # rows of an optimiser step
    global_batch = settings.batch * settings.accumulate * processes().num_processes
    done = dict(zip(order.phases, order.steps(global_batch), strict=True))
    log: list[Line] = []
    best: tuple[float, Path] | None = None
    for number, segment in enumerate(segments):
        folder = out / "checkpoints" / str(number)
        phases = order.phases if segment is whole else (segment,)
        trainer = CurriculumTrainer(
            model=lm.model,
            args=_arguments(lm, settings, folder, seed),
            train_dataset=_in_order(
                data, paired_by_length(rows, order, segment, global_batch), segment, placed=beside is not None
            ),
            processing_class=lm.tokenizer,
            data_collator=Collate(lm.tokenizer.pad_token_id, None if beside is None else beside.listen),
            lm=lm,
            scores=evaluate,
            choices=choices,
            beside=beside,
        )
        ends = [done[phase] - segment.start // global_batch for phase in phases]
        trainer.remove_callback(PrinterCallback)  # Progress says it
        trainer.add_callback(_Marks(ends, settings.evaluate_every, trainer))
        trainer.add_callback(Progress(phases, ends, log, out / "log.jsonl"))
        last = last_checkpoint(folder, trainer)
        if last is None or last.name != f"checkpoint-{ends[-1]}":
            trainer.train(resume_from_checkpoint=str(last) if last else None)
            last = folder / f"checkpoint-{ends[-1]}"
        else:
            _wear(lm, last)  # this segment was done before; the next one starts from its end
        history = read_json(last / "trainer_state.json")
        log = lines(history["log_history"], phases, ends, log)
        if best is None or history["best_metric"] > best[0]:
            best = history["best_metric"], folder / f"checkpoint-{history['best_global_step']}"
    assert best is not None  # an order has at least one phase
    if not sharded():
        _wear(lm, best[1])
    lm.model.eval()
    return best[1]


class CurriculumTrainer(SFTTrainer):
    """TRL's trainer with our own loss, on the answer's positions only, and our own evaluation, by label scores."""

    def __init__(
        self,
        *,
        lm: LanguageModel,
        scores: Evaluate,
        choices: Sequence[int] | None = None,
        beside: Beside | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._scores, self.lm, self.choices, self.beside = scores, lm, choices, beside

    def create_optimizer(self, *arguments: Any, **options: Any) -> Any:
        optimizer = super().create_optimizer(*arguments, **options)
        for part, rate in self.beside.rates.items() if self.beside is not None else ():
            _own_rate(optimizer, rate, _called(self.model, part))
        return optimizer

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        from torch.nn.functional import cross_entropy

        labels = inputs["labels"]  # (B, A + 1): the answer's tokens, after one ignored place
        logits = model(
            input_ids=inputs["input_ids"],
            attention_mask=visible(self.lm, inputs["attention_mask"], (labels != IGNORED).sum(1) + 1),
            position_ids=positions(inputs["attention_mask"]),
            logits_to_keep=labels.shape[1],
            use_cache=False,
            **inputs.get("beside", {}),
        ).logits[:, :-1]  # (B, A, V)
        wanted = labels[:, 1:]  # (B, A)
        logits = logits.float()
        if self.choices is not None:
            logits = _among(logits, wanted, self.choices)
        each = cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED, reduction="none")
        each = each.view_as(wanted)  # (B, A)
        total = (each * inputs["weight"][:, None]).sum()
        heard = self.beside.loss(inputs["beside"]) if self.beside is not None and "beside" in inputs else 0.0
        if num_items_in_batch is None:
            return total / (wanted != IGNORED).sum() + heard
        # the count is over all processes, and gradients are averaged over them
        shares = self.accelerator.num_processes if self.args.average_tokens_across_devices else 1
        return total / num_items_in_batch * shares + heard / self.args.gradient_accumulation_steps

    def evaluate(self, *arguments: Any, **options: Any) -> dict[str, float]:
        metrics = {f"eval_{name}": value for name, value in self._scores(self.model).items()}
        self.log(metrics)
        # takes the request for an evaluation back, which would otherwise be granted again when the epoch ends
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _among(logits: Any, wanted: Any, choices: Sequence[int]) -> Any:
    """The logits (B, A, V) with every token but `choices` ruled out where an answer (B, A) begins."""
    import torch

    begins = ((wanted != IGNORED).cumsum(1) == 1) & (wanted != IGNORED)  # (B, A)
    barred = torch.ones(logits.shape[-1], dtype=torch.bool, device=logits.device)  # (V)
    barred[torch.tensor(choices, device=logits.device)] = False
    return logits.masked_fill(begins[..., None] & barred, float("-inf"))


class Collate:
    """Rows to a left-padded batch: answers end in the last column, whatever their prompts' lengths."""

    def __init__(self, pad: int, listen: Callable[[Sequence[Row]], Mapping[str, Any]] | None = None) -> None:
        self.pad, self.listen = pad, listen

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        import torch

        answers = [[label for label in row["labels"] if label != IGNORED] for row in rows]
        width = max(map(len, answers)) + 1
        beside = self.listen is not None and any(row["heard"] for row in rows) and self.listen(rows)
        return {
            **({"beside": dict(beside)} if beside else {}),
            "input_ids": left_pad([row["input_ids"] for row in rows], self.pad),  # (B, T)
            "attention_mask": left_pad([[1] * len(row["input_ids"]) for row in rows], 0),  # (B, T)
            "labels": left_pad(
                [[IGNORED] * (width - len(answer)) + answer for answer in answers], IGNORED
            ),  # (B, A + 1)
            "weight": torch.tensor([row["weight"] for row in rows]),  # (B,)
        }


def _in_order(data: Dataset, positions: Sequence[int], segment: Phase, *, placed: bool) -> Dataset:
    ordered = data.select(positions)
    if not placed:
        return ordered
    return ordered.add_column("place", list(range(segment.start, segment.start + len(positions))))


def _own_rate(optimizer: Any, rate: float, those: set[int]) -> None:
    """Moves parameters, known by their identity, into groups of another learning rate."""
    for group in list(optimizer.param_groups):
        moved = [one for one in group["params"] if id(one) in those]
        if moved:
            group["params"] = [one for one in group["params"] if id(one) not in those]
            rest = {name: value for name, value in group.items() if name != "params"}
            optimizer.add_param_group({**rest, "params": moved, "lr": rate})


def _called(model: Any, part: str) -> set[int]:
    """The parameters, by identity, whose name has this part."""
    return {id(one) for name, one in model.named_parameters() if part in name}


def paired_by_length(rows: Sequence[Encoded], order: Order, segment: Phase, global_batch: int) -> list[int]:
    """The order, with the rows of each optimiser step sorted by length.

    A step sums over its rows, so this changes no step; but rows of one forward pass then pad each other less.
    """
    positions = order.positions[segment.start : segment.stop].tolist()
    return [
        position
        for start in range(0, len(positions), global_batch)
        for position in sorted(
            positions[start : start + global_batch], key=lambda row: len(rows[row].input_ids)
        )
    ]


class _Marks(TrainerCallback):
    """Asks for an evaluation and a checkpoint every so many steps and at the ends of phases."""

    def __init__(self, ends: Sequence[int], every: int, trainer: CurriculumTrainer) -> None:
        self.ends, self.every, self.trainer = set(ends), every, trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        due = state.global_step in self.ends or state.global_step % self.every == 0
        control.should_evaluate = control.should_save = due
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        self.trainer.accelerator.wait_for_everyone()
        if self.trainer.is_world_process_zero():
            (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle that nothing here reads
            write_json(folder / COMPLETE, _sizes(folder))
        self.trainer.accelerator.wait_for_everyone()


def last_checkpoint(folder: Path, trainer: CurriculumTrainer | None = None) -> Path | None:
    """The newest whole checkpoint; half-written and half-deleted ones, which a kill leaves behind, are removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    if trainer is None or trainer.is_world_process_zero():
        for path in found:
            if not _whole(path):
                shutil.rmtree(path)
    if trainer is not None:
        trainer.accelerator.wait_for_everyone()
    return next((path for path in reversed(found) if path.exists()), None)


def _whole(checkpoint: Path) -> bool:
    return (checkpoint / COMPLETE).exists() and read_json(checkpoint / COMPLETE) == _sizes(checkpoint)


def _sizes(checkpoint: Path) -> dict[str, int]:
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file() and path.name != COMPLETE)
    return {path.relative_to(checkpoint).as_posix(): path.stat().st_size for path in files}


def _arguments(lm: LanguageModel, settings: Training, folder: Path, seed: int) -> SFTConfig:
    return SFTConfig(
        output_dir=str(folder),
        per_device_train_batch_size=settings.batch,
        gradient_accumulation_steps=settings.accumulate,
        num_train_epochs=1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=settings.warmup,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.gradient_clip,
        neftune_noise_alpha=settings.neftune,
        activation_checkpointing=settings.activation_checkpointing,
        bf16=lm.autocast,
        use_cpu=lm.device.type == "cpu",
        seed=seed,
        train_sampling_strategy="sequential",
        packing=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=lm.device.type == "cuda",
        logging_steps=min(10, settings.evaluate_every),
        eval_strategy="no",  # asked for by _Marks
        save_strategy="steps",
        save_steps=settings.evaluate_every,
        save_total_limit=2,  # the best and the last
        metric_for_best_model="eval_wf1",
        greater_is_better=True,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )


def _wear(lm: LanguageModel, checkpoint: Path) -> None:
    """Puts a checkpoint's adapter weights on the model that already has an adapter."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(lm.model, load_file(checkpoint / WEIGHTS))
