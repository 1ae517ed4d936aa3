"""Reads an experiment: a YAML file of `configs/`, of a baseline's folder or of your own, and `key=value` overrides.

Imports nothing heavy. Every problem is told at once, with the path of the key and the nearest known name.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from prc_emo.config import OF_PRC_EMO, Experiment
from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.settings import checked, mapping_of, nested, overlay, pair

_HERE = Path(__file__).parent


def shipped() -> dict[str, Path]:
    """The experiments that come with the package: name -> file. Baselines' names are NAME_CORPUS."""
    found = {path.stem: path for path in sorted((_HERE / "configs").glob("*.yaml"))}
    for path in sorted((_HERE / "baselines").glob("*/*.yaml")):
        found[f"{path.parent.name}_{path.stem}"] = path
    return found


def experiment(
    name_or_file: str, overrides: Iterable[str] = (), *, layers: Iterable[Mapping[str, Any]] = ()
) -> Experiment:
    """Reads, overrides and validates an experiment.

    Args:
        name_or_file: A name that `prc-emo ls` shows, or a YAML file.
        overrides: `key=value` with dots for sections, such as `training.learning_rate=1e-3` or `retrieval=null`;
            `smoke=true` applies the file's own small setting, and so does `model.tiny=true`, since random weights
            learn nothing from more.
        layers: The same as mappings, laid on the file before the overrides.

    Raises:
        PrcEmoError: All problems of the configuration, one a line.
    """
    raw = _read(name_or_file)
    smoke = raw.pop("smoke", None) or {}
    if not isinstance(smoke, dict):
        raise PrcEmoError(f"{name_or_file}: expected 'smoke' to be a mapping of settings, got {smoke!r}.")
    changes = [("", dict(layer)) for layer in layers]
    changes += [(key, nested(key, value)) for key, value in map(pair, overrides)]
    if any(change.get("smoke") or (change.get("model") or {}).get("tiny") for _, change in changes):
        raw = overlay(raw, smoke, "smoke")
    was = _corpus(raw)
    if was and any(_corpus(change) not in (None, was) for _, change in changes):
        raw["data"].pop("options", None)  # those of one corpus mean nothing to the reader of another
    for key, change in changes:
        change.pop("smoke", None)
        raw = overlay(raw, change, key)
    return checked(Experiment, raw, name_or_file)


def to_yaml(settings: Experiment) -> str:
    """What `experiment` reads back as the same settings."""
    not_its = None if settings.recognizer == "prc_emo" else OF_PRC_EMO
    return yaml.safe_dump(
        settings.model_dump(mode="json", exclude=not_its), sort_keys=False, allow_unicode=True
    )


def _corpus(settings: Mapping[str, Any]) -> Any:
    data = settings.get("data")
    return data.get("corpus") if isinstance(data, Mapping) else None


def _read(name_or_file: str) -> dict[str, Any]:
    names = shipped()
    if name_or_file in names:
        path = names[name_or_file]
    elif name_or_file.endswith((".yaml", ".yml")):
        path = Path(name_or_file)
    else:
        raise PrcEmoError(f"No experiment is called {name_or_file!r}. {did_you_mean(name_or_file, names)}")
    raw = mapping_of(path)
    raw.setdefault("name", name_or_file if name_or_file in names else path.stem)
    return raw
