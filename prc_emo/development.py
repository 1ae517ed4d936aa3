"""The development split during a fit: asked again and again, it chooses the checkpoint, and in the end the calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prc_emo.bench.predictions import Prediction
from prc_emo.config import Answer
from prc_emo.labels import LabelSet
from prc_emo.prompted import Prompt

if TYPE_CHECKING:
    from prc_emo.llm.load import LanguageModel

Calibration = tuple[float, tuple[float, ...]]  # temperature, offsets


@dataclass(frozen=True)
class Development:
    """Labelled utterances as the language model is asked about them.

    Args:
        prompts: One per utterance, or one for each way in which it is asked; those that nobody labelled are passed over.
        prior: How frequent each label is in training, in the set's order.
    """

    prompts: Sequence[Prompt]
    labels: LabelSet
    prior: Sequence[float]
    answer: Answer

    def measure(self, lm: "LanguageModel") -> dict[str, float]:
        """wF1 and accuracy of the model as it stands and as it will answer in the end, prior correction included."""
        from sklearn.metrics import accuracy_score, f1_score

        from prc_emo.llm import calibrate

        scores = self._scores(lm)
        probabilities = calibrate.probabilities(scores, *self._fitted(scores))
        known, gold = self._gold
        answers = probabilities[known].argmax(axis=1)
        return {
            "wf1": float(f1_score(gold, answers, average="weighted", zero_division=0)),
            "accuracy": float(accuracy_score(gold, answers)),
        }

    def calibration(self, lm: "LanguageModel") -> Calibration:
        """What makes probabilities of the model's scores, fitted here."""
        return self._fitted(self._scores(lm))

    def _scores(self, lm: "LanguageModel") -> np.ndarray:
        from prc_emo.llm.score import score

        return score(
            lm,
            [prompt.tokens for prompt in self.prompts],
            tuple(self.labels),
            heard=[prompt.heard for prompt in self.prompts],
            batch_tokens=self.answer.batch_tokens,
        )

    def _fitted(self, scores: np.ndarray) -> Calibration:
        from prc_emo.llm import calibrate

        known, gold = self._gold
        return calibrate.fit(scores[known], gold, self.prior, self.answer)

    @property
    def _gold(self) -> tuple[list[int], np.ndarray]:
        """Which prompts have a label, and the numbers of these labels."""
        known = [number for number, prompt in enumerate(self.prompts) if prompt.answer is not None]
        return known, np.array(
            [self.labels.labels.index(str(self.prompts[number].answer)) for number in known]
        )


def predictions(prompts: Sequence[Prompt], labels: LabelSet, probabilities: np.ndarray) -> list[Prediction]:
    """The likeliest label of each prompt: (N, L) probabilities in, N answers out."""
    names = tuple(labels)
    return [
        Prediction(prompt.id, names[int(row.argmax())], dict(zip(names, map(float, row), strict=True)))
        for prompt, row in zip(prompts, probabilities, strict=True)
    ]
