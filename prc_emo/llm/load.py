"""Finds and loads the language model that a name stands for, with its tokenizer.

`minilm` is the embedded default: all-MiniLM-L6-v2, the retrieval encoder's own weights, with a head to predict the
next word. It was pre-trained to look both ways, and goes on doing so within a prompt (a prefix language model). Any other name is a model of the hub or a local folder. Never runs code that a model folder brings along.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from prc_emo.errors import PrcEmoError

EMBEDDED = "minilm"


@dataclass(frozen=True)
class LanguageModel:
    """A loaded model with what the rest of `llm` needs to know of it."""

    model: Any  # a transformers causal LM, or a peft model around one
    tokenizer: Any
    name: str
    revision: str | None
    chat: bool  # has turns and control tokens; otherwise plain text goes in
    positions: int  # how many tokens it can hold
    train_whole: tuple[str, ...]  # modules that have no pre-trained weights: trained and saved in full
    autocast: bool  # bf16 compute over whatever dtype the weights have
    prefix: bool = (
        False  # reads a prompt in both directions, as it was pre-trained; writes from left to right
    )
    merged: bool = False  # an adapter was merged into these weights
    # for each row of a batch the utterances that are heard in it -> what the model takes beside tokens; None is deaf
    listen: Callable[[Sequence[Sequence[str]]], Mapping[str, Any]] | None = None

    @property
    def learned(self) -> bool:
        """Whether it was fine-tuned: it has an adapter, or had one that was merged."""
        return self.merged or hasattr(self.model, "peft_config")

    @property
    def device(self) -> Any:
        return next(self.model.parameters()).device

    def beside(self, heard: Sequence[Sequence[str]]) -> dict[str, Any]:
        """What a forward pass takes beside the tokens of rows in which these utterances are heard."""
        if self.listen is None or not any(heard):
            return {}
        from accelerate.utils import send_to_device

        return dict(send_to_device(dict(self.listen(heard)), self.device))

    @property
    def quantized(self) -> bool:
        return bool(
            getattr(self.model, "is_loaded_in_4bit", False) or getattr(self.model, "is_loaded_in_8bit", False)
        )


def load(
    name: str,
    *,
    revision: str | None = None,
    tiny: bool = False,
    quantization: str = "none",
    precision: str = "auto",
    attention: str | None = None,
) -> LanguageModel:
    """Loads model and tokenizer, on the GPU of this process where there is one.

    Args:
        name: `minilm`, a model of the hub, or a local folder (safetensors only).
        tiny: The architecture of the name with random weights and two layers, never quantised; needs no weights.
        quantization: `none`, `nf4` (double quantisation, bf16 compute) or `int8`, through bitsandbytes.
        precision: `bf16`, `fp32`, or `auto`: bf16 where the hardware computes in it.

    Raises:
        PrcEmoError: The model is not to be found, or the machine cannot do what was asked.
    """
    import torch

    half = computes_in_half(precision)
    device = _device()
    if tiny:
        from prc_emo.llm.architectures import random_model

        model, tokenizer = random_model(name, toy=True)
        model = model.to(device)
    elif name == EMBEDDED:
        model, tokenizer = _embedded()
        model = model.to(device)
    else:
        model, tokenizer = _from_hub(
            name, revision, quantization, torch.bfloat16 if half else torch.float32, attention, device
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.eval()
    return LanguageModel(
        model,
        tokenizer,
        name,
        getattr(model.config, "_commit_hash", None) or revision,
        chat=bool(tokenizer.chat_template),
        positions=int(model.config.max_position_embeddings),
        train_whole=("transform",) if name == EMBEDDED else (),
        autocast=half,
        prefix=name == EMBEDDED and not tiny,
    )


def exactly(lm: LanguageModel) -> LanguageModel:
    """The same model, without bf16 on a CPU: what it answers must not depend on who else is in the batch."""
    return replace(lm, autocast=lm.autocast and lm.device.type != "cpu")


def _embedded() -> tuple[Any, Any]:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    from retrieval_store.weights import find_weights

    folder = find_weights(EMBEDDED)
    # No dropout, as in today's language models: on a CPU, drawing its masks takes longer than the rest of a step.
    config = AutoConfig.from_pretrained(
        folder,
        is_decoder=True,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        local_files_only=True,
    )
    with quietly():  # it warns of the head that is missing from the file, which is set right below
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, config=config, use_safetensors=True, local_files_only=True
        )
    head: Any = model.cls.predictions
    with torch.no_grad():
        # The file has no head. The identity hands the hidden state on as it is, and every machine agrees on it.
        head.transform.dense.weight.copy_(torch.eye(config.hidden_size))
        head.transform.dense.bias.zero_()
        head.transform.LayerNorm.weight.fill_(1.0)
        head.transform.LayerNorm.bias.zero_()
        head.bias.zero_()
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


def _from_hub(
    name: str, revision: str | None, quantization: str, dtype: Any, attention: str | None, device: str
) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"revision": revision, "trust_remote_code": False}
    if quantization == "none":
        weights: dict[str, Any] = {"dtype": dtype}
    else:
        weights = {
            "quantization_config": _quantization(quantization),
            "dtype": dtype,
            "device_map": {"": device},
        }
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **options)
        model: Any = AutoModelForCausalLM.from_pretrained(
            name, use_safetensors=True, attn_implementation=attention, **weights, **options
        )
    except (OSError, ValueError) as error:
        raise PrcEmoError(
            f"The language model {name!r} could not be loaded: {str(error).splitlines()[0]} Give a local folder with "
            "model.name=PATH, or let this machine reach the model hub once; model.name=minilm needs neither, and "
            "model.tiny=true tries the same steps with random weights."
        ) from None
    return (model if quantization != "none" else model.to(device)), tokenizer


@contextmanager
def quietly() -> Iterator[None]:
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _quantization(kind: str) -> Any:
    import importlib.util

    import torch
    from transformers import BitsAndBytesConfig

    if not torch.cuda.is_available():
        # bitsandbytes repacks 4-bit weights for the CPU in evaluation mode, and then trains with wrong gradients
        raise PrcEmoError(
            f"model.quantization={kind} needs a CUDA GPU, and none is here. Take model.quantization=none."
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise PrcEmoError(f"model.quantization={kind} needs bitsandbytes: pip install 'prc-emo[gpu]'")
    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_quant_storage=torch.bfloat16,
    )


def computes_in_half(precision: str) -> bool:
    """Whether sums are made in bf16: as asked for, or where the hardware can."""
    import torch

    if precision != "auto":
        return precision == "bf16"
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    # where the CPU only emulates bf16, it is slower than fp32
    return any(torch.cpu.get_capabilities().get(unit) for unit in ("avx512_bf16", "amx_bf16", "bf16"))


def _device() -> str:
    import torch

    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        return "cpu"
    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"
