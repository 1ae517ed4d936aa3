"""How long does each arm train, so that all get equally much? In optimiser steps, by what the study matches.

Otherwise a curriculum whose first phase is half the data would be compared with one that simply trains longer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prc_emo.ablation.study import Study, settings_of
from prc_emo.bench.run import corpus_of, recognizer_of
from prc_emo.config import Experiment
from prc_emo.errors import PrcEmoError
from prc_emo.fitting import labelled


@dataclass(frozen=True)
class _Arm:
    """What training an arm would take."""

    settings: Experiment
    recognizer: Any
    train: Any
    dev: Any

    @property
    def batch(self) -> int:
        """Examples per optimiser step."""
        return self.settings.training.batch * self.settings.training.accumulate

    def order(self, steps: int | None) -> NDArray[np.int64]:
        """Examples in the order of training, so many steps long or as long as the arm itself says."""
        positions: NDArray[np.int64] = self.recognizer.order(
            self.train, batch=self.batch, steps=steps
        ).positions
        return positions

    def tokens(self) -> NDArray[np.int64]:
        """Prompt tokens of every training example, those that voices take included."""
        self.recognizer.hear([*self.train, *self.dev])
        with TemporaryDirectory() as folder:
            self.recognizer.remember(self.train, Path(folder))
            prompts = self.recognizer.training_prompts(self.train, self.dev)
        return np.array([len(one.tokens) for one in prompts])


def matched_steps(
    study: Study, shared: Path, tell: Callable[[str], None] = lambda line: None
) -> dict[str, int | None]:
    """Optimiser steps by arm; None where an arm is left as it is: baselines, and arms that say their steps themselves.

    The order of the first seed decides; orders of other seeds differ in what they repeat, and so by a few tokens.

    Raises:
        PrcEmoError: Nothing says how much is meant, or an arm cannot be trained as long as that.
    """
    told: dict[str, int | None] = dict.fromkeys(study.arms)
    if study.match is None:
        return told
    arms = {
        name: settings
        for name, own in study.arms.items()
        if (settings := settings_of(study, name, study.seeds[0])).recognizer == "prc_emo"
        and "steps" not in ((own or {}).get("training") or {})
    }
    if not arms:
        return told
    amount = study.amount
    if amount is None:
        reference = settings_of(study, study.against, study.seeds[0])
        if reference.recognizer != "prc_emo":
            raise PrcEmoError(
                f"{study.name}: the reference {study.against!r} is no PRC-Emo and takes no {study.match}. Say "
                f"amount=NUMBER of {study.match}, or match=null."
            )
        amount = _taken(_arm(reference, shared), study.match)
    tell(f"Every arm gets {amount:,} {study.match}.")
    for name, settings in arms.items():
        try:
            told[name] = _steps(_arm(settings, shared), study.match, amount)
        except Exception as error:
            raise PrcEmoError(f"{study.name}, arm {name!r}: {error}") from error
    return told


def _arm(settings: Experiment, shared: Path) -> _Arm:
    corpus = corpus_of(settings)
    recognizer = recognizer_of(settings, corpus.labels, corpus.name, shared)
    train, dev = (
        labelled(talks, corpus.labels, what)
        for talks, what in ((corpus.train, "training"), (corpus.dev, "development"))
    )
    return _Arm(settings, recognizer, train, dev)


def _taken(arm: _Arm, unit: str) -> int:
    order = arm.order(None)
    if unit == "tokens":
        return int(arm.tokens()[order].sum())
    return len(order) if unit == "samples" else len(order) // arm.batch


def _steps(arm: _Arm, unit: str, amount: int) -> int:
    if unit == "steps":
        steps = amount
    elif unit == "samples":
        steps = max(1, round(amount / arm.batch))
    else:
        steps = _steps_of_tokens(arm, amount, arm.tokens())
    arm.order(steps)  # complains where the phases do not fit
    return steps


def _steps_of_tokens(arm: _Arm, amount: int, tokens: NDArray[np.int64]) -> int:
    """As many steps as come nearest to so many tokens, walking the arm's own order."""
    # the last phase is repeated to fit, so a longer order begins like a shorter one
    enough = max(len(arm.order(None)) // arm.batch, int(np.ceil(amount / (tokens.min() * arm.batch)))) + 1
    by_step = tokens[arm.order(enough)].reshape(-1, arm.batch).sum(axis=1)
    reached = np.cumsum(by_step)
    return int(np.abs(reached - amount).argmin()) + 1
