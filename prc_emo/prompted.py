"""An example as the language model gets it, in tokens; small enough to keep in a file and to be shared by runs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from prc_emo.compose import Example
from prc_emo.files import read_jsonl, write_jsonl
from retrieval_store import count_excluded


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked about one utterance.

    Attributes:
        tokens: Up to the place where the answer begins.
        answer: The gold label, where it may be seen.
        heard: The utterances whose speech fills its slots, in order.
        shown: How many demonstrations it holds, and `excluded`, how many were nearer but held back, by reason.
    """

    id: str
    tokens: Sequence[int]
    answer: str | None
    shown: int
    excluded: Mapping[str, int]
    heard: Sequence[str] = ()

    @classmethod
    def of(cls, example: Example, tokens: Sequence[int]) -> "Prompt":
        found = example.found
        shown, excluded = (0, {}) if found is None else (len(found.hits), count_excluded([found]))
        return cls(example.id, tokens, example.answer, shown, excluded, example.heard)


def count_shown(prompts: Iterable[Prompt]) -> tuple[int, dict[str, int]]:
    """Over all prompts: demonstrations shown, and those held back by reason."""
    shown, excluded = 0, Counter[str]()
    for prompt in prompts:
        shown += prompt.shown
        excluded.update(prompt.excluded)
    return shown, dict(excluded)


def write_prompts(path: Path, prompts: Iterable[Prompt]) -> None:
    write_jsonl(path, map(asdict, prompts))


def read_prompts(path: Path) -> list[Prompt]:
    return [Prompt(**row) for _, row in read_jsonl(path)]
