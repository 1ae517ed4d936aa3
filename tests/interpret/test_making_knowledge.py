"""Questions, answers, and a work that loses nothing: no answer is invented and none is paid for twice."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.server import WORDS, Behaviour, serving

from prc_emo import Conversation, PrcEmoError
from prc_emo.asking.endpoint import KEY, Endpoint
from prc_emo.asking.local import Local
from prc_emo.asking.log import AnswerLog
from prc_emo.asking.question import Question, UnusableReplyError
from prc_emo.asking.work import Asked, Price, Reply, Work
from prc_emo.interpret.questions import Questioner, knowledge_of
from prc_emo.interpret.replies import KEYS, read_reply
from prc_emo.knowledge import Knowledge
from prc_emo.labels import MELD
from prompts import load_template

GOOD = json.dumps({"explicit": WORDS, "implicit": WORDS})
TALKS = [
    Conversation.of([("Ada", f"Pear number {at} please."), ("Ben", "Gone."), ("Ada", "Oh.")], f"market/{at}")
    for at in range(20)
]


def questioner(model: str = "big", **options: object) -> Questioner:
    return Questioner(model, MELD, load_template("explicit_implicit"), **options)  # type: ignore[arg-type]


def work(folder: Path, price: Price | None = None) -> Work:
    return about(TALKS, folder, price=price or Price())


def about(talks: list[Conversation], folder: Path, **options: Any) -> Work:
    asks, log = questioner(), AnswerLog(folder / "answers.jsonl")
    return Work("big", lambda: asks.ask(talks), asks.read, log, **options)


class Scripted:
    """Answers from a list, again and again, and counts; after `stop_at` answers the power goes out."""

    def __init__(self, *texts: str | None, stop_at: int | None = None) -> None:
        self.texts, self.stop_at, self.asked = texts, stop_at, list[Asked]()

    def replies(self, asked: Iterable[Asked]) -> Iterator[tuple[Question, Reply]]:
        for one in asked:
            if len(self.asked) == self.stop_at:
                raise KeyboardInterrupt
            text = self.texts[len(self.asked) % len(self.texts)]
            self.asked.append(one)
            yield one[0], Reply(text, None if text else "It is down.", (100, 50), gone=not text)


class TestQuestions:
    def test_only_what_was_said_before_is_shown(self) -> None:
        first = next(iter(questioner().ask(TALKS)))
        assert "Pear number 0" in first.messages[-1]["content"]
        assert "Gone." not in first.messages[-1]["content"]

    def test_more_is_shown_where_it_is_asked_for(self) -> None:
        for context in ("surrounding", "dialogue"):
            first = next(iter(questioner(context=context, window=1).ask(TALKS)))
            assert "Gone." in first.messages[-1]["content"]
            assert ("Oh." in first.messages[-1]["content"]) == (context == "dialogue")

    def test_a_speaker_is_asked_about_once_a_conversation(self) -> None:
        asked = list(questioner(characteristic=load_template("speaker")).ask(TALKS[:2]))
        assert [one.about for one in asked if len(one.about) == 2] == [
            ("market/0", "Ada"),
            ("market/0", "Ben"),
            ("market/1", "Ada"),
            ("market/1", "Ben"),
        ]

    def test_the_key_hangs_on_words_context_and_model_but_not_on_ids(self) -> None:
        def keys(talk: Conversation, **options: object) -> list[str]:
            return [one.key for one in questioner(**options).ask([talk])]

        turns = [("Ada", "Hm."), ("Ben", "Hm.")]
        same = keys(Conversation.of(turns, "a"))
        assert keys(Conversation.of(turns, "b")) == same
        assert set(keys(Conversation.of(turns, "a"), model="other")).isdisjoint(same)
        assert keys(Conversation.of(turns, "a"), window=0)[1] != same[1]


class TestReplies:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("I would say it is fine.", "has no JSON object"),
            ('{"explicit": "x"}', "has the keys 'explicit'"),
            (json.dumps({"explicit": WORDS, "implicit": 3}), "Expected a text as 'implicit', got 3"),
            (
                json.dumps({"explicit": "Too short.", "implicit": WORDS}),
                "Expected 20 to 50 words as 'explicit', got 2",
            ),
            (json.dumps({"explicit": WORDS, "implicit": WORDS * 3}), "Expected 20 to 50 words as 'implicit'"),
            (json.dumps({"explicit": WORDS, "implicit": f"{WORDS}, saddened"}), "'implicit' names sadness"),
            (json.dumps({"explicit": f"{WORDS}, ANGRY", "implicit": WORDS}), "'explicit' names anger"),
            ("<think>" + GOOD, "has no JSON object"),
        ],
    )
    def test_what_is_not_asked_for_is_refused_with_the_reason(self, text: str, why: str) -> None:
        with pytest.raises(UnusableReplyError, match=why):
            read_reply(text, KEYS["utterance"], MELD)

    def test_talk_around_the_object_does_not_matter(self) -> None:
        found = read_reply(f"<think>{{hm}}</think> Sure:\n```json\n{GOOD}\n```", KEYS["utterance"], MELD)
        assert found == {"explicit": WORDS, "implicit": WORDS}
        assert read_reply(json.dumps({"characteristic": WORDS * 3}), KEYS["speaker"], MELD) == {
            "characteristic": WORDS * 3
        }


class TestWork:
    def test_everything_is_answered_and_read_back(self, tmp_path: Path) -> None:
        whole = work(tmp_path)
        whole.run(Scripted(GOOD))
        assert len(knowledge_of(whole).interpretations) == 60
        assert whole.missing() == {}
        knowledge_of(whole).save(tmp_path / "knowledge.jsonl")
        assert Knowledge.load(tmp_path / "knowledge.jsonl") == knowledge_of(whole)

    def test_a_bad_answer_is_asked_again_with_the_reason_and_then_missing(self, tmp_path: Path) -> None:
        asked = Scripted("No idea.")
        (whole := work(tmp_path)).run(asked)
        assert len(asked.asked) == 3 * 60
        again = [message["content"] for message in asked.asked[-1][1][-2:]]
        assert again[0] == "No idea."
        assert "the answer has no JSON object" in again[1] and "Write the JSON object again." in again[1]
        assert len(whole.missing()) == 60 and knowledge_of(whole).interpretations == {}
        whole.run(more := Scripted(GOOD))  # paid for three times, never a fourth time
        assert more.asked == []

    def test_an_interrupted_work_asks_nothing_twice(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            (first := work(tmp_path)).run(Scripted(GOOD, stop_at=25))
        first.log.close()
        (second := work(tmp_path)).run(rest := Scripted(GOOD))
        assert len(rest.asked) == 60 - 25
        assert second.missing() == {}

    def test_half_a_line_at_the_end_is_cut_off(self, tmp_path: Path) -> None:
        (first := work(tmp_path)).run(Scripted(GOOD))
        first.log.close()
        whole = (tmp_path / "answers.jsonl").read_bytes()
        (tmp_path / "answers.jsonl").write_bytes(whole[:-20])
        (second := work(tmp_path)).run(rest := Scripted(GOOD))
        assert len(rest.asked) == 1
        second.log.close()
        assert (tmp_path / "answers.jsonl").read_bytes() == whole

    def test_a_line_that_is_no_entry_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "answers.jsonl").write_text("{}\n")
        with pytest.raises(PrcEmoError, match=r"answers\.jsonl, line 1: expected an entry of this log"):
            work(tmp_path)

    def test_two_processes_do_not_write_one_log(self, tmp_path: Path) -> None:
        first = work(tmp_path)
        with pytest.raises(PrcEmoError, match="being written by another process"):
            work(tmp_path)
        first.log.close()

    def test_the_same_question_is_asked_once(self, tmp_path: Path) -> None:
        twins = [Conversation.of([("Ada", "Hm.")], f"twin/{at}") for at in range(5)]
        whole = about(twins, tmp_path)
        whole.run(asked := Scripted(GOOD))
        assert len(asked.asked) == 1
        assert len(knowledge_of(whole).interpretations) == 5

    def test_the_budget_stops_it_and_keeps_what_came(self, tmp_path: Path) -> None:
        tight = work(tmp_path, Price(10.0, 20.0, budget=0.02))  # 0.002 dollars an answer
        with pytest.raises(PrcEmoError, match=r"budget of 0\.02 USD is spent"):
            tight.run(asked := Scripted(GOOD))
        assert len(asked.asked) == len(knowledge_of(tight).interpretations) == 10
        count, tokens = tight.estimate()
        assert count == 50 and tight.price.of(tokens) > 0

    def test_failures_are_asked_again_the_next_time_and_many_in_a_row_stop_it(self, tmp_path: Path) -> None:
        some = work(tmp_path / "some")
        some.run(Scripted(GOOD, None))
        assert set(some.missing().values()) == {"It is down."}
        some.run(Scripted(GOOD))
        assert some.missing() == {}
        none = work(tmp_path / "none")
        with pytest.raises(PrcEmoError, match=r"30 questions in a row got no answer, .* It is down\."):
            none.run(Scripted(None))
        none.run(Scripted(GOOD))
        assert none.missing() == {}


class TestEndpoint:
    def test_a_bad_server_is_borne(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(KEY, "very-secret")
        behaviour = Behaviour(failing=0.05, garbage=0.1, knows_schemas=False)
        with serving(behaviour) as url:
            whole = work(tmp_path)
            whole.run(Endpoint("big", url, concurrency=8))
        assert whole.missing() == {}
        assert (
            max(behaviour.answered.values()) == 1
        )  # nothing that was answered is asked again in the same words
        assert behaviour.keys == {"Bearer very-secret"}
        assert b'"failed"' not in (tmp_path / "answers.jsonl").read_bytes()
        whole.log.close()
        assert all(b"very-secret" not in path.read_bytes() for path in tmp_path.iterdir())

    def test_many_questions_are_under_way_at_once(self, tmp_path: Path) -> None:
        import time

        def seconds(concurrency: int, folder: Path) -> float:
            with serving(Behaviour(latency=0.05)) as url:
                begun = time.perf_counter()
                work(folder).run(Endpoint("big", url, concurrency=concurrency))
                return time.perf_counter() - begun

        assert seconds(16, tmp_path / "many") < seconds(1, tmp_path / "one") / 3

    def test_a_rate_is_kept(self, tmp_path: Path) -> None:
        import time

        with serving(Behaviour()) as url:
            begun = time.perf_counter()
            work(tmp_path).run(Endpoint("big", url, per_minute=3600))
            assert time.perf_counter() - begun > 59 / 60

    def test_a_rate_counts_repeated_calls_and_too_many_requests_hold_everybody(self, tmp_path: Path) -> None:
        with serving(behaviour := Behaviour(busy=20)) as url:
            (whole := work(tmp_path)).run(Endpoint("big", url, concurrency=8))
        assert whole.missing() == {}
        assert behaviour.calls == 60 + 20  # each of them once more, and nobody else in between

    def test_a_server_without_schemas_loses_no_answer(self, tmp_path: Path) -> None:
        with serving(Behaviour(knows_schemas=False, latency=0.02)) as url:
            (whole := about(TALKS, tmp_path, attempts=1)).run(Endpoint("big", url, concurrency=32))
        assert whole.missing() == {} and b'"failed"' not in (tmp_path / "answers.jsonl").read_bytes()

    def test_a_bad_question_is_its_own_affair(self, tmp_path: Path) -> None:
        many = [
            Conversation.of([("Ada", f"{'Forbidden' if at < 40 else 'Pear'} {at}.")], f"t/{at}")
            for at in range(60)
        ]
        with serving(behaviour := Behaviour(refused="Forbidden")) as url:
            (whole := about(many, tmp_path, attempts=1)).run(Endpoint("big", url, concurrency=4))
        assert len(whole.missing()) == 40 and len(knowledge_of(whole).interpretations) == 20
        assert "context too long" in next(iter(whole.missing().values()))
        assert "response_format" in behaviour.bodies[-1]  # schemas are not given up for it

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>hello</html>",
            b"{",
            b'{"choices": null}',
            b'{"choices": []}',
            b'{"choices": [{"message": null}]}',
            b'"nothing"',
        ],
    )
    def test_what_is_no_answer_of_this_api_is_a_failure_and_no_traceback(
        self, tmp_path: Path, body: bytes
    ) -> None:
        with (
            serving(Behaviour(raw=body)) as url,
            pytest.raises(PrcEmoError, match=r"no chat completion.*/v1"),
        ):
            work(tmp_path).run(Endpoint("big", url, concurrency=4))

    def test_counts_that_are_missing_and_half_characters_do_no_harm(self, tmp_path: Path) -> None:
        text = GOOD.replace("the line", "the \\ud83d line")
        with serving(Behaviour(text=text)) as url:
            (whole := about(TALKS[:1], tmp_path, attempts=1)).run(Endpoint("big", url))
        assert set(whole.missing().values()) == {"The answer has half a character."}
        choice = {"index": 0, "message": {"role": "assistant", "content": GOOD}}
        raw = json.dumps({"choices": [choice], "usage": {"prompt_tokens": None}}).encode()
        with serving(Behaviour(raw=raw)) as url:
            (rest := about(TALKS[1:2], tmp_path / "b", attempts=1)).run(Endpoint("big", url))
        assert rest.missing() == {} and rest.log.tokens == [0, 0]

    def test_an_answer_that_was_cut_says_so(self, tmp_path: Path) -> None:
        with serving(Behaviour(finish="length", text='{"explicit": "It')) as url:
            (whole := about(TALKS[:1], tmp_path, attempts=1)).run(Endpoint("big", url, max_tokens=77))
        assert "cut after 77 tokens. Raise --max-tokens" in next(iter(whole.missing().values()))

    def test_what_is_under_way_at_a_refusal_still_comes_in(self, tmp_path: Path) -> None:
        import time

        behaviour = Behaviour(refused="Pear number 7", refused_with=404, latency=0.3)
        with serving(behaviour) as url:
            with pytest.raises(PrcEmoError, match=r"refuses: .*context too long"):
                (whole := work(tmp_path)).run(Endpoint("big", url, concurrency=8))
            answered = sum(behaviour.answered.values())
            time.sleep(0.5)
            assert sum(behaviour.answered.values()) == answered  # nobody goes on asking
        assert len(whole.log.usable) == answered >= 8  # and nothing that was answered is lost

    @pytest.mark.parametrize(
        ("address", "key", "says"),
        [
            ("localhost:8000/v1", "k", "expected an address such as http"),
            ("http://[::1", "k", "expected an address such as http"),
            ("http://me:secret@host/v1", "k", "and the key in"),
            ("http://host/v1", "kéy", "has a character that no key has"),
        ],
    )
    def test_an_address_or_key_that_cannot_be_one_is_told_before_the_first_question(
        self, monkeypatch: pytest.MonkeyPatch, address: str, key: str, says: str
    ) -> None:
        monkeypatch.setenv(KEY, key)
        with pytest.raises(PrcEmoError, match=says) as told:
            Endpoint("big", address)
        assert "secret" not in str(told.value) and "kéy" not in str(told.value)
        monkeypatch.setenv(KEY, "")
        Endpoint("big", "http://host/v1")  # a local server wants none

    def test_a_wrong_address_stops_at_once_and_says_what_to_check(self, tmp_path: Path) -> None:
        with serving(Behaviour()) as url:
            pass  # the server is gone
        with pytest.raises(PrcEmoError, match=r"30 questions in a row got no answer, .*APIConnectionError"):
            work(tmp_path).run(Endpoint("big", url, retries=0))


def test_a_model_of_this_machine_answers(tmp_path: Path) -> None:
    """A toy writes nonsense, which is refused, counted and never used."""
    from prc_emo.llm.load import load

    lm = load("Qwen/Qwen3-8B", tiny=True, precision="fp32")
    few = about(TALKS[:1], tmp_path, attempts=2)
    few.run(Local(lm, max_new_tokens=8))
    assert len(few.missing()) == 3
    assert few.log.tokens[0] > 0


@pytest.mark.skipif(os.name == "nt", reason="the pid is of a process that is ended with SIGKILL")
@pytest.mark.slow
def test_a_killed_command_goes_on_where_it_was(tmp_path: Path) -> None:
    """`prc-emo knowledge make` in a process of its own, killed twice; what was recorded is not asked again."""
    import subprocess
    import sys
    import time

    behaviour = Behaviour(latency=0.05, garbage=0.03, failing=0.05)
    command = [
        sys.executable,
        "-m",
        "prc_emo",
        "knowledge",
        "make",
        "everyday",
        "--model",
        "big",
        "--out",
        tmp_path,
    ]
    with serving(behaviour) as url:
        for _ in range(2):
            process = subprocess.Popen([*command, "--base-url", url], stderr=subprocess.DEVNULL)
            before = sum(behaviour.answered.values())
            while sum(behaviour.answered.values()) < before + 150:
                time.sleep(0.01)
            process.kill()
            process.wait()
        subprocess.run([*command, "--base-url", url], check=True, stderr=subprocess.DEVNULL)
    assert len(Knowledge.load(tmp_path / "knowledge.jsonl").interpretations) == 706
    repeated = sum(count - 1 for count in behaviour.answered.values())
    assert repeated <= 2 * 16  # only what was under way when it was killed
