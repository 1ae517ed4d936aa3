"""A server of OpenAI's form that answers like a model: slowly, sometimes not at all, sometimes with nonsense."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = "the line is short and plain and its words keep a careful distance from whatever might be going on inside them"


@dataclass
class Behaviour:
    """How the server answers, and what it has seen.

    Attributes:
        failing: Share of calls that end in an error of the server.
        garbage: Share of answers that are no JSON object.
        knows_schemas: Whether `response_format` is understood.
        raw: What every call gets instead of an answer, with status 200.
        refused: Words that make a question refused, and `refused_with`, with which status.
        busy: How many calls are too many requests, before any is answered.
        finish: Why an answer ends: `length` where it was cut.
        answered: How often each question, by all its messages, got an answer.
    """

    failing: float = 0.0
    garbage: float = 0.0
    latency: float = 0.0
    knows_schemas: bool = True
    text: str | None = None  # what it always answers, whatever is asked
    raw: bytes | None = None
    refused: str | None = None
    refused_with: int = 400
    busy: int = 0
    finish: str = "stop"
    seed: int = 1
    calls: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, object]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def reply(self, shown: str) -> str:
        """What a good answer is to a question with this system message."""
        if "characteristic" in shown:
            return json.dumps({"characteristic": WORDS * 3})
        return json.dumps({"explicit": WORDS, "implicit": WORDS})


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """The base URL of a server that behaves like this until the block ends."""
    random_numbers, lock = random.Random(behaviour.seed), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                behaviour.calls += 1
                behaviour.bodies = [*behaviour.bodies[-20:], body]
                behaviour.keys.add(self.headers["Authorization"])
                fails, garbage = (
                    random_numbers.random() < share for share in (behaviour.failing, behaviour.garbage)
                )
                behaviour.busy -= 1
                busy = behaviour.busy >= 0
            if busy:
                return self._send(429, {"error": {"message": "too many requests"}}, {"Retry-After": "0.2"})
            if behaviour.refused and behaviour.refused in json.dumps(body["messages"]):
                return self._send(behaviour.refused_with, {"error": {"message": "context too long"}})
            time.sleep(behaviour.latency)
            if behaviour.raw is not None:
                return self._send(200, behaviour.raw)
            if fails:
                return self._send(500, {"error": {"message": "out of order"}})
            if not behaviour.knows_schemas and "response_format" in body:
                return self._send(400, {"error": {"message": "unknown field response_format"}})
            shown = body["messages"][0]["content"]
            text = behaviour.text or ("As an assistant I" if garbage else behaviour.reply(shown))
            with lock:
                behaviour.answered[json.dumps(body["messages"])] += 1
            self._send(
                200,
                {
                    "id": "1",
                    "object": "chat.completion",
                    "created": 0,
                    "model": body["model"],
                    "choices": [
                        {
                            "index": 0,
                            "finish_reason": behaviour.finish,
                            "message": {"role": "assistant", "content": text},
                        }
                    ],
                    "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
                },
            )

        def do_GET(self) -> None:
            """What was seen so far."""
            with lock:
                counts = list(behaviour.answered.values())
            self._send(200, {"calls": behaviour.calls, "answered": sum(counts)})

        def _send(
            self, status: int, answer: dict[str, object] | bytes, headers: dict[str, str] | None = None
        ) -> None:
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *values: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # whoever asked was killed

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
