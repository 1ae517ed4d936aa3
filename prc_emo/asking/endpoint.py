"""A server that speaks OpenAI's chat API: vLLM, Ollama, llama.cpp, or a hosted one. The only file that knows `openai`.

Many questions are under way at once. Where the server is busy, fails or cannot be reached, a call waits and tries again
(exponential back-off, Retry-After heeded). The key comes from the environment and goes nowhere else.
"""

import os
import random
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from prc_emo.asking.question import Message, Question
from prc_emo.asking.work import Asked, Reply
from prc_emo.errors import PrcEmoError

KEY = "OPENAI_API_KEY"
_LONGEST_PAUSE = 8.0  # seconds between two tries, where the server does not say how long


class Endpoint:
    """Answers by asking a server.

    Args:
        model: As the server calls it.
        base_url: Up to and with `/v1`; None is OpenAI's own, or what OPENAI_BASE_URL says.
        concurrency: How many questions are under way at once.
        per_minute: How many calls may begin in a minute, repeated ones included; None is no limit.
        timeout: Seconds to wait for one answer. What takes longer is not asked again at once, since it may be paid for.
        max_tokens: Where an answer is cut, thinking included; by default three for each word that is asked for, 600 at least.
        retries: How often a call that fails is tried again.

    Raises:
        PrcEmoError: The client is not installed, or the address or the key cannot be one.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        *,
        concurrency: int = 16,
        per_minute: int | None = None,
        timeout: float = 300.0,
        max_tokens: int | None = None,
        retries: int = 6,
    ) -> None:
        try:
            import openai
        except ImportError:
            raise PrcEmoError(
                "Asking a server needs the client `openai`. Install it: pip install 'prc-emo[endpoint]'."
            ) from None
        self.model, self.concurrency = model, concurrency
        self.max_tokens, self.retries = max_tokens, retries
        self._openai = openai
        self._address = _checked(base_url) if base_url is not None else "OpenAI"
        self._client = openai.OpenAI(base_url=base_url, api_key=_key(), timeout=timeout, max_retries=0)
        self._pause = 60 / per_minute if per_minute else 0.0
        self._next, self._turn, self._stop = 0.0, threading.Lock(), threading.Event()
        self._manner = 0  # which of `_manners` the server understands
        self._has_answered = False

    def replies(self, asked: Iterable[Asked]) -> Iterator[tuple[Question, Reply]]:
        """Asks `concurrency` questions at a time. What is under way when it is stopped still comes in.

        Raises:
            PrcEmoError: The server refuses the key, the model or the address: no question would fare better.
            KeyboardInterrupt: The user stopped it.
        """
        waiting: dict[Future[Reply | None], Question] = {}
        source = iter(asked)
        pool = ThreadPoolExecutor(self.concurrency)
        self._stop.clear()
        why_stopped: BaseException | None = None
        try:
            more = True
            while more or waiting:
                while more and len(waiting) < self.concurrency:
                    one = next(source, None)
                    if one is None:
                        more = False
                    else:
                        waiting[pool.submit(self._ask, *one)] = one[0]
                try:
                    done = wait(waiting, return_when=FIRST_COMPLETED).done if waiting else set()
                except KeyboardInterrupt as interrupt:
                    if why_stopped is not None:
                        raise  # the second one does not wait
                    why_stopped, more, done = interrupt, False, set()
                    self._stop.set()
                for future in done:
                    question = waiting.pop(future)
                    try:
                        reply = future.result()
                    except PrcEmoError as refusal:
                        why_stopped, more = why_stopped or refusal, False
                        self._stop.set()
                        continue
                    if reply is not None:
                        yield question, reply
            if why_stopped is not None:
                raise why_stopped
        finally:
            self._stop.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def stream(self, messages: list[Message], *, max_tokens: int = 300) -> Iterator[str]:
        """One answer, piece by piece as the server writes it. It is asked once: somebody is waiting.

        Raises:
            PrcEmoError: The server refuses, cannot be reached, or sends something else.
        """
        openai = self._openai
        create: Any = self._client.chat.completions.create  # its types want each manner spelled out
        plain: dict[str, Any] = {"temperature": 0.7, "max_tokens": max_tokens}
        reasoning: dict[str, Any] = {"max_completion_tokens": max_tokens}
        for manner, is_last in ((plain, False), (reasoning, True)):
            try:
                with create(model=self.model, messages=messages, stream=True, **manner) as chunks:
                    for chunk in chunks:
                        if chunk.choices and chunk.choices[0].delta.content:
                            yield chunk.choices[0].delta.content
                return
            except openai.OpenAIError as error:
                # a bad request may be one for its manner, and not for its words
                if is_last or not isinstance(error, openai.BadRequestError):
                    raise PrcEmoError(
                        f"{self._address} gave no whole answer: {_shortly(error)}. Check the address, the model's name and ${KEY}."
                    ) from None
            except (ValueError, TypeError, AttributeError, LookupError) as error:
                raise PrcEmoError(
                    f"{self._address} sent no chat completion ({type(error).__name__}). Does --base-url end in /v1?"
                ) from None

    def _ask(self, question: Question, messages: list[Message]) -> Reply | None:
        """One question until there is an answer or no hope; None where it was stopped before it was asked."""
        openai, failure = self._openai, ""
        for attempt in range(self.retries + 1):
            if not self._wait_for_my_turn():
                return None
            try:
                reply = self._reply(question, messages)
                self._has_answered = True
                return reply
            except openai.APITimeoutError as error:
                return Reply(None, f"{_shortly(error)} Raise --timeout, or ask fewer at once.", gone=True)
            except (openai.AuthenticationError, openai.NotFoundError) as error:
                raise self._refused(error) from None
            except openai.PermissionDeniedError as error:
                if not self._has_answered:
                    raise self._refused(error) from None
                return Reply(
                    None, f"{type(error).__name__}: {_shortly(error)}."
                )  # some hosts refuse single texts so
            except (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
                failure = f"{type(error).__name__}: {_shortly(error)}."
                self._hold(error, attempt)
            except openai.APIStatusError as error:
                return Reply(None, f"{type(error).__name__}: {_shortly(error)}.")
            except (openai.APIError, ValueError, TypeError, AttributeError, LookupError) as error:
                # what came is no answer of this API, whatever it is
                return Reply(
                    None,
                    f"The server sent no chat completion ({type(error).__name__}). Does --base-url end in /v1?",
                    gone=True,
                )
        return Reply(None, failure, gone=True)

    def _reply(self, question: Question, messages: list[Message]) -> Reply:
        most = self.max_tokens or max(600, question.words * 3)
        answer = self._create(messages, _manners(question, most))
        choice = answer.choices[0]
        text = choice.message.content or ""
        usage = answer.usage
        if usage is not None:
            tokens = usage.prompt_tokens or 0, usage.completion_tokens or 0
        else:
            tokens = sum(len(message["content"]) for message in messages) // 4, len(text) // 4
        if choice.finish_reason == "length":
            return Reply(text, f"The answer was cut after {most} tokens. Raise --max-tokens.", tokens)
        return Reply(text, tokens=tokens)

    def _create(self, messages: list[Message], manners: list[dict[str, Any]]) -> Any:
        """The answer in the first manner, from the one that worked last, that the server does not call a bad request."""
        first: Exception | None = None
        for number in range(self._manner, len(manners)):
            try:
                answer = self._client.chat.completions.create(
                    model=self.model,
                    messages=messages,  # type: ignore[arg-type]  # typed by role; ours are plain
                    **manners[number],
                )
            except self._openai.BadRequestError as error:
                first = first or error
                if number + 1 < len(manners) and not self._wait_for_my_turn():
                    break
            else:
                if first is not None:  # it was the manner, and not the words
                    self._manner = max(self._manner, number)
                return answer
        assert first is not None
        raise first

    def _wait_for_my_turn(self) -> bool:
        """Returns when the next call may begin; False where it is stopped."""
        with self._turn:
            now = time.monotonic()
            mine = max(now, self._next)
            self._next = mine + self._pause
        return not self._stop.wait(mine - now)

    def _hold(self, error: Any, attempt: int) -> None:
        """Waits before the next try; after "too many requests", everybody waits."""
        pause = min(_LONGEST_PAUSE, 0.5 * 2**attempt) * random.uniform(0.75, 1.0)
        headers = getattr(getattr(error, "response", None), "headers", {})
        with suppress(ValueError):  # it may be a date: rare, and the back-off will do
            pause = min(120.0, float(headers.get("retry-after", pause)))
        if isinstance(error, self._openai.RateLimitError):
            with self._turn:
                self._next = max(self._next, time.monotonic() + pause)
        else:
            self._stop.wait(pause)

    def _refused(self, error: Exception) -> PrcEmoError:
        return PrcEmoError(
            f"{self._address} refuses: {_shortly(error)}. Check the address, the model's name and ${KEY}."
        )


def _manners(question: Question, most: int) -> list[dict[str, Any]]:
    """How a request may be put, the best first: older servers know no schema, reasoning models no temperature."""
    form = {"response_format": _schema(question)}
    plain: dict[str, Any] = {"temperature": 0.3, "max_tokens": most}
    reasoning: dict[str, Any] = {"max_completion_tokens": most}
    return [{**form, **plain}, plain, {**form, **reasoning}, reasoning]


def _checked(base_url: str) -> str:
    """The address without what must not be shown."""
    try:
        parts = urlsplit(base_url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname)
        secret = parts.username is not None
    except ValueError:
        fits = secret = False
    if not fits or secret:
        raise PrcEmoError(
            "--base-url: expected an address such as http://localhost:8000/v1, "
            + (f"and the key in ${KEY}, not in it." if secret else f"got {base_url!r}.")
        )
    return base_url


def _key() -> str:
    key = os.environ.get(KEY) or "none"  # a local server wants no key, but the client insists on one
    if not key.isascii() or not key.isprintable():
        raise PrcEmoError(f"${KEY} has a character that no key has. Set it anew.")
    return key


def _schema(question: Question) -> dict[str, Any]:
    named = {"name": "answer", "strict": True, "schema": dict(question.schema)}
    return {"type": "json_schema", "json_schema": named}


def _shortly(error: Exception) -> str:
    """The first line of an error, without a key that a server may have repeated in it."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    key = os.environ.get(KEY)
    return (text.replace(key, "...") if key else text)[:200].rstrip(".")
