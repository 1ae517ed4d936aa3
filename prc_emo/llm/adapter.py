"""The LoRA adapter: put on a model, saved beside it as safetensors, and put on again.

A folder with an adapter is data. Other adapter kinds, pickled weights and code are refused.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from prc_emo.errors import PrcEmoError
from prc_emo.files import read_json, write_bytes
from prc_emo.llm.load import LanguageModel

# peft asks transformers by an old name, and no user of either can change that
warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


def add(lm: LanguageModel, *, rank: int, alpha: int, dropout: float, seed: int) -> LanguageModel:
    """The model with a fresh adapter on all its linear layers; everything else is frozen.

    The head is left alone, except for modules that have no pre-trained weights, which are trained whole.
    """
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    model = lm.model
    if lm.quantized:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    settings = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules="all-linear",
        exclude_modules=rf".*\b({'|'.join(lm.train_whole)})\b.*" if lm.train_whole else None,
        modules_to_save=list(lm.train_whole) or None,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _with(lm, get_peft_model(model, settings))


@contextmanager
def frozen(lm: LanguageModel, but: str) -> Iterator[None]:
    """Of all that learns, only the module of the name `but` does: no low-rank matrix, no other module that is trained whole."""
    others = [
        one for name, one in lm.model.named_parameters() if one.requires_grad and f".{but}." not in name
    ]
    for one in others:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in others:
            one.requires_grad_(True)


def save(lm: LanguageModel, folder: Path) -> None:
    # without save_embedding_layers=False peft asks the hub whether the vocabulary has grown
    lm.model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's model card, with nothing filled in


def copy(checkpoint: Path, folder: Path) -> None:
    """The adapter of a training's checkpoint, which is whole even where the model is sharded over processes."""
    for name in (SETTINGS, WEIGHTS):
        write_bytes(folder / name, (checkpoint / name).read_bytes())


def put_on(lm: LanguageModel, folder: Path) -> LanguageModel:
    """The model with the adapter saved in `folder`, frozen.

    Raises:
        PrcEmoError: The folder holds something else than a LoRA adapter in safetensors.
    """
    from peft import PeftModel

    refuse_pickles(folder)
    if not (folder / WEIGHTS).exists():
        raise PrcEmoError(f"{folder}: expected an adapter in {WEIGHTS}, which is not there.")
    kind = read_json(folder / SETTINGS).get("peft_type")
    if kind != "LORA":
        raise PrcEmoError(f"{folder / SETTINGS}: expected a LORA adapter, got {kind!r}.")
    try:
        model = PeftModel.from_pretrained(lm.model, str(folder), is_trainable=False)
    except (RuntimeError, KeyError, ValueError) as error:
        raise PrcEmoError(
            f"{folder}: the adapter does not fit {lm.name}: {str(error).splitlines()[0]}"
        ) from None
    model.eval()
    return _with(lm, model)


def refuse_pickles(folder: Path) -> None:
    """Raises where a folder holds a file that could run code when read."""
    if not folder.is_dir():
        raise PrcEmoError(f"{folder}: no such folder.")
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICKLES:
            raise PrcEmoError(
                f"{path} is a pickle, which can run code when read. Only safetensors are read; delete or convert it."
            )


def _with(lm: LanguageModel, model: Any) -> LanguageModel:
    return replace(lm, model=model)
