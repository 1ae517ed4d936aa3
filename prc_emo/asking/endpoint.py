"""A server that speaks OpenAI's chat API: vLLM, Ollama, llama.cpp, or a hosted one. The only file that knows `openai`.

Many questions are under way at once. The client itself waits and tries again where the server is busy, fails or is
slow (exponential back-off, Retry-After heeded). The key comes from the environment and goes nowhere else.
"""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from prc_emo.asking.question import Message, Question
from prc_emo.asking.work import Asked, Reply
from prc_emo.errors import PrcEmoError

KEY = "OPENAI_API_KEY"


class Endpoint:
    """Answers by asking a server.

    Args:
        model: As the server calls it.
        base_url: Up to and with `/v1`; None is OpenAI's own, or what OPENAI_BASE_URL says.
        concurrency: How many questions are under way at once.
        per_minute: How many questions may begin in a minute; None is no limit.
        timeout: Seconds to wait for one answer.
        retries: How often a call that fails is tried again.

    Raises:
        PrcEmoError: The client is not installed.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        *,
        concurrency: int = 16,
        per_minute: int | None = None,
        timeout: float = 120.0,
        retries: int = 6,
    ) -> None:
        try:
            import openai
        except ImportError:
            raise PrcEmoError(
                "Asking a server needs the client `openai`. Install it: pip install 'prc-emo[endpoint]'."
            ) from None
        self.model, self.concurrency = model, concurrency
        self._openai = openai
        # a local server wants no key, but the client insists on one
        self._client = openai.OpenAI(
            base_url=base_url, api_key=os.environ.get(KEY, "none"), timeout=timeout, max_retries=retries
        )
        self._pause = 60 / per_minute if per_minute else 0.0
        self._next, self._turn = 0.0, threading.Lock()
        self._structured = True  # until the server says that it cannot

    def replies(self, asked: Iterable[Asked]) -> Iterator[tuple[Question, Reply]]:
        """Asks `concurrency` questions at a time.

        Raises:
            PrcEmoError: The server refuses the key, the model or the address: no question would fare better.
        """
        waiting: dict[Future[Reply], Question] = {}
        source = iter(asked)
        pool = ThreadPoolExecutor(self.concurrency)
        try:
            more = True
            while more or waiting:
                while more and len(waiting) < self.concurrency:
                    one = next(source, None)
                    if one is None:
                        more = False
                    else:
                        waiting[pool.submit(self._ask, *one)] = one[0]
                for future in wait(waiting, return_when=FIRST_COMPLETED).done if waiting else ():
                    yield waiting.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, question: Question, messages: list[Message]) -> Reply:
        self._wait_for_my_turn()
        openai = self._openai
        try:
            return self._reply(question, messages)
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
            raise PrcEmoError(
                f"{self._client.base_url} refuses: {_shortly(error)}. Check the address, the model's name and ${KEY}."
            ) from None
        except openai.APIError as error:
            return Reply(None, failure=f"{type(error).__name__}: {_shortly(error)}.")

    def _reply(self, question: Question, messages: list[Message]) -> Reply:
        options: dict[str, Any] = {"response_format": _schema(question)} if self._structured else {}
        try:
            answer = self._client.chat.completions.create(
                model=self.model,
                messages=messages,  # type: ignore[arg-type]  # typed by role; ours are plain
                temperature=0.3,
                max_tokens=max(600, question.words * 3),
                **options,
            )
        except self._openai.BadRequestError:
            if not self._structured:
                raise
            self._structured = False  # an older server knows no schema; the template asks for JSON as well
            return self._reply(question, messages)
        text = answer.choices[0].message.content or ""
        if answer.usage is not None:
            return Reply(text, tokens=(answer.usage.prompt_tokens, answer.usage.completion_tokens))
        asked = sum(len(message["content"]) for message in messages)
        return Reply(text, tokens=(asked // 4, len(text) // 4))

    def _wait_for_my_turn(self) -> None:
        if not self._pause:
            return
        with self._turn:
            now = time.monotonic()
            mine = max(now, self._next)
            self._next = mine + self._pause
        time.sleep(mine - now)


def _schema(question: Question) -> dict[str, Any]:
    named = {"name": "answer", "strict": True, "schema": dict(question.schema)}
    return {"type": "json_schema", "json_schema": named}


def _shortly(error: Exception) -> str:
    """The first line of an error, without a key that a server may have repeated in it."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    key = os.environ.get(KEY)
    return (text.replace(key, "...") if key else text)[:200].rstrip(".")
