"""Listens, and stops in good order: on SIGTERM or Ctrl-C nobody new is let in, and what is under way is finished.

The only file that knows `uvicorn` and sockets.
"""

import ipaddress
import logging
import re
import signal
import socket
import time

import uvicorn
from fastapi import FastAPI

from prc_emo.chat.server import KEY
from prc_emo.errors import PrcEmoError


def bound(host: str, port: int, key: str | None) -> socket.socket:
    """A socket at the address; nobody is answered there yet.

    Raises:
        PrcEmoError: The address is taken or none of this machine's, or others could ask and there is no key.
    """
    if key is not None and (not key or any(not "!" <= letter <= "~" for letter in key)):
        raise PrcEmoError(
            f"${KEY}: expected letters, digits and signs without spaces. Set it anew, or unset it."
        )
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if key is None and not ipaddress.ip_address(address[0]).is_loopback:
            raise PrcEmoError(
                f"--host {host} lets other machines ask, which needs a key. Set ${KEY}, for example to what "
                "`openssl rand -hex 24` prints, or listen on 127.0.0.1."
            )
        # with its protocol, or asyncio does not send at once, and each answer waits 40 ms for a packet that nobody sends
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise PrcEmoError(
            f"{host}, port {port}: {error.strerror or error}. Take another with --host or --port."
        ) from None
    return listener


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(api: FastAPI, listener: socket.socket, *, finish: float) -> float:
    """Answers until it is told to stop; then it finishes what is under way, for so many seconds at most.

    Returns:
        How many of these seconds are left.
    """
    settings = uvicorn.Config(
        api, log_config=_LOGGING, timeout_graceful_shutdown=max(1, round(finish)), server_header=False
    )
    # uvicorn raises the signal again once all is finished, which would end the process as if it were not
    before = {name: signal.signal(name, lambda *_: None) for name in (signal.SIGTERM, signal.SIGINT)}
    server = _Server(settings)
    server.run(sockets=[listener])
    for name, handler in before.items():
        signal.signal(name, handler)
    return max(0.0, finish - (time.monotonic() - server.stopped))


class _Server(uvicorn.Server):
    stopped = 0.0  # when it was told to

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets go of the pages that are open, which would listen as long as they are, then waits for the rest."""
        self.stopped = time.monotonic()
        stopping = getattr(self.config.app.state, "stopping", None)  # type: ignore[union-attr]
        if stopping is not None:
            stopping()
        await super().shutdown(sockets)


class WithoutKeys(logging.Filter):
    """Routes are logged without parameters: those of the page hold the key of a visitor's tab."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, *rest = record.args
            route = re.match(r"/gradio_api/\w*|[^?]*", str(path))
            record.args = (client, method, route[0] if route else "", *rest)
        return True


_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without keys": {"()": WithoutKeys}},
    "formatters": {"line": {"format": "%(asctime)s %(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without keys"]}
    },
    "loggers": {
        name: {"handlers": ["stderr"], "level": level, "propagate": False}
        for name, level in (
            ("uvicorn.error", "WARNING"),
            ("uvicorn.access", "INFO"),
            ("prc_emo.serve", "INFO"),
        )
    },
}
