"""A server in a process of its own: the official client, clients that go away, signals, and starting again."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest

KIT = Path(__file__).with_name("serve_kit.py")
TALK = {"conversations": [{"turns": [{"speaker": "Ross", "text": f"line {n}"} for n in range(6)]}]}


class Server:
    """A process that serves; port 0 takes a free one."""

    def __init__(self, port: int = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(KIT), str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rpartition(":")[2])

    def ended(self) -> tuple[int, str]:
        """Its exit code and what it said last."""
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def running() -> Iterator[Server]:
    one = Server()
    yield one
    if one.process.poll() is None:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def server() -> Iterator[Server]:
    """To be ended by the test."""
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def lasting() -> Iterator[Server]:
    with running() as one:
        yield one


def wait_until(url: str, line: str) -> None:
    until = time.monotonic() + 20
    while line not in httpx.get(f"{url}/metrics").text:
        assert time.monotonic() < until, f"{line} never came"
        time.sleep(0.1)


def test_an_answer_is_sent_at_once(lasting: Server) -> None:
    with httpx.Client(base_url=lasting.url) as client:
        seconds = []
        for _ in range(20):
            start = time.monotonic()
            client.get("/healthz")
            seconds.append(time.monotonic() - start)
    assert sorted(seconds)[5] < 0.03  # Nagle's algorithm and delayed acknowledgements would make it 0.04


def test_the_official_client_chats_and_what_it_leaves_in_the_middle_is_stopped(lasting: Server) -> None:
    client = openai.OpenAI(base_url=f"{lasting.url}/v1", api_key="none", max_retries=0)
    assert [model.id for model in client.models.list()] == ["words"]
    hello = [{"role": "user", "content": "Hi."}]
    whole = client.chat.completions.create(model="words", messages=hello)  # type: ignore[arg-type]
    assert whole.choices[0].message.content == "Hi. " * 200
    stream = client.chat.completions.create(model="words", messages=hello, stream=True)  # type: ignore[arg-type]
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hi. " * 200
    assert chunks[0].model_extra["emotion"] == whole.model_extra["emotion"]  # type: ignore[index]
    assert sum(whole.model_extra["emotion"]["probabilities"].values()) == pytest.approx(1)  # type: ignore[index]
    with pytest.raises(openai.NotFoundError, match="There is no model 'gpt'"):
        client.chat.completions.create(model="gpt", messages=hello)  # type: ignore[arg-type]

    left = client.chat.completions.create(model="words", messages=hello, stream=True)  # type: ignore[arg-type]
    next(iter(left))
    wait_until(lasting.url, "prc_emo_replies 1.0")
    start = time.monotonic()
    left.close()
    wait_until(lasting.url, "prc_emo_replies 0.0")
    assert time.monotonic() - start < 3  # the whole reply takes four seconds
    body = b'{"conversations": "' + b"x" * 5_000_000 + b'"}'
    refused = httpx.post(
        f"{lasting.url}/v1/emotions", content=body, headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 413


def test_sixty_four_clients_at_once_get_the_answers_that_each_would_get_alone(lasting: Server) -> None:
    asked = [
        {
            "conversations": [
                {"turns": [{"speaker": f"S{at % 2}", "text": f"{n} {at}"} for at in range(1 + n % 3)]}
            ]
        }
        for n in range(64)
    ]

    def ask(one: dict[str, object]) -> httpx.Response:
        return httpx.post(f"{lasting.url}/v1/emotions", json=one, timeout=60)

    with ThreadPoolExecutor(64) as pool:
        together = list(pool.map(ask, asked))
    assert {answer.status_code for answer in together} == {200}
    assert [answer.json() for answer in together] == [ask(one).json() for one in asked]


def test_what_a_client_left_is_not_read_any_more(lasting: Server) -> None:
    many = {"conversations": [{"turns": [{"speaker": "Ross", "text": f"line {n}"} for n in range(300)]}]}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{lasting.url}/v1/emotions", json=many, timeout=0.5)
    start = time.monotonic()
    wait_until(lasting.url, "prc_emo_waiting_turns 0.0")
    assert time.monotonic() - start < 3  # all of it takes six seconds


def test_told_to_stop_under_load_it_finishes_what_is_under_way(server: Server) -> None:
    with ThreadPoolExecutor(13) as pool:
        asked = [
            pool.submit(httpx.post, f"{server.url}/v1/emotions", json=TALK, timeout=30) for _ in range(12)
        ]
        said = {"model": "words", "messages": [{"role": "user", "content": "Hi."}], "stream": True}
        stream = pool.submit(httpx.post, f"{server.url}/v1/chat/completions", json=said, timeout=30)
        wait_until(server.url, "prc_emo_replies 1.0")
        server.process.send_signal(signal.SIGTERM)
        assert [answer.result().status_code for answer in asked] == [200] * 12
        assert stream.result().text.count('"Hi. "') == 200
    assert server.ended() == (0, "stopped\n")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/healthz")


def test_a_page_that_is_open_does_not_hold_it_up(server: Server) -> None:
    with httpx.stream("GET", f"{server.url}/gradio_api/heartbeat/tab") as heartbeat:
        lines = heartbeat.iter_lines()  # closes the stream when it goes
        next(lines)
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == (0, "stopped\n")
        assert time.monotonic() - start < 10  # of 30 that it may take to finish what is under way


def test_the_page_hands_out_no_file_of_the_server_and_reads_no_endless_body(
    server: Server, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("Ross: nobody shall read this.")
    config = httpx.get(f"{server.url}/config").json()
    button = next(one["id"] for one in config["components"] if one["type"] == "uploadbutton")
    opening = next(one["id"] for one in config["dependencies"] if button in one["inputs"])

    def opened(path: str) -> str:
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        asked = {"data": [None, file], "fn_index": opening, "session_hash": "thief"}
        assert httpx.post(f"{server.url}/gradio_api/queue/join", json=asked).status_code == 200
        said = httpx.get(f"{server.url}/gradio_api/queue/data?session_hash=thief", timeout=20).text
        assert "process_completed" in said
        return said

    assert "nobody shall read this" not in opened(str(secret)) and secret.exists()
    files = {"files": ("mine.txt", b"Ross: this is mine.")}
    (mine,) = httpx.post(f"{server.url}/gradio_api/upload", files=files).json()
    assert "this is mine" in opened(mine)
    body = b'{"data": ["' + b"x" * 5_000_000 + b'"]}'
    large = httpx.post(
        f"{server.url}/gradio_api/queue/join", content=body, headers={"Content-Type": "application/json"}
    )
    assert large.status_code == 413
    # Gradio would let pages of other servers of this machine ask, and forms of any page upload
    foreign = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    assert httpx.options(f"{server.url}/v1/emotions", headers=foreign).status_code == 403
    assert httpx.get(f"{server.url}/config", headers=foreign).status_code == 403
    assert httpx.post(f"{server.url}/gradio_api/upload", files=files, headers=foreign).status_code == 403
    assert httpx.get(f"{server.url}/config", headers={"Origin": server.url}).status_code == 200
    with httpx.stream("GET", f"{server.url}/gradio_api/heartbeat/thief"):
        pass
    server.process.terminate()
    _, log = server.process.communicate(timeout=30)
    assert "/gradio_api/queue" in log and "/gradio_api/heartbeat" in log and "thief" not in log


def test_killed_and_started_again_at_the_same_port_it_answers_the_same(server: Server) -> None:
    before = httpx.post(f"{server.url}/v1/emotions", json=TALK).json()
    server.process.kill()
    server.ended()
    again = Server(server.port)
    try:
        assert httpx.post(f"{again.url}/v1/emotions", json=TALK).json() == before
    finally:
        again.process.terminate()
        assert again.ended()[0] == 0
