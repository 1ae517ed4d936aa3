"""Qwen3-8B at full size with random weights on a GPU: LoRA in bf16 and QLoRA in NF4, 2,048 tokens a row.

Trains with the batch, adapter and checkpointing of `meld_qwen3_8b`, ours beside plain SFTTrainer. Speed and memory do
not depend on what the weights say. They are saved once to a temporary folder (16.4 GB on disk) and loaded from there as
any local model is, since that is the way to quantise them.

MFU, the share of the GPU's arithmetic that goes into the model: tokens per second x FLOPs per token / peak FLOPs.
FLOPs per token = 4 N + 6 A + 6 L H D T. N: weights of the frozen matrices in the layers, 2 forward and 2 for the
gradient of their input (full training adds 2 for the weights' own gradient, hence the usual 6 N). A: weights of the
adapter. Attention: L layers, H heads of D dimensions, half of T keys on average, forward and twice that backward. The
head at two positions of a row is left out (0.02 %), and so is what a side computes beyond that: checkpointed
activations again, logits nobody asked for, weights out of four bits. So all sides are measured by the same useful work.
"""

import gc
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import training
from benchmarks.measure import table
from prc_emo.config_file import experiment
from prc_emo.errors import PrcEmoError
from prc_emo.llm import adapter
from prc_emo.llm.architectures import random_model
from prc_emo.llm.load import load
from prc_emo.llm.tokens import IGNORED, Encoded

NAME = "Qwen/Qwen3-8B"
ANSWER = 2  # tokens: the label and the end of the turn

# Dense bf16 with fp32 accumulation, from the makers' data sheets; the first name found in the device's name counts.
PEAK_TFLOPS = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "RTX 4090": 165.0,
    "RTX 3090": 71.0,
}


@dataclass(frozen=True)
class Figures:
    """One quantisation; `mfu` is None where the device's peak is not known."""

    training: training.Figures
    flops_per_token: float
    mfu: dict[str, float] | None


def run(
    *,
    steps: int,
    rounds: int,
    length: int = 2048,
    peak_tflops: float | None = None,
    quantizations: tuple[str, ...] = ("none", "nf4"),
    toy: bool = False,
) -> list[Figures]:
    """Both quantisations, one after the other.

    Args:
        length: Tokens in a row, the answer included.
        peak_tflops: Of the device, where the table does not have it.
        toy: The architecture with two small layers, on whatever device there is; a trial of these very steps.

    Raises:
        PrcEmoError: There is no CUDA GPU, or bitsandbytes is missing.
    """
    import torch

    if not toy and not torch.cuda.is_available():
        raise PrcEmoError("--gpu trains an 8B model: it needs a CUDA GPU, and none is here.")
    if peak_tflops is None and torch.cuda.is_available():
        peak_tflops = peak_of(torch.cuda.get_device_name())
    settings = experiment("meld_qwen3_8b")
    found = []
    with random_weights(toy) as folder:
        for quantization in quantizations:
            size = settings.lora
            lm = adapter.add(
                load(str(folder), quantization=quantization),
                rank=size.rank,
                alpha=size.alpha,
                dropout=size.dropout,
                seed=42,
            )
            batch = settings.training.batch * settings.training.accumulate
            rows = random_rows(lm.model.config.vocab_size, length, count=max(steps, 1) * batch)
            case = f"{NAME}{' (toy)' if toy else ''}, {'bf16' if quantization == 'none' else quantization}"
            figures = training.compare(case, lm, rows, settings.training, steps, rounds)
            trained = sum(weights.numel() for weights in lm.model.parameters() if weights.requires_grad)
            flops = flops_per_token(lm.model.config, trained, length)
            found.append(Figures(figures, flops, _mfu(figures, flops, peak_tflops)))
            del lm
            gc.collect()
            torch.cuda.empty_cache()
    return found


@contextmanager
def random_weights(toy: bool) -> Iterator[Path]:
    """A folder with the architecture's random weights in bf16 and its tokenizer, gone afterwards."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory(prefix="random-weights-") as folder:
        model, tokenizer = random_model(NAME, toy=toy, dtype=torch.bfloat16, device=device)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        del model
        torch.cuda.empty_cache()
        yield Path(folder)


def random_rows(vocabulary: int, length: int, count: int) -> list[Encoded]:
    """Rows of random tokens, all equally long, so that no side gains by padding less."""
    import numpy as np

    ids = np.random.default_rng(42).integers(0, vocabulary, (count, length)).tolist()
    return [
        Encoded(str(number), row, [IGNORED] * (length - ANSWER) + row[-ANSWER:])
        for number, row in enumerate(ids)
    ]


def flops_per_token(config: Any, adapter_weights: int, length: int) -> float:
    """What one token of a LoRA step costs, forward and backward; the formula is on top of this file.

    Args:
        config: Of a model with gated feed-forward layers and grouped queries, such as Qwen2 and Qwen3.
    """
    layers, width = config.num_hidden_layers, config.hidden_size
    queries = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    frozen = layers * (width * (queries + 2 * keys) + queries * width + 3 * width * config.intermediate_size)
    return 4.0 * frozen + 6.0 * adapter_weights + 6.0 * layers * queries * length


def peak_of(device: str) -> float | None:
    """Peak bf16 TFLOP/s of a device by its name.

    >>> peak_of("NVIDIA H200"), peak_of("NVIDIA H100 PCIe"), peak_of("abacus")
    (989.0, 756.0, None)
    """
    return next((peak for name, peak in PEAK_TFLOPS.items() if name in device), None)


def show(figures: list[Figures]) -> str:
    tables = []
    for one in figures:
        tables.append(training.show(one.training))
        if one.mfu is None:
            tables.append("MFU: the peak of this device is not known; give it with --peak-tflops.")
        else:
            tables.append(table(("", *one.mfu), ("MFU", *(f"{share:.1%}" for share in one.mfu.values()))))
    return "\n\n".join(tables)


def _mfu(figures: training.Figures, flops: float, peak_tflops: float | None) -> dict[str, float] | None:
    if peak_tflops is None:
        return None
    return {side: pace * flops / (peak_tflops * 1e12) for side, pace in figures.tokens_per_second.items()}
