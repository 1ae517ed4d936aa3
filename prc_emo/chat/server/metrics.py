"""What the server counts, for Prometheus. The only file that knows `prometheus_client`; no text and no name is counted."""

import time
from collections.abc import Callable, MutableMapping
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from prc_emo.chat.server.guard import App, Receive, Scope, Send


class Metrics:
    """One server's counters; `read` is told of each batch."""

    form = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "prc_emo_requests", "Requests by route and status", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "prc_emo_request_seconds", "Until an answer begins", ["route"], registry=self._registry,
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
        )  # fmt: skip
        self._batches = Histogram(
            "prc_emo_batch_turns", "Turns that were read together",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256), registry=self._registry,
        )  # fmt: skip
        self._waiting = Gauge("prc_emo_waiting_turns", "Turns that wait to be read", registry=self._registry)
        self._replies = Gauge("prc_emo_replies", "Replies under way", registry=self._registry)

    def batch(self, turns: int) -> None:
        self._batches.observe(turns)

    def watch(self, waiting: Callable[[], float], replies: Callable[[], float]) -> None:
        self._waiting.set_function(waiting)
        self._replies.set_function(replies)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def counted(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class Counting:
    """Counts each request by its route, not by its path, which a client may choose. Plain ASGI: streams stay streams."""

    def __init__(self, app: App, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start = time.monotonic()

        async def watched(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.counted(route, message["status"], time.monotonic() - start)
            await send(message)

        await self._app(scope, receive, watched)
