"""What a trained PRC-Emo leaves on disk, and how it is read again: data only, complete, and checked.

    model/  prc_emo.json  template.j2  adapter_model.safetensors  adapter_config.json  store/

Instead of the adapter, the whole weights may be there, with the adapter merged in (`prc-emo export`).

`prc_emo.json` says everything else that an answer depends on. A model cannot be asked in other words, for other
labels or with another store than it was taught.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from prc_emo.config import Answer, Model, Section, Speech
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_text, sha256, sha256_file, write_json, write_text
from prc_emo.hearing import Form
from prc_emo.labels import LabelSet
from prc_emo.settings import stored
from retrieval_store import DemonstrationStore

DESCRIPTION, TEMPLATE = "prc_emo.json", "template.j2"
ADAPTER, SETTINGS = "adapter_model.safetensors", "adapter_config.json"
STORE = "store"  # a folder of the model's own


class SavedLabels(Section):
    name: str
    labels: tuple[str, ...]


class Merged(Section):
    """Whole weights, with the adapter in them.

    Attributes:
        prefix: It reads a prompt in both directions, which transformers' own form does not say.
        files: What it is loaded from, each with its hash.
    """

    prefix: bool
    files: dict[str, str]


class Saved(Section):
    """The whole of `prc_emo.json`."""

    format: Literal[1]
    base_model: str
    loading: dict[str, str | bool | None]
    labels: SavedLabels
    template_sha256: str
    adapter_sha256: str | None = None
    adapter_config_sha256: str | None = None
    merged: Merged | None = None
    see: Literal["past", "surrounding"]
    window: int
    max_tokens: int
    demonstrations: int
    mmr: float | None
    per_label: int | None
    evaluation_splits: tuple[str, ...]
    encoder: str
    store: str | None  # hash of the demonstrations beside it
    answer: Answer
    speech: Speech | None = None
    frames: Form | None = None  # of the speech
    temperature: float = Field(gt=0)
    offsets: tuple[float, ...]  # added to the tempered scores, one per label or one for all
    seed: int

    @field_validator("loading")
    @classmethod
    def _says_only_how_to_load(cls, loading: dict[str, Any]) -> dict[str, Any]:
        if odd := set(loading) - (set(Model.model_fields) - {"name"}):
            raise ValueError(f"unknown: {', '.join(sorted(odd))}")
        return loading


def folder_of(path: Path) -> Path:
    """The model's own folder, where that of a run, or of all its seeds, may have been given."""
    path = latest(path)
    return path if (path / DESCRIPTION).exists() or not (path / "model").is_dir() else path / "model"


def latest(run: Path) -> Path:
    """A run's own folder, where the folder of all its seeds was given: the seed whose training ended last."""
    if (run / "model").is_dir() or (run / DESCRIPTION).exists():
        return run
    trained = max(
        run.glob(f"seed*/model/{DESCRIPTION}"), key=lambda file: file.stat().st_mtime_ns, default=None
    )
    return run if trained is None else trained.parents[1]


def write(
    folder: Path,
    description: Mapping[str, Any],
    *,
    template: str,
    store: DemonstrationStore | None,
    merged: Merged | None = None,
) -> None:
    """Writes store, template and description beside the weights, which are there already; the description comes last."""
    if store is not None:
        store.save(folder / STORE)
    write_text(folder / TEMPLATE, template)
    whole = {
        "format": 1,
        **description,
        "store": store and store.hash,
        "merged": merged,
    }
    if merged is None:
        whole["adapter_sha256"] = sha256_file(folder / ADAPTER)
        whole["adapter_config_sha256"] = sha256_file(folder / SETTINGS)
    write_json(folder / DESCRIPTION, Saved.model_validate(whole).model_dump(mode="json"))


def read(folder: Path, labels: LabelSet | None) -> tuple[Saved, str]:
    """The description and the template's text, after all checks.

    Raises:
        PrcEmoError: Something is missing, was changed since, or is not for these labels.
    """
    if not (folder / DESCRIPTION).exists():
        raise PrcEmoError(
            f"{folder}: expected a trained model with {DESCRIPTION}. Train one with prc-emo run NAME."
        )
    saved = stored(Saved, folder / DESCRIPTION, "Was it edited or written by another version?")
    if labels is not None and set(labels) != set(saved.labels.labels):
        raise PrcEmoError(
            f"{folder}: this model answers with the labels of {saved.labels.name} ({', '.join(saved.labels.labels)}), "
            f"not with those of {labels.name} ({', '.join(labels)}). Train one for {labels.name}, or ask it for its own."
        )
    adapter = {ADAPTER: saved.adapter_sha256, SETTINGS: saved.adapter_config_sha256}
    for name, known in (saved.merged.files if saved.merged else adapter).items():
        if not (folder / name).is_file() or sha256_file(folder / name) != known:
            raise _changed(folder / name)
    template = read_text(folder / TEMPLATE)
    if sha256(template.encode()) != saved.template_sha256:
        raise _changed(folder / TEMPLATE)
    return saved, template


def _changed(path: Path) -> PrcEmoError:
    return PrcEmoError(
        f"{path} is missing or was changed since the model was saved. Restore it, or train again."
    )
