"""The routes: emotions of conversations, chat completions of OpenAI's form, models, health, metrics. Knows no socket.

Nothing is kept from one request to the next: recordings lie in a temporary folder of their own request, which ends with it. What
people say is in no log, unless that was asked for.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.middleware.cors import CORSMiddleware

from prc_emo import __version__
from prc_emo.chat.replies import Piece, Replier
from prc_emo.chat.server import errors, forms
from prc_emo.chat.server.batching import BatchingReader, BusyError, Readings
from prc_emo.chat.server.errors import Refusal
from prc_emo.chat.server.guard import Guard
from prc_emo.chat.server.metrics import Counting, Metrics
from prc_emo.chat.server.replying import Replies
from prc_emo.chat.server.uploads import Uploads
from prc_emo.chat.session import Situation
from prc_emo.chat.turn import Turn
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError, did_you_mean

log = logging.getLogger("prc_emo.serve")

_CONTEXT = 10  # turns before the last one that a reply takes into account, as in a chat


@dataclass(frozen=True)
class Limits:
    """What one request, and all together, may ask for. What takes `turns` turns longer than `seconds` to read ends in a 504.

    Attributes:
        body: Bytes of a request.
        turns: Of a request.
        seconds: Until an answer is there, or a stream ends.
        sound: Seconds of the recordings of a request together, as far as they are heard.
        replies: Under way at once.
    """

    body: int = 1_000_000
    turns: int = 500
    seconds: float = 60.0
    sound: float = 300.0
    replies: int = 16


def make_app(
    reader: BatchingReader,
    name: str,
    replier: Replier | None = None,
    *,
    key: str | None = None,
    limits: Limits = Limits(),
    origins: Sequence[str] = (),
    log_text: bool = False,
    metrics: Metrics | None = None,
) -> FastAPI:
    """The API over a reader. Close the reader once the API is asked no more.

    Args:
        name: What clients call the model.
        key: What they must bring; None lets everybody in that names this machine as localhost.
        origins: Web sites whose pages may ask; none by default.
        log_text: Whether what people say may go into the log.
        metrics: What the reader tells of its batches.
    """
    metrics = metrics or Metrics()
    replies = Replies(replier, limits.replies)
    metrics.watch(lambda: reader.waiting, lambda: replies.under_way)
    began = int(time.time())

    api = FastAPI(
        title="PRC-Emo",
        version=__version__,
        summary="Emotions in conversations, turn by turn.",
        redoc_url=None,
    )
    errors.install(api)
    api.add_middleware(Guard, key=key, most=limits.body, sites=origins)
    if origins:
        api.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    api.add_middleware(Counting, metrics=metrics)

    async def read(conversations: Sequence[Conversation], only: set[str], prefix: str) -> Readings:
        most = max(len(only), *map(len, conversations))
        if most > limits.turns:
            raise Refusal(
                422,
                f"Expected at most {limits.turns:,} turns in a request, and in a conversation; got {most:,}. Send fewer at once.",
            )
        if log_text:
            for talk in conversations:
                log.info("%s", json.dumps([[turn.speaker, turn.text] for turn in talk.utterances]))
        future = reader.submit(conversations, only, within=limits.seconds)
        try:
            return await asyncio.wrap_future(future)
        except PrcEmoError as error:
            raise Refusal(422, str(error).replace(f"{prefix}/", "")) from None

    @api.post("/v1/emotions", responses=forms.refusals(400, 401, 413, 422, 429, 500, 504), tags=["emotions"])
    async def emotions(asked: forms.EmotionsRequest, request: Request) -> forms.EmotionsResponse:
        """The emotion of every turn, with the probabilities of all labels."""
        prefix = secrets.token_hex(8)
        with Uploads(reader, limits.sound) as uploads:
            talks = [
                _conversation(
                    f"{prefix}/conversations/{number}",
                    [
                        (turn, uploads.take(turn.audio, f"conversations.{number}.turns.{at}.audio"))
                        for at, turn in enumerate(talk.turns)
                    ],
                )
                for number, talk in enumerate(asked.conversations)
            ]
            wanted = [talk.utterances[-1:] if asked.read == "last" else talk.utterances for talk in talks]
            async with _in_time(limits.seconds, request):
                readings = await read(talks, {turn.id for turns in wanted for turn in turns}, prefix)
        return forms.EmotionsResponse(
            model=name,
            labels=list(reader.labels),
            conversations=[
                forms.ReadConversation(
                    turns=[
                        forms.EmotionForm.of(at, turn.speaker, readings[turn.id], asked.demonstrations)
                        for at, turn in enumerate(talk.utterances)
                        if turn.id in readings
                    ]
                )
                for talk in talks
            ],
        )

    @api.post(
        "/v1/chat/completions",
        response_model=forms.ChatResponse,
        responses=forms.refusals(400, 401, 404, 413, 422, 429, 500, 502, 504),
        tags=["chat"],
    )
    async def chat_completions(asked: forms.ChatRequest, request: Request) -> Response:
        """A reply to the user's last message, with the emotion that was read in it; as a whole, or as a stream."""
        _known(asked.model, name)
        until = asyncio.get_running_loop().time() + limits.seconds
        async with _in_time(limits.seconds, request):
            situation = await situation_of(asked.messages)
        reading = situation.turn.reading
        assert reading is not None
        emotion = forms.EmotionForm.of(
            situation.turn.number, situation.turn.speaker, reading, demonstrations=True
        )
        about = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": name}
        pieces = replies.to(situation)
        left = until - asyncio.get_running_loop().time()
        if asked.stream:
            async with _in_time(left, request):  # so that a failure before the stream still has its status
                first = await anext(_replying(pieces), None)
            return StreamingResponse(
                _events(about, emotion, first, pieces, until), media_type="text/event-stream"
            )
        said: list[Piece] = []
        async with _in_time(left, request), aclosing(pieces):
            said = [piece async for piece in _replying(pieces)]
        return JSONResponse(
            forms.ChatResponse(
                **about,
                choices=[forms.Choice(message=forms.ReplyMessage(content="".join(_texts(said))))],
                emotion=emotion,
                reply_by=next((piece.by for piece in said if piece.by), ""),
            ).model_dump(mode="json")
        )

    async def situation_of(messages: Sequence[forms.Message]) -> Situation:
        said = [
            (at, message)
            for at, message in enumerate(messages)
            if message.role in ("user", "assistant") and (message.text or message.recording)
        ]
        if not said or said[-1][1].role != "user" or said[-1][1] is not messages[-1]:
            raise Refusal(
                422,
                "Expected a last message of the role user, with some words or a recording in it.",
                param="messages",
            )
        prefix = secrets.token_hex(8)
        with Uploads(reader, limits.sound) as uploads:
            talk = Conversation(
                f"{prefix}/messages",
                tuple(
                    Utterance(
                        f"{prefix}/messages/{at}",
                        one.speaker,
                        one.text,
                        audio=uploads.take(one.recording, f"messages.{at}.content"),
                    )
                    for at, one in said
                ),
            )
            readings = await read([talk], {talk.utterances[-1].id}, prefix)
        voice = readings[talk.utterances[-1].id].voice
        if not messages[-1].text and not (voice and voice.heard):
            raise Refusal(
                422, f"The last message has no words, and its recording is {voice}.", param="messages"
            )
        turns = tuple(
            Turn(
                number,
                turn.speaker,
                turn.text,
                by="" if message.role == "user" else name,
                reading=readings.get(turn.id),
            )
            for number, (turn, (_, message)) in enumerate(zip(talk.utterances, said, strict=True))
        )
        before = tuple(turn for turn in turns[-1 - _CONTEXT : -1] if turn.text)
        return Situation(turns[-1], before, tuple(reader.labels))

    @api.get("/v1/models", responses=forms.refusals(401), tags=["chat"])
    async def models() -> forms.Models:
        """The model that was loaded."""
        return forms.Models(data=[forms.ModelForm(id=name, created=began)])

    @api.get("/v1/models/{model}", responses=forms.refusals(401, 404), tags=["chat"])
    async def model(model: str) -> forms.ModelForm:
        """What is known of a model."""
        _known(model, name)
        return forms.ModelForm(id=name, created=began)

    @api.get("/healthz", tags=["server"])
    async def healthz() -> forms.Status:
        """Whether the process answers."""
        return forms.Status(status="ok")

    @api.get("/readyz", responses=forms.refusals(503), tags=["server"])
    async def readyz() -> forms.Status:
        """Whether conversations are read."""
        if not reader.alive:
            raise Refusal(503, "The recognizer is not running.", code="not_ready")
        return forms.Status(status="ready")

    @api.get("/metrics", tags=["server"], responses=forms.refusals(401), response_class=Response)
    async def numbers() -> Response:
        """Counters in the text form of Prometheus."""
        return Response(metrics.text(), media_type=metrics.form)

    return api


def _conversation(id: str, turns: Sequence[tuple[forms.TurnForm, Path | None]]) -> Conversation:
    # an id that nobody chose: it may not say which demonstrations are held back, nor meet another request's
    return Conversation(
        id,
        tuple(
            Utterance(f"{id}/turns/{at}", turn.speaker, turn.text, audio=audio)
            for at, (turn, audio) in enumerate(turns)
        ),
    )


def _known(asked: str, name: str) -> None:
    if asked != name:
        raise Refusal(
            404, f"There is no model {asked!r} here. {did_you_mean(asked, [name])}", code="model_not_found"
        )


@asynccontextmanager
async def _in_time(seconds: float, request: Request) -> AsyncIterator[None]:
    """Gives up after so many seconds, or once the client has gone; what waited to be read is not read any more."""
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True
        limit.reschedule(0.0)

    try:
        async with asyncio.timeout(max(0.0, seconds)) as limit:
            watching = asyncio.create_task(watch())
            try:
                yield
            finally:
                watching.cancel()
    except TimeoutError:
        raise (Refusal(499, "The client has gone.") if gone else _late()) from None


def _late() -> Refusal:
    return Refusal(504, "It took too long. Ask again later, or for less at once.", code="timeout")


async def _replying(pieces: AsyncGenerator[Piece]) -> AsyncGenerator[Piece]:
    """The pieces; a model that writes replies and fails is told from a request that is wrong."""
    try:
        async for piece in pieces:
            yield piece
    except BusyError:
        raise
    except PrcEmoError as error:
        raise Refusal(502, str(error), code="reply_failed") from None


def _texts(pieces: Sequence[Piece]) -> list[str]:
    """A pointer to help stands in a paragraph of its own."""
    return [f"{piece.text}\n\n" if piece.kind == "help" else piece.text for piece in pieces]


async def _events(
    about: dict[str, Any],
    emotion: forms.EmotionForm,
    first: Piece | None,
    pieces: AsyncGenerator[Piece],
    until: float,
) -> AsyncIterator[str]:
    """The stream: first the emotion, then the reply as it comes, or the error that ends it."""

    def event(delta: dict[str, str], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _event({**about, "object": "chat.completion.chunk", "choices": [choice], **more})

    yield event({"role": "assistant", "content": ""}, emotion=emotion.model_dump(mode="json"))
    try:
        async with aclosing(pieces):
            if first is not None:
                yield event({"content": _texts([first])[0]}, reply_by=first.by)
                async with asyncio.timeout_at(until):
                    async for piece in _replying(pieces):
                        yield event({"content": _texts([piece])[0]}, reply_by=piece.by)
        yield event({}, "stop")
    except Exception as error:
        refusal = _late() if isinstance(error, TimeoutError) else errors.refusal_of(error)
        if refusal.code == "internal_error":
            log.exception("A reply failed")
        yield _event(errors.problem(refusal))
    yield "data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
