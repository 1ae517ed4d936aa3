"""The adapter within the weights of its base model: a folder in transformers' own form, which other servers load too."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from prc_emo.files import read_json
from prc_emo.llm.load import LanguageModel, computes_in_half, quietly
from prc_emo.llm.load import load as load_model


def write(lm: LanguageModel, folder: Path) -> list[str]:
    """Merges the adapter into the model, which then has none any more, and writes it with its tokenizer.

    Returns:
        The names of the files that it is loaded from.
    """
    model = lm.model.merge_and_unload()
    with quietly():
        model.save_pretrained(str(folder), safe_serialization=True)
    lm.tokenizer.save_pretrained(str(folder))
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def load(folder: Path, name: str, prefix: bool, loading: Mapping[str, Any]) -> LanguageModel:
    """A merged model: the weights as they were written, and the sums as the base model's loading says.

    Args:
        name: Of its base model.
        prefix: Whether it reads a prompt in both directions.
        loading: The base model's precision and attention.
    """
    written = read_json(folder / "config.json").get("dtype")
    precision = "bf16" if written == "bfloat16" else "fp32"
    with quietly():
        lm = load_model(str(folder), precision=precision, attention=loading.get("attention"))
    autocast = computes_in_half(str(loading.get("precision", "auto")))
    return replace(lm, name=name, prefix=prefix, autocast=autocast, merged=True)
