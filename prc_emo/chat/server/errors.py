"""Refusals and failures in OpenAI's form: {"error": {"message", "type", "param", "code"}}. No text of a conversation is in them."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from prc_emo.chat.server.batching import BusyError
from prc_emo.errors import PrcEmoError


class Refusal(HTTPException):
    """A request that is not answered; the sentence goes to the client."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code, self.param = code, param


def problem(refusal: Refusal) -> dict[str, Any]:
    """The body of a refusal."""
    kind = "server_error" if refusal.status_code >= 500 else "invalid_request_error"
    message = refusal.detail.encode("utf-8", "backslashreplace").decode()
    return {"error": {"message": message, "type": kind, "param": refusal.param, "code": refusal.code}}


def answer(refusal: Refusal) -> JSONResponse:
    return JSONResponse(problem(refusal), refusal.status_code, refusal.headers)


def refusal_of(error: BaseException) -> Refusal:
    """What the client is told of an error."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException):
        return Refusal(error.status_code, str(error.detail), headers=error.headers)
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, BusyError):
        return Refusal(429, str(error), code="busy", headers={"Retry-After": str(error.seconds)})
    if isinstance(error, PrcEmoError):
        return Refusal(422, str(error))
    return Refusal(500, "The server failed at this request; its log says why.", code="internal_error")


def install(api: FastAPI) -> None:
    """Every error of the API in this form."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        return answer(refusal_of(error))

    for kind in (HTTPException, RequestValidationError, PrcEmoError, Exception):
        api.add_exception_handler(kind, ours)


def _invalid(error: RequestValidationError) -> Refusal:
    """The first of what is wrong, with its place; what came is not repeated, it may be what somebody said."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return Refusal(
            400,
            f"The body is not JSON: {first.get('ctx', {}).get('error', '')} (character {first['loc'][-1]}).",
        )
    if first["type"] == "model_attributes_type" and first["loc"] == ("body",):
        return Refusal(422, "Expected a JSON object, sent with Content-Type: application/json.")
    place = ".".join(map(str, first["loc"][1:]))
    more = f" And {len(error.errors()) - 1} more." if len(error.errors()) > 1 else ""
    message = str(first["msg"]).removeprefix("Value error, ")
    return Refusal(
        422,
        f"{place or 'The body'}: {message}.{more} /docs shows examples.".replace("..", "."),
        param=place or None,
    )
