"""What stands before the routes: who asks, with which key, and how large a body may be. Plain ASGI, so that a body is counted as it comes."""

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from prc_emo.chat.server.errors import Refusal, answer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_UPLOADS = "/gradio_api/upload"


def key_fits(given: str, key: str) -> bool:
    """Compares in the same time, however much of it is right."""
    return hmac.compare_digest(given.encode(), key.encode())


def _is_local(host: str) -> bool:
    """Whether a Host header names this machine to itself.

    >>> [_is_local(host) for host in ("LOCALHOST:8000", "127.0.1.1", "[::1]:80", "localhost.example.org", "10.0.0.1")]
    [True, True, True, False, False]
    """
    name = re.sub(r":\d*$", "", host).lower()
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets requests of the API through that bring the key, and any that bring no more than `most` bytes.

    The page has a login of its own, and files that are uploaded there a limit of their own.

    Args:
        key: None lets everybody in who calls this machine localhost: a web site whose name was made to point here does not.
        sites: Web sites whose pages may ask, beside those that are served here.
    """

    def __init__(self, app: App, *, key: str | None, most: int, sites: Collection[str] = ()) -> None:
        self._app, self._key, self._most, self._sites = app, key, most, set(sites)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
            refusal = self._refused(headers, scope["path"])
            if refusal is not None:
                return await answer(refusal)(scope, receive, send)
            if not scope["path"].startswith(_UPLOADS):
                receive = self._counted(receive)
        await self._app(scope, receive, send)

    def _refused(self, headers: dict[bytes, str], path: str) -> Refusal | None:
        host, site = headers.get(b"host", ""), headers.get(b"origin")
        if site is not None and urlsplit(site).netloc != host and not self._sites & {site, "*"}:
            return Refusal(
                403,
                f"Pages of {site} may not ask {host}, unless prc-emo serve --cors says so. (A proxy in front has to pass Host on.)",
            )
        if self._key is None:
            if not _is_local(host):
                return Refusal(
                    403,
                    f"Expected a request to localhost, got one to {host!r}. Other names need a server with a key.",
                )
        elif path.startswith(("/v1/", "/metrics")):
            scheme, _, given = headers.get(b"authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not key_fits(given.strip(), self._key):
                return Refusal(
                    401,
                    "Expected this server's key: Authorization: Bearer KEY.",
                    code="invalid_api_key",
                    headers={"WWW-Authenticate": "Bearer"},
                )
        length = headers.get(b"content-length", "")
        if path.startswith(_UPLOADS) or not length.isdecimal() or int(length) <= self._most:
            return None
        return self._too_large()

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            f"The body is larger than {self._most:,} bytes. Send the conversations in several requests.",
            code="too_large",
        )

    def _counted(self, receive: Receive) -> Receive:
        came = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._most:
                raise self._too_large()
            return message

        return counted
