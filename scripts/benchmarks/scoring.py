"""Closed-set scoring against generation: how long, and how much memory, until every prompt has a label?

The usual way asks one prompt at a time with `model.generate`, greedily, for at most ten tokens. A model that has
learned nothing seldom stops before the tenth, so generation is also timed for as many tokens as the shortest label
takes, which is the least that a trained model writes; and with prompts in batches, to tell what batches alone bring.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Memory, Ratio, alternate, peak_megabytes, ratio, table
from prc_emo import PRCEmo, load_corpus
from prc_emo.config import Answer
from prc_emo.labels import EMORYNLP, MELD, LabelSet
from prompts import load_template

if TYPE_CHECKING:
    from prc_emo.llm.load import LanguageModel

OURS, PLAIN = "score", "generate, one by one"
NEW_TOKENS = 10  # as in the paper's appendix


@dataclass(frozen=True)
class Case:
    """A model and what it may answer."""

    base_model: str
    tiny: bool
    labels: LabelSet

    def __str__(self) -> str:
        return f"{self.base_model}{' (toy)' if self.tiny else ''}, {self.labels.name}"


# one token per label; some labels of several tokens; all labels of several tokens, since the toy reads bytes
CASES = (
    Case("minilm", False, MELD),
    Case("minilm", False, EMORYNLP),
    Case("Qwen/Qwen3-8B", True, MELD),
)


@dataclass(frozen=True)
class Figures:
    """One case: prompts, their mean length in tokens, median seconds of each side, and those over ours."""

    case: str
    prompts: int
    tokens: float
    label_tokens: tuple[int, ...]
    seconds: dict[str, float]
    ratios: dict[str, Ratio]


def speed(case: Case, prompts: int, rounds: int) -> Figures:
    """Times every side, each after a first prompt that is not counted."""
    lm, ids = prepare(case, prompts)
    for side in sides_of(case, lm, ids[:1]).values():
        side()
    sides = {name: partial(_seconds, side, len(ids)) for name, side in sides_of(case, lm, ids).items()}
    seconds = alternate(sides, rounds)
    return Figures(
        str(case),
        len(ids),
        mean(map(len, ids)),
        tuple(map(len, _labels(case, lm))),
        {name: median(times) for name, times in seconds.items()},
        {name: ratio(times, seconds[OURS]) for name, times in seconds.items() if name != OURS},
    )


def memory(case: Case, prompts: int, side: str) -> Memory:
    """The peak of one side; to be called in a process of its own."""
    lm, ids = prepare(case, prompts)
    loaded = peak_megabytes()
    sides_of(case, lm, ids)[side]()
    return Memory(loaded, peak_megabytes())


def prepare(case: Case, prompts: int) -> "tuple[LanguageModel, list[list[int]]]":
    """The model, and the first prompts of the shipped corpus in tokens: compact, without demonstrations."""
    recognizer = PRCEmo(
        case.base_model,
        labels=case.labels,
        template=load_template("recognize_compact"),
        loading={"tiny": case.tiny},
    )
    corpus = load_corpus("everyday")
    talks = [talk.hidden() for talk in (*corpus.test, *corpus.train)]
    examples = recognizer.compose(talks)[:prompts]
    return recognizer.language_model, [recognizer.tokens(example.messages) for example in examples]


def sides_of(case: Case, lm: "LanguageModel", ids: list[list[int]]) -> dict[str, Callable[[], Any]]:
    """Each side as a function that answers all prompts; what it returns is as long as `ids`."""
    from prc_emo.llm.generate import generate
    from prc_emo.llm.score import score

    batch = Answer().batch_tokens
    one_by_one = partial(
        generate, lm, ids, batch_tokens=1
    )  # a batch is never empty, so it is a single prompt
    return {
        OURS: partial(score, lm, ids, tuple(case.labels), batch_tokens=batch),
        PLAIN: partial(one_by_one, max_new_tokens=NEW_TOKENS),
        "generate, shortest label": partial(one_by_one, max_new_tokens=min(map(len, _labels(case, lm)))),
        "generate, in batches": partial(generate, lm, ids, max_new_tokens=NEW_TOKENS, batch_tokens=batch),
    }


def show(figures: Figures) -> str:
    return table(
        (figures.case, "seconds", "prompts/s", "time over ours"),
        *(
            (name, f"{seconds:.2f}", f"{figures.prompts / seconds:.1f}", figures.ratios.get(name, ""))
            for name, seconds in figures.seconds.items()
        ),
    )


def _labels(case: Case, lm: "LanguageModel") -> list[list[int]]:
    from prc_emo.llm.tokens import answer_ids

    return [answer_ids(lm, label) for label in case.labels]


def _seconds(side: Callable[[], Any], prompts: int) -> float:
    start = time.perf_counter()
    answers = side()
    seconds = time.perf_counter() - start
    assert len(answers) == prompts, f"{len(answers)} answers to {prompts} prompts"
    return seconds
