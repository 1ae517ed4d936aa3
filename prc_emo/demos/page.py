"""A small page on this machine on which a person judges masked dialogues: one dialogue at a time, a choice per turn.

It listens on the loopback address only, answers no page of another origin, and keeps no state: what is judged is in the
project's log, and the next dialogue is the first that is not.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Lock
from typing import Any

from prc_emo.asking.question import UnusableReplyError
from prc_emo.demos.project import Project
from prc_emo.errors import PrcEmoError


def page_server(project: Project, reader: str, port: int = 0) -> ThreadingHTTPServer:
    """A server of the page, not yet serving; `server_port` says where.

    Args:
        reader: Who judges.
        port: 0 takes a free one.
    """
    one_at_a_time = Lock()  # a browser asks several things at once, and the log has room for one

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self._is_ours():
                return
            if self.path == "/":
                html = (files("prc_emo.demos") / "page.html").read_bytes()
                self._send(200, html, "text/html; charset=utf-8")
            elif self.path == "/next":
                self._json(*self._next())
            else:
                self._json(404, {"error": "There is nothing here."})

        def do_POST(self) -> None:
            if not self._is_ours():
                return
            if self.path == "/judge":
                self._json(*self._judge())
            else:
                self._json(404, {"error": "There is nothing here."})

        def _next(self) -> tuple[int, Any]:
            try:
                with one_at_a_time:
                    left = project.open_for(reader)
            except PrcEmoError as error:
                return 500, {"error": str(error)}
            return 200, {"left": len(left), "labels": project.plan.labels, "dialogue": _masked(left)}

        def _judge(self) -> tuple[int, Any]:
            try:
                length = int(self.headers["Content-Length"] or 0)
                said = json.loads(self.rfile.read(min(max(length, 0), 100_000)))
                with one_at_a_time:
                    talk = next(talk for talk in project.open_for(reader) if talk.id == said["id"])
                    project.record(reader, talk, said["labels"])
            except StopIteration:
                return 409, {"error": "This dialogue is judged already. Load the page again."}
            except (UnusableReplyError, PrcEmoError, ValueError, TypeError, KeyError) as error:
                return 400, {"error": str(error)}
            return 200, {}

        def _is_ours(self) -> bool:
            """Whether the page itself asks: a page of another site may know the port, but not send these headers."""
            host = f"127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]
            origin = self.headers.get("Origin")
            ours = self.headers.get("Host") in (host, host.replace("127.0.0.1", "localhost"))
            if ours and origin in (None, f"http://{self.headers.get('Host')}"):
                return True
            self._json(403, {"error": "This page answers only itself."})
            return False

        def _json(self, status: int, value: Any) -> None:
            self._send(status, json.dumps(value).encode(), "application/json")

        def _send(self, status: int, data: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header(
                "Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
            )
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *values: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _masked(left: list[Any]) -> dict[str, Any] | None:
    if not left:
        return None
    turns = [{"speaker": turn.speaker, "text": turn.text} for turn in left[0].utterances]
    return {"id": left[0].id, "turns": turns}
