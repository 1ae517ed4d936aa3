"""Reads an experiment: a YAML file of `configs/`, of a baseline's folder or of your own, and `key=value` overrides.

Imports nothing heavy. Every problem is told at once, with the path of the key and the nearest known name.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from prc_emo.config import OF_PRC_EMO, Experiment
from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.files import read_text

_HERE = Path(__file__).parent


def shipped() -> dict[str, Path]:
    """The experiments that come with the package: name -> file. Baselines' names are NAME_CORPUS."""
    found = {path.stem: path for path in sorted((_HERE / "configs").glob("*.yaml"))}
    for path in sorted((_HERE / "baselines").glob("*/*.yaml")):
        found[f"{path.parent.name}_{path.stem}"] = path
    return found


def experiment(name_or_file: str, overrides: Iterable[str] = ()) -> Experiment:
    """Reads, overrides and validates an experiment.

    Args:
        name_or_file: A name that `prc-emo ls` shows, or a YAML file.
        overrides: `key=value` with dots for sections, such as `training.learning_rate=1e-3` or `retrieval=null`;
            `smoke=true` applies the file's own small setting, and so does `model.tiny=true`, since random weights
            learn nothing from more.

    Raises:
        PrcEmoError: All problems of the configuration, one a line.
    """
    raw = _read(name_or_file)
    smoke = raw.pop("smoke", None) or {}
    if not isinstance(smoke, dict):
        raise PrcEmoError(f"{name_or_file}: expected 'smoke' to be a mapping of settings, got {smoke!r}.")
    pairs = [_pair(text) for text in overrides]
    if any(key in ("smoke", "model.tiny") and value for key, value in pairs):
        raw = _overlay(raw, smoke)
    for key, value in pairs:
        if key != "smoke":
            raw = _overlay(raw, _nested(key, value), key)
    try:
        return Experiment.model_validate(raw)
    except ValidationError as error:
        raise PrcEmoError("\n".join(_explain(problem, name_or_file) for problem in error.errors())) from None


def to_yaml(settings: Experiment) -> str:
    """What `experiment` reads back as the same settings."""
    not_its = None if settings.recognizer == "prc_emo" else OF_PRC_EMO
    return yaml.safe_dump(
        settings.model_dump(mode="json", exclude=not_its), sort_keys=False, allow_unicode=True
    )


class _Loader(yaml.SafeLoader):
    """YAML 1.1 with two changes: 3e-4 is a number, not a text, and a key said twice is an error."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # here and not when the mapping is made: by then, keys that `<<` brings in stand among its own
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        keys: set[tuple[str, str]] = set()
        for key, _ in node.value:
            name = key.tag, str(key.value)
            if name in keys and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value!r} is said twice in one mapping", problem_mark=key.start_mark
                )
            keys.add(name)
        return node


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _read(name_or_file: str) -> dict[str, Any]:
    names = shipped()
    if name_or_file in names:
        path = names[name_or_file]
    elif name_or_file.endswith((".yaml", ".yml")):
        path = Path(name_or_file)
    else:
        raise PrcEmoError(f"No experiment is called {name_or_file!r}. {did_you_mean(name_or_file, names)}")
    try:
        raw = yaml.load(read_text(path), _Loader)
    except yaml.YAMLError as error:
        where = " ".join(str(error).replace('"<unicode string>", ', "").split())
        raise PrcEmoError(f"{path}: not valid YAML ({where}).") from None
    if not isinstance(raw, dict):
        raise PrcEmoError(f"{path}: expected a mapping of settings, got {type(raw).__name__}.")
    raw.setdefault("name", name_or_file if name_or_file in names else path.stem)
    return raw


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise PrcEmoError(f"Expected key=value, got {text!r}. For example: training.learning_rate=1e-3")
    try:
        return key.strip(), yaml.load(value, _Loader)
    except yaml.YAMLError:
        raise PrcEmoError(
            f"{text!r}: the value is not valid YAML. Quote it, for example {key}='\"...\"'."
        ) from None


def _nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any], key: str = "smoke") -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(value, dict) and name != "parameters":
            if old is not None and not isinstance(old, dict):
                raise PrcEmoError(f"{key}: {name!r} is a value, not a section.")
            merged[name] = _overlay(old or {}, value, key)
        elif isinstance(value, dict) and isinstance(old, dict):
            merged[name] = {**old, **value}
        else:
            merged[name] = value
    return merged


def _explain(problem: Any, source: str) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        section: Any = Experiment
        for part in problem["loc"][:-1]:
            section = _model_of(section.model_fields[part].annotation)
        return f"{source}: unknown setting {path!r}. {did_you_mean(str(problem['loc'][-1]), section.model_fields)}"
    if problem["type"] == "missing":
        return f"{source}: expected the setting {path!r}, but it is missing. Say {path}=VALUE or write it into the file."
    message = problem["msg"].removeprefix("Value error, ")
    if message.endswith("."):  # a sentence, which says itself what came
        return f"{source}: {path + ': ' if path else ''}{message}"
    came = f", got {problem['input']!r}" if path else ""
    return f"{source}: {path + ': ' if path else ''}{message[0].lower()}{message[1:]}{came}."


def _model_of(annotation: Any) -> Any:
    options = [annotation, *get_args(annotation)]
    return next(option for option in options if isinstance(option, type) and issubclass(option, BaseModel))
