"""A language model on this machine answers: batches of questions of like length, greedily."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from prc_emo.asking.question import Question
from prc_emo.asking.work import Asked, Reply

if TYPE_CHECKING:
    from prc_emo.llm.load import LanguageModel


class Local:
    """Answers with a loaded language model.

    Args:
        together: How many questions are sorted by length and answered before their answers are handed out.
        batch_tokens: How many prompt tokens, padding included, one batch may hold.
        max_new_tokens: Where an answer is cut; by default three for each word that is asked for, 300 at least.
    """

    def __init__(
        self,
        lm: "LanguageModel",
        *,
        together: int = 64,
        batch_tokens: int = 8192,
        max_new_tokens: int | None = None,
    ) -> None:
        self.lm, self.together = lm, together
        self.batch_tokens, self.max_new_tokens = batch_tokens, max_new_tokens

    def replies(self, asked: Iterable[Asked]) -> Iterator[tuple[Question, Reply]]:
        from prc_emo.llm.generate import generate
        from prc_emo.llm.tokens import prompt_ids

        source = iter(asked)
        while part := list(islice(source, self.together)):
            prompts = [prompt_ids(self.lm, messages) for _, messages in part]
            most = self.max_new_tokens or max(300, 3 * max(question.words for question, _ in part))
            room = self.lm.positions - most
            long = [len(prompt) > room for prompt in prompts]
            fitting = [prompt for prompt, too_long in zip(prompts, long, strict=True) if not too_long]
            texts = iter(generate(self.lm, fitting, max_new_tokens=most, batch_tokens=self.batch_tokens))
            for (question, _), prompt, too_long in zip(part, prompts, long, strict=True):
                if too_long:
                    yield question, Reply(None, f"The question takes {len(prompt)} tokens, and {room} fit.")
                    continue
                text = next(texts)
                yield question, Reply(text, tokens=(len(prompt), len(text) // 4))
