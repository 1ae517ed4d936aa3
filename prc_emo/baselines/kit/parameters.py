"""Checks the `parameters` of a baseline's experiment file, all of them at once."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from prc_emo.errors import PrcEmoError, did_you_mean


class Parameters(BaseModel):
    """Base of a baseline's parameters: unknown ones are errors, and so is a number written as a string."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


P = TypeVar("P", bound=Parameters)


def read_parameters(kind: type[P], given: Mapping[str, Any], baseline: str) -> P:
    """The parameters as `kind` describes them.

    Raises:
        PrcEmoError: One line per problem: the unknown or impossible parameter, what came, what is known.
    """
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise PrcEmoError(
            "\n".join(_sentence(problem, kind, baseline) for problem in error.errors())
        ) from None


def _sentence(problem: Any, kind: type[Parameters], baseline: str) -> str:
    where = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        if not kind.model_fields:
            return f"{baseline}: unknown parameter {where!r}. It takes none."
        return f"{baseline}: unknown parameter {where!r}. {did_you_mean(where, kind.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{baseline}: parameter {where!r}: {message[0].lower()}{message[1:]}, got {problem['input']!r}."
