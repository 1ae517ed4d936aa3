"""The API, through HTTP without a socket: what it answers, whom it refuses and in which words, and what it keeps to itself."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from serve_kit import PlainReader, Talker

from prc_emo import PRCEmo
from prc_emo.chat.reader import open_run
from prc_emo.chat.replies.crisis import HELP
from prc_emo.chat.server.app import Limits, make_app
from prc_emo.chat.server.batching import BatchingReader
from prc_emo.chat.server.run import bound
from prc_emo.chat.session import Session
from prc_emo.errors import PrcEmoError

SAID = [
    ("Ross", "I'm fine."),
    ("Monica", "The soup is cold, Ross."),
    ("<b onload='x'>Ross</b>", "You're not listening <|im_end|> to me!"),
    ("Monica", "Really!"),
]
TURNS = [{"speaker": speaker, "text": text} for speaker, text in SAID]


class Client:
    """Asks one app; each call is a request of its own."""

    def __init__(self, reader: Any = None, **options: Any) -> None:
        self.reader = (
            reader if isinstance(reader, BatchingReader) else BatchingReader(reader or PlainReader())
        )
        self.app = make_app(self.reader, "words", options.pop("replier", Talker()), **options)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.all((method, path, options))[0]

    def emotions(self, *talks: list[dict[str, str]], **options: Any) -> httpx.Response:
        body = {"conversations": [{"turns": turns} for turns in talks], **options}
        return self.ask("POST", "/v1/emotions", json=body)

    def chat(self, *messages: tuple[str, str], **options: Any) -> httpx.Response:
        said = [{"role": role, "content": text} for role, text in messages]
        return self.ask("POST", "/v1/chat/completions", json={"model": "words", "messages": said, **options})

    def all(self, *calls: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
        """Asks all at once."""

        async def asked() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await asyncio.gather(*(client.request(how, path, **more) for how, path, more in calls))

        return asyncio.run(asked())


@pytest.fixture
def client() -> Iterator[Client]:
    one = Client()
    yield one
    one.reader.close()


def error(answer: httpx.Response) -> str:
    """The sentence of a refusal, whose form is OpenAI's."""
    (problem,) = answer.json().values()
    assert set(problem) == {"message", "type", "param", "code"}
    return problem["message"]


def test_the_same_conversation_is_read_alike_in_python_in_a_chat_and_over_http(trained: Path) -> None:
    answers = PRCEmo.load(trained).read(SAID)
    reader = open_run(trained)
    session = Session(reader)
    typed = [session.say(*turn).reading for turn in SAID]
    client = Client(BatchingReader(reader, wait=0.05))
    alone = client.emotions(TURNS).json()["conversations"][0]["turns"]
    # with others in the batch, whose conversations are of other lengths
    bodies = [{"conversations": [{"turns": TURNS[at % 3 :] * (1 + at % 2)}]} for at in range(6)]
    crowd = client.all(*(("POST", "/v1/emotions", {"json": body}) for body in bodies))
    client.reader.close()
    among = crowd[0].json()["conversations"][0]["turns"]
    for at, answer in enumerate(answers):
        for label, probabilities in (
            (typed[at].label, typed[at].probabilities),  # type: ignore[union-attr]
            (alone[at]["label"], alone[at]["probabilities"]),
            (among[at]["label"], among[at]["probabilities"]),
        ):
            assert label == answer.label
            assert dict(probabilities) == pytest.approx(dict(answer.probabilities), abs=1e-5)


def test_only_the_last_turn_is_read_where_that_was_asked_and_demonstrations_come_on_request(
    client: Client,
) -> None:
    whole = client.emotions(TURNS, TURNS[:2]).json()["conversations"]
    assert [[turn["turn"] for turn in talk["turns"]] for talk in whole] == [[0, 1, 2, 3], [0, 1]]
    assert all(turn["demonstrations"] is None for talk in whole for turn in talk["turns"])
    last = client.emotions(TURNS, read="last", demonstrations=True).json()["conversations"][0]["turns"]
    assert [turn.pop("demonstrations")[0]["label"] for turn in last] == ["joy"]
    assert last == [{key: value for key, value in whole[0]["turns"][3].items() if key != "demonstrations"}]


def test_what_people_say_is_data_and_stays_as_it_is(client: Client) -> None:
    (turn,) = client.emotions([TURNS[2]]).json()["conversations"][0]["turns"]
    assert turn["speaker"] == "<b onload='x'>Ross</b>"
    broken = {"speaker": "A\ud800\nB", "text": "half a \udfff sign \x00"}
    answer = client.ask(
        "POST",
        "/v1/emotions",
        content=json.dumps({"conversations": [{"turns": [broken]}]}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.json()["conversations"][0]["turns"][0]["speaker"] == "A\ufffd B"


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"conversations": []}, 422, "conversations: List should have at least 1 item"),
        ({"conversations": [{"turns": [{"speaker": "A", "text": "  "}]}]}, 422, "expected some words, got none"),
        ({"conversations": [{"turns": [{"speaker": " ", "text": "x"}]}]}, 422, "expected the name of a speaker"),
        ({"conversations": [{"turns": TURNS}], "reed": "last"}, 422, "reed: Extra inputs are not permitted"),
        ({"conversations": [{"turns": [*TURNS, {"speaker": "A", "text": "too long"}]}]}, 422, "conversations/0/turns/4: the utt"),
        ({"conversations": [{"turns": [{"speaker": "A", "text": "a"}] * 10_000}]}, 422, "at most 500 turns .* got 10,000"),
        ({"conversations": [{"turns": [{"speaker": "A", "text": "a mistake of ours"}]}]}, 500, "its log says why"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_a_sentence(
    client: Client, body: Any, status: int, sentence: str
) -> None:
    answer = client.ask("POST", "/v1/emotions", json=body)
    assert answer.status_code == status
    assert re.search(sentence, error(answer))
    assert client.emotions(TURNS).status_code == 200  # and the next one is answered


def test_a_body_of_another_type_is_told_which_is_expected(client: Client) -> None:
    body = json.dumps({"conversations": [{"turns": TURNS}]})
    for given in ({}, {"headers": {"Content-Type": "text/plain"}}):
        answer = client.ask("POST", "/v1/emotions", content=body, **given)
        assert (answer.status_code, "Content-Type: application/json" in error(answer)) == (422, True)


def test_a_body_that_is_too_large_is_refused_with_a_length_and_without(client: Client) -> None:
    async def pieces() -> Any:
        for _ in range(50):
            yield b"x" * 100_000

    json_body = {"Content-Type": "application/json"}
    for content in (b"x" * 5_000_000, pieces()):
        answer = client.ask("POST", "/v1/emotions", content=content, headers=json_body)
        assert (answer.status_code, error(answer)[:26]) == (413, "The body is larger than 1,")


def test_with_a_key_only_who_brings_it_is_answered() -> None:
    client = Client(key="open-sesame")
    for given in (None, "open-sesam", "open-sesame2", "öpen", "Bearer"):
        headers = {} if given is None else {"Authorization": f"Bearer {given}".encode()}
        for path in ("/v1/models", "/metrics"):
            answer = client.ask("GET", path, headers=headers)
            assert answer.status_code == 401 and "open" not in error(answer)
            assert answer.headers["www-authenticate"] == "Bearer"
    right = {"Authorization": "Bearer open-sesame", "Host": "emotions.example.org"}
    assert client.ask("GET", "/v1/models", headers=right).json()["data"][0]["id"] == "words"
    assert client.ask("GET", "/readyz").json() == {"status": "ready"}
    client.reader.close()
    assert client.ask("GET", "/readyz").status_code == 503


def test_beyond_this_machine_a_key_is_needed_and_without_one_only_localhost_is_meant(client: Client) -> None:
    with pytest.raises(PrcEmoError, match=r"--host 0\.0\.0\.0 lets other machines ask, which needs a key"):
        bound("0.0.0.0", 0, None)
    bound("0.0.0.0", 0, "open-sesame").close()
    with pytest.raises(PrcEmoError, match="without spaces"):
        bound("127.0.0.1", 0, "open sesame")
    first = bound("127.0.0.1", 0, None)
    first.listen()
    with pytest.raises(PrcEmoError, match="Take another with --host or --port"):
        bound("127.0.0.1", first.getsockname()[1], None)
    first.close()
    assert client.ask("GET", "/healthz", headers={"Host": "[::1]:8000"}).status_code == 200
    assert client.ask("GET", "/v1/models", headers={"Host": "localhost.example.org"}).status_code == 403


def test_pages_of_other_sites_may_ask_only_where_that_was_allowed(client: Client) -> None:
    asks = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    refused = client.ask("OPTIONS", "/v1/emotions", headers=asks)
    assert "access-control-allow-origin" not in refused.headers and "--cors" in error(refused)
    simple = client.ask("POST", "/v1/emotions", headers={"Origin": "https://a.example"}, json={})
    assert (simple.status_code, "Pages of https://a.example may not ask" in error(simple)) == (403, True)
    open_one = Client(origins=["https://a.example"], key="k")
    assert (
        open_one.ask("OPTIONS", "/v1/emotions", headers=asks).headers["access-control-allow-origin"]
        == asks["Origin"]
    )
    other = open_one.ask("OPTIONS", "/v1/emotions", headers={**asks, "Origin": "https://b.example"})
    assert "access-control-allow-origin" not in other.headers
    open_one.reader.close()


def test_too_much_at_once_is_told_when_to_come_back_and_too_slow_is_given_up() -> None:
    client = Client(BatchingReader(PlainReader(seconds=0.05), batch=1, most=6))
    call = ("POST", "/v1/emotions", {"json": {"conversations": [{"turns": TURNS}]}})
    answers = client.all(*[call] * 8)
    busy = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert busy and all(
        int(answer.headers["retry-after"]) >= 1 and "turns wait" in error(answer) for answer in busy
    )
    client.reader.close()

    slow = PlainReader(seconds=0.05)
    impatient = Client(BatchingReader(slow, batch=2), limits=Limits(seconds=0.12))
    answer = impatient.emotions(TURNS * 10)
    assert (answer.status_code, error(answer)[:16]) == (504, "It took too long")
    impatient.reader.close()
    assert sum(map(len, slow.batches)) < 40  # what was given up was not read to the end


def test_a_chat_completion_has_the_emotion_of_the_last_turn(client: Client) -> None:
    chat = client.chat(
        ("system", "Be brief."), ("user", "I'm fine."), ("assistant", "Are you?"), ("user", "Nobody came.")
    )
    answer = chat.json()
    assert answer["choices"][0]["message"]["content"] == "Nobody came. "
    assert answer["reply_by"] == "said back"
    turns = [{"speaker": "User", "text": "I'm fine."}, {"speaker": "Assistant", "text": "Are you?"}]
    read = client.emotions(
        [*turns, {"speaker": "User", "text": "Nobody came."}], read="last", demonstrations=True
    )
    assert answer["emotion"] == read.json()["conversations"][0]["turns"][0]


def test_a_stream_says_the_same_piece_by_piece(client: Client) -> None:
    lines = client.chat(("user", "Nobody came today."), stream=True).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    whole = client.chat(("user", "Nobody came today.")).json()
    deltas = [event["choices"][0]["delta"].get("content", "") for event in events]
    assert deltas == ["", "Nobody ", "came ", "today. ", ""]
    assert events[0]["emotion"] == whole["emotion"]
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


def test_where_somebody_speaks_of_suicide_help_comes_first(client: Client) -> None:
    content = client.chat(("user", "I want to end my life.")).json()["choices"][0]["message"]["content"]
    assert content == f"{HELP}\n\nI want to end my life. "
    silent = Client(replier=None)
    content = silent.chat(("user", "I want to end my life.")).json()["choices"][0]["message"]["content"]
    assert content == f"{HELP}\n\n"
    silent.reader.close()


@pytest.mark.parametrize(
    ("messages", "options", "status", "sentence"),
    [
        ([("assistant", "Hello.")], {}, 422, "a last message of the role user"),
        ([("user", " ")], {}, 422, "with some words or a recording in it"),
        (
            [("user", "Hi."), ("assistant", "Hello."), ("system", "Be brief.")],
            {},
            422,
            "a last message of the role user",
        ),
        ([("user", "Hi.")], {"model": "word"}, 404, "Did you mean 'words'"),
        ([("user", "Hi.")], {"n": 2}, 422, "n: Input should be 1"),
        ([("user", "fail")], {}, 502, "The model that replies is gone"),
        ([("user", "fail")], {"stream": True}, 502, "The model that replies is gone"),
    ],
)
def test_a_chat_that_cannot_be_answered_is_refused(
    client: Client, messages: Any, options: dict[str, Any], status: int, sentence: str
) -> None:
    answer = client.chat(*messages, **options)
    assert (answer.status_code, sentence in error(answer)) == (status, True)


def test_a_reply_that_fails_later_ends_its_stream_with_the_error(client: Client) -> None:
    lines = client.chat(("user", "This will fail now."), stream=True).text.split("\n\n")
    assert json.loads(lines[-3].removeprefix("data: "))["error"]["code"] == "reply_failed"
    assert lines[-2] == "data: [DONE]"


def test_no_more_replies_than_allowed_are_under_way() -> None:
    client = Client(replier=Talker(times=5, seconds=0.05), limits=Limits(replies=2))
    body = {"model": "words", "messages": [{"role": "user", "content": "Hello."}]}
    answers = client.all(*[("POST", "/v1/chat/completions", {"json": body})] * 5)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429]
    assert client.chat(("user", "Hello.")).status_code == 200
    client.reader.close()


@pytest.mark.parametrize("asked", [False, True])
def test_what_people_say_is_in_the_log_only_where_that_was_asked(
    asked: bool, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(log_text=asked)
    with caplog.at_level(logging.DEBUG):
        client.emotions([{"speaker": "Ross", "text": "a secret"}])
        client.emotions([{"speaker": "Ross", "text": "a secret"}, {"speaker": "Ross", "text": "too long"}])
        client.chat(("user", "a secret"))
        client.ask("POST", "/v1/emotions", json={"conversations": "a secret"})
    client.reader.close()
    assert ("a secret" in caplog.text) is asked


def test_requests_turns_and_replies_are_counted_by_route(client: Client) -> None:
    client.emotions(TURNS)
    client.chat(("user", "Hello."))
    client.ask("GET", "/secret-path")
    text = client.ask("GET", "/metrics").text
    assert 'prc_emo_requests_total{route="/v1/emotions",status="200"} 1.0' in text
    assert 'prc_emo_requests_total{route="other",status="404"} 1.0' in text
    assert "prc_emo_batch_turns_sum 0.0" in text  # this reader was not told to report
    assert "prc_emo_replies 0.0" in text and "prc_emo_waiting_turns 0.0" in text
    assert "secret" not in text


def test_models_are_listed_and_found(client: Client) -> None:
    assert client.ask("GET", "/v1/models").json()["data"][0]["id"] == "words"
    assert client.ask("GET", "/v1/models/words").json()["object"] == "model"
    assert client.ask("GET", "/v1/models/gpt").status_code == 404
