"""Settings as people write them: YAML mappings and `key=value`, laid over each other; what is wrong is told in words.

Knows pydantic and YAML, but no particular settings.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.files import read_json, read_text

M = TypeVar("M", bound=BaseModel)


def mapping_of(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        PrcEmoError: It is not there, is no YAML, says a key twice, or holds something else.
    """
    try:
        raw = yaml.load(read_text(path), _Loader)
    except yaml.YAMLError as error:
        where = " ".join(str(error).replace('"<unicode string>", ', "").split())
        raise PrcEmoError(f"{path}: not valid YAML ({where}).") from None
    if not isinstance(raw, dict):
        raise PrcEmoError(f"{path}: expected a mapping of settings, got {type(raw).__name__}.")
    return raw


def pair(text: str) -> tuple[str, Any]:
    """A key with dots for sections, and the value that YAML reads behind the equals sign."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise PrcEmoError(f"Expected key=value, got {text!r}. For example: training.learning_rate=1e-3")
    try:
        return key.strip(), yaml.load(value, _Loader)
    except yaml.YAMLError:
        raise PrcEmoError(
            f"{text!r}: the value is not valid YAML. Quote it, for example {key}='\"...\"'."
        ) from None


def nested(key: str, value: Any) -> dict[str, Any]:
    """{"training": {"steps": 3}} from "training.steps" and 3."""
    for part in reversed(key.split(".")):
        value = {part: value}
    found: dict[str, Any] = value
    return found


def overlay(below: Mapping[str, Any], above: Mapping[str, Any], key: str = "") -> dict[str, Any]:
    """Both, section by section; what stands above wins.

    Raises:
        PrcEmoError: A value would have to become a section; `key` says whose wish it was.
    """
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        if isinstance(value, dict):
            if old is not None and not isinstance(old, dict):
                raise PrcEmoError(f"{key or name}: {name!r} is a value, not a section.")
            merged[name] = overlay(old or {}, value, key)
        else:
            merged[name] = value
    return merged


_PLAINLY = {  # what pydantic says of Python's types, for people who write YAML
    "tuple_type": "expected a list, such as [1, 2]",
    "list_type": "expected a list, such as [1, 2]",
    "dict_type": "expected a mapping, such as {key: value}",
    "model_type": "expected a mapping, such as {key: value}",
}


def checked(model: type[M], raw: Mapping[str, Any], source: str) -> M:
    """Settings as `model` describes them.

    Raises:
        PrcEmoError: All problems, one a line.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise PrcEmoError("\n".join(_explain(one, source, model) for one in error.errors())) from None


def stored(model: type[M], path: Path, advice: str = "") -> M:
    """What a file of JSON holds, where this program has written it and not a person.

    Args:
        advice: What to do about a file that does not fit, a sentence.

    Raises:
        PrcEmoError: The first problem.
    """
    try:
        return model.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ": ".join([str(path), ".".join(map(str, first["loc"]))]).removesuffix(": ")
        said = f"{where}: {first['msg'].removeprefix('Value error, ')}."
        raise PrcEmoError(f"{said} {advice}".rstrip()) from None


def _explain(problem: Any, source: str, model: type[BaseModel]) -> str:
    """One of pydantic's problems with `model`, in a sentence that names the source, the key and the nearest known one."""
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        section: Any = model
        for part in problem["loc"][:-1]:
            section = _model_of(section.model_fields[part].annotation)
        return f"{source}: unknown setting {path!r}. {did_you_mean(str(problem['loc'][-1]), section.model_fields)}"
    if problem["type"] == "missing":
        return f"{source}: expected the setting {path!r}, but it is missing. Say {path}=VALUE or write it into the file."
    message = _PLAINLY.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    if message.endswith("."):  # a sentence, which says itself what came
        return f"{source}: {path + ': ' if path else ''}{message}"
    came = f", got {problem['input']!r}" if path else ""
    return f"{source}: {path + ': ' if path else ''}{message[0].lower()}{message[1:]}{came}."


def _model_of(annotation: Any) -> Any:
    options = [annotation, *get_args(annotation)]
    return next(option for option in options if isinstance(option, type) and issubclass(option, BaseModel))


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
