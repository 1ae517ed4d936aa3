"""A study in words: one base experiment, arms that differ from it, seeds, and how much training each arm gets.

    base: quickstart
    seeds: [42, 43, 44, 45, 46, 47]
    match: steps
    arms:
      prc_emo: {}
      es: {curriculum: {difficulty: es}}
      shuffled: {curriculum: null}
      nearest: {base: nearest_everyday}

Knows settings only; runs nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from prc_emo.config import OF_PRC_EMO, Experiment, Section
from prc_emo.config_file import experiment
from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.settings import checked, mapping_of, nested, overlay, pair

_SHIPPED = Path(__file__).parent.parent / "studies"


class Study(Section):
    """Arms x seeds. An arm is a mapping of settings on top of the base's; its `base` names another experiment."""

    name: str
    about: str = ""
    base: str
    settings: dict[str, Any] = Field({})  # of all arms
    seeds: tuple[int, ...] = Field((42, 43, 44, 45, 46, 47), min_length=1)
    # what all arms get equally much of: optimiser steps, examples, or prompt tokens; null leaves each its own
    match: Literal["steps", "samples", "tokens"] | None = "steps"
    amount: int | None = Field(None, ge=1)  # how much of it; by default what the reference takes by itself
    reference: str = ""  # the arm that the others are compared with; by default the first
    arms: dict[str, dict[str, Any] | None] = Field(min_length=1)

    @field_validator("name")
    @classmethod
    def _name_is_a_folder(cls, name: str) -> str:
        return _folder_name(name, "the study")

    @field_validator("arms", mode="before")
    @classmethod
    def _arms_are_named(cls, arms: object) -> object:
        for name in arms if isinstance(arms, dict) else ():
            if not isinstance(name, str):  # YAML's no, yes, null and 5
                raise ValueError(f"expected names, got {name!r}: put the name of that arm in quotes")
        return arms

    @field_validator("arms")
    @classmethod
    def _arms_are_folders(cls, arms: dict[str, Any]) -> dict[str, Any]:
        return {_folder_name(name, "an arm"): settings for name, settings in arms.items()}

    @field_validator("arms")
    @classmethod
    def _bases_have_names(cls, arms: dict[str, Any]) -> dict[str, Any]:
        for name, own in arms.items():
            if "base" in (own or {}) and not isinstance(own["base"], str):
                raise ValueError(
                    f"expected the name of an experiment as the base of {name!r}, got {own['base']!r}"
                )
        return arms

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise ValueError(f"expected different seeds of 0 or more, got {list(seeds)}")
        return seeds

    @model_validator(mode="after")
    def _reference_is_an_arm(self) -> "Study":
        if self.reference and self.reference not in self.arms:
            raise ValueError(
                f"reference: {self.reference!r} is no arm. {did_you_mean(self.reference, self.arms)}"
            )
        return self

    @model_validator(mode="after")
    def _seeds_and_names_are_its_own(self) -> "Study":
        for one in (self.settings, *self.arms.values()):
            if odd := {"seed", "name"} & (one or {}).keys():
                raise ValueError(
                    f"expected no {min(odd)!r} among settings: seeds=[7] says seeds, and arms have their names"
                )
        return self

    @property
    def against(self) -> str:
        """The name of the reference."""
        return self.reference or next(iter(self.arms))


@dataclass(frozen=True)
class Cell:
    """One arm with one seed: an experiment of its own."""

    arm: str
    seed: int
    settings: Experiment

    @property
    def name(self) -> str:
        return f"{self.arm}/seed{self.seed}"


def shipped_studies() -> dict[str, Path]:
    """The studies that come with the package: name -> file."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.yaml"))}


def study(name_or_file: str, overrides: Iterable[str] = ()) -> Study:
    """Reads a study.

    Args:
        name_or_file: One that ships, or a YAML file.
        overrides: `key=value`. `base`, `seeds`, `match`, `amount`, `reference` are the study's own; anything else is a
            setting of all arms, such as `training.learning_rate=1e-3`.

    Raises:
        PrcEmoError: All problems of the file, one a line.
    """
    names = shipped_studies()
    if name_or_file not in names and not name_or_file.endswith((".yaml", ".yml")):
        raise PrcEmoError(f"No study is called {name_or_file!r}. {did_you_mean(name_or_file, names)}")
    path = names.get(name_or_file, Path(name_or_file))
    raw = {"name": path.stem, **mapping_of(path)}
    for text in overrides:
        key, value = pair(text)
        if key in Study.model_fields:
            raw[key] = value
        else:
            raw["settings"] = overlay(raw.get("settings") or {}, nested(key, value), key)
    found = checked(Study, raw, name_or_file)
    arms = {
        name: {**own, "base": _beside(path, own["base"])} if own and "base" in own else own
        for name, own in found.arms.items()
    }
    return found.model_copy(update={"base": _beside(path, found.base), "arms": arms})


def cells(of: Study, steps: Mapping[str, int | None] | None = None) -> list[Cell]:
    """The experiments of a study, seed by seed, so that what is finished first can be compared.

    Args:
        steps: Optimiser steps by arm, as `budget.matched_steps` finds them; without them, arms are as they say.

    Raises:
        PrcEmoError: An arm's settings do not go together, or are those of another arm; the message names the arm.
    """
    _refuse_twins({arm: settings_of(of, arm, of.seeds[0]) for arm in of.arms}, of.name)
    return [
        Cell(arm, seed, settings_of(of, arm, seed, (steps or {}).get(arm)))
        for seed in of.seeds
        for arm in of.arms
    ]


def settings_of(of: Study, arm: str, seed: int, steps: int | None = None) -> Experiment:
    """The experiment of one cell."""
    own = dict(of.arms[arm] or {})
    base = own.pop("base", of.base)
    try:
        shared: Mapping[str, Any] = of.settings
        if experiment(base).recognizer != "prc_emo":  # the data of all is also that of a baseline
            shared = {key: value for key, value in shared.items() if key not in OF_PRC_EMO}
        layers: list[Mapping[str, Any]] = [shared, own, {"name": arm, "seed": seed}]
        if steps is not None:
            layers.append({"training": {"steps": steps}})
        return experiment(base, layers=layers)
    except PrcEmoError as error:
        raise PrcEmoError(f"{of.name}, arm {arm!r}: {error}") from None


def identity(settings: Experiment) -> str:
    """The same for two that make the same run, whatever they are called."""
    return settings.model_dump_json(exclude={"name", "about"})


def _refuse_twins(arms: Mapping[str, Experiment], study_name: str) -> None:
    """Two arms that are one: what they compare would be called no difference."""
    seen: dict[str, str] = {}
    for name, settings in arms.items():
        if settings.prompt.knowledge is None:  # then there is nothing to use
            prompt = settings.prompt.model_copy(update={"use": ()})
            settings = settings.model_copy(update={"prompt": prompt})
        other = seen.setdefault(identity(settings), name)
        if other != name:
            raise PrcEmoError(
                f"{study_name}: the arms {other!r} and {name!r} have the same settings, so there is nothing to compare. Drop "
                "one of them"
                + (
                    ", or give the knowledge that tells them apart with prompt.knowledge=FILE."
                    if settings.prompt.knowledge is None
                    else "."
                )
            )


def _beside(study_file: Path, base: str) -> str:
    """A base that is a file is meant from the folder of the study, if it is there."""
    beside = study_file.parent / base
    return str(beside) if base.endswith((".yaml", ".yml")) and beside.is_file() else base


def _folder_name(name: str, what: str) -> str:
    if name != Path(name).name or not name.strip(" ."):
        raise ValueError(f"expected a name for the folder of {what}, without slashes, got {name!r}")
    return name
