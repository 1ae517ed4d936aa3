"""The recipe from the plan to what is kept: masked, judged again, and never more labels than both chose."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.server import Behaviour, serving
from sklearn.metrics import cohen_kappa_score

from prc_emo import Conversation, PrcEmoError
from prc_emo.asking.log import AnswerLog
from prc_emo.asking.question import Question, UnusableReplyError
from prc_emo.asking.work import Reply, Work
from prc_emo.conversation import Utterance
from prc_emo.corpora import load_corpus
from prc_emo.demos.card import card
from prc_emo.demos.keep import agreement, kept, thin_labels
from prc_emo.demos.label import label_questions, read_labels
from prc_emo.demos.plan import PLAN, Plan
from prc_emo.demos.project import Project
from prc_emo.demos.write import read_dialogue, read_topics, topic_questions
from prc_emo.labels import MELD, LabelSet

LABELS = LabelSet("plan", ("joy", "fear", "neutral"))
TURNS = [
    {"speaker": "Ada", "text": "It works!", "emotion": "joy"},
    {"speaker": "Ben", "text": "Ten past four.", "emotion": "neutral"},
    {"speaker": "Ada", "text": "What if it stops?", "emotion": "fear"},
]
PLAN_OF_FIVE = Plan(domains=("a ferry",), labels=LABELS.labels, topics=3, turns=5)
Command = Callable[..., Any]


class Author:
    """Writes the same dialogue about everything, and judges everything as joy."""

    def replies(self, asked: Any) -> Any:
        for question, _ in asked:
            yield question, Reply(json.dumps(self.answer(question)))

    def answer(self, question: Question) -> dict[str, Any]:
        kind = question.about[0]
        if kind == "topics":
            return {"topics": [f"{question.about[1]}, case {n}" for n in range(3)]}
        if kind == "dialogue":
            place = {**TURNS[1], "text": f"Ten past four, at {question.about[2]}."}
            return {"turns": [TURNS[0], place, TURNS[2]]}
        return {"labels": ["joy"] * int(question.about[2])}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two domains of three situations, written."""
    Plan(domains=("a ferry", "a bakery"), labels=LABELS.labels, topics=3, turns=3).write(tmp_path)
    project = Project.open(tmp_path)
    write(project)
    return project


def write(project: Project, author: Author | None = None) -> None:
    log = AnswerLog(project.folder / "written.jsonl")
    plan = project.plan
    for questions, read in (
        (lambda: topic_questions(plan, "big"), read_topics(plan)),
        (lambda: project.dialogue_questions("big", log), read_dialogue(plan)),
    ):
        Work("big", questions, read, log).run(author or Author())
    log.close()


def judge(project: Project, reader: str, author: Author | None = None) -> None:
    log = AnswerLog(project.judged(reader))
    talks = project.dialogues()
    Work(reader, lambda: label_questions(reader, LABELS, talks), read_labels(LABELS), log).run(
        author or Author()
    )
    log.close()


def test_a_dialogue_is_written_in_each_situation_of_each_domain(project: Project) -> None:
    talks = project.dialogues()
    assert len(talks) == len({talk.id for talk in talks}) == 6
    assert [turn.gold for turn in talks[0].utterances] == ["joy", "neutral", "fear"]


def test_the_second_judgement_never_sees_the_first(project: Project) -> None:
    """In dialogues that name no label themselves, each word of the set stands in the question once: in the list of choices."""
    for question in label_questions("other", LABELS, project.dialogues()):
        shown = " ".join(message["content"] for message in question.messages)
        assert [shown.count(label) for label in LABELS] == [1, 1, 1]


def test_only_what_both_chose_is_kept(project: Project) -> None:
    judge(project, "other")
    good, dropped = kept(project.dialogues(), project.second())
    assert (len(good), len(dropped)) == (0, 6)  # one label of three is less than half

    class Careful(Author):
        def answer(self, question: Question) -> dict[str, Any]:
            return {"labels": ["joy", "neutral", "neutral"]}

    (project.folder / "judged-other.jsonl").unlink()
    judge(project, "third", Careful())
    good, dropped = kept(project.dialogues(), project.second())
    assert (len(good), len(dropped)) == (6, 0)
    assert [turn.gold for turn in good[0].utterances] == ["joy", "neutral", None]


def test_where_two_judge_both_must_agree_with_the_author(project: Project) -> None:
    judge(project, "other")
    for talk in project.open_for("me"):
        project.record("me", talk, ["joy", "neutral", "fear"])
    assert project.open_for("me") == []
    assert project.second()[project.dialogues()[0].id] == ["joy", "", ""]


def test_dialogues_with_the_same_words_are_judged_at_once(tmp_path: Path) -> None:
    class Dull(Author):
        def answer(self, question: Question) -> dict[str, Any]:
            return {"turns": TURNS} if question.about[0] == "dialogue" else super().answer(question)

    Plan(domains=("a ferry",), labels=LABELS.labels, topics=3, turns=3).write(tmp_path)
    project = Project.open(tmp_path)
    write(project, Dull())
    first, *others = project.dialogues()
    project.record("me", first, ["joy", "neutral", "fear"])
    assert project.open_for("me") == [] and len(project.second()) == 1 + len(others) == 3


def test_agreement_is_that_of_the_textbook() -> None:
    author = ["joy", "joy", "fear", "neutral", "neutral", "neutral"]
    reader = ["joy", "fear", "fear", "neutral", "neutral", "joy"]
    found = agreement(author, reader, LABELS)
    assert found.kappa == pytest.approx(cohen_kappa_score(author, reader))
    assert (found.agreed, found.turns) == (4, 6)
    for row in found.labels:
        expected = cohen_kappa_score([a == row.label for a in author], [r == row.label for r in reader])
        assert row.kappa == pytest.approx(expected)


def test_a_kappa_that_is_not_defined_is_a_dash(project: Project) -> None:
    """A label that nobody used has no agreement, least of all a perfect one."""
    found = agreement(["joy", "fear"], ["joy", "fear"], LABELS)
    assert [row.kappa for row in found.labels] == [1.0, 1.0, None]
    assert agreement(["joy"], ["joy"], LABELS).kappa is None and agreement([], [], LABELS).kappa is None
    judge(project, "other")
    text = card(project.plan, project.judgements(), [], [], found)
    assert "| neutral | 0 | 0 | 0 | - | 0 |" in text


def test_the_card_says_who_wrote_and_who_judged(project: Project) -> None:
    """From the logs: the plan may want rounds that nobody has written."""
    judge(project, "other")
    judge(project, "third")
    plan = project.plan.model_copy(update={"rounds": ((), ("fear",), ("fear",))})
    text = card(plan, project.judgements(), [], [], agreement([], [], LABELS))
    assert "Written by big (template demo_dialogue 1)" in text
    assert "judged again by other, third (template demo_labels 1)" in text
    assert "Rounds of writing: 1." in text
    assert "WARNING" not in text


def test_an_author_that_judges_itself_is_marked(
    project: Project, prc_emo: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prc_emo.cli.demos.ask", lambda *_: None)
    assert "WARNING: big wrote these" in prc_emo("demos", "label", project.folder, "--model", "big").err
    assert "WARNING" not in prc_emo("demos", "label", project.folder, "--model", "other").err
    judge(project, "big")
    judge(project, "other")
    assert "WARNING: big judged 6 dialogues that it wrote" in prc_emo("demos", "keep", project.folder).err
    assert "**WARNING: big judged 6 dialogues" in (project.folder / "card.md").read_text()


def test_another_round_is_planned_only_after_the_last_is_judged(project: Project, prc_emo: Command) -> None:
    """Everything is dropped here, so that all labels are thin; and planning twice in a row would write for nothing."""

    class Later(Author):
        def answer(self, question: Question) -> dict[str, Any]:
            found = super().answer(question)
            return {"turns": [*found["turns"], TURNS[0]]} if question.about[0] == "dialogue" else found

    def keep() -> str:
        return str(prc_emo("demos", "keep", project.folder, "--again").err)

    judge(project, "other")
    assert "Round 2 will want joy, fear, neutral" in keep()
    assert "Round 2 is not written yet: prc-emo demos write" in keep()
    again = Project.open(project.folder)
    write(again, Later())
    assert "Round 2 is not judged yet: prc-emo demos label" in keep()
    assert len(again.plan.rounds) == len(Plan.read(project.folder).rounds) == 2
    judge(again, "other")
    assert "Round 3 will want" in keep()
    assert "Rounds of writing: 2." in (project.folder / "card.md").read_text()


def test_judgements_outlive_the_words_of_the_template(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person judged the dialogue, not the prompt; other labels or other words are another question."""
    import prc_emo.demos.label as module
    from prompts import load_template

    talk = project.dialogues()[0]
    project.record("me", talk, ["joy", "neutral", "fear"])
    judge(project, "other")
    (key,) = (one.key for one in label_questions("me", LABELS, [talk]))
    other_words = replace(talk, utterances=(replace(talk.utterances[0], text="No!"), *talk.utterances[1:]))
    monkeypatch.setattr(module, "load_template", lambda _: Reworded(load_template("demo_labels")))
    assert len(project.open_for("me")) == 5 and project.open_for("other") == []

    def keys(reader: str, labels: LabelSet, talk: Conversation) -> list[str]:
        return [one.key for one in label_questions(reader, labels, [talk])]

    assert keys("me", LABELS, talk) == [key]
    assert keys("me", LabelSet("plan", LABELS.labels[:2]), talk) != [key]
    assert keys("me", LABELS, other_words) != [key]
    assert keys("you", LABELS, talk) != [key]


class Reworded:
    """The same template, a version later."""

    name, version = "demo_labels", 2

    def __init__(self, template: Any) -> None:
        self.template = template

    def render(self, **values: Any) -> list[dict[str, str]]:
        return [*self.template.render(**values), {"role": "user", "content": "Please."}]


def test_thin_labels_are_wanted_in_the_next_round(project: Project) -> None:
    talks = [Conversation("a", tuple(Utterance(f"a/{n}", "Ada", "So.", "joy") for n in range(9)))]
    assert thin_labels(talks, LABELS, 0.6) == ["fear", "neutral"]
    assert thin_labels([], LABELS, 0.6) == ["joy", "fear", "neutral"]  # everything was dropped
    project.plan.model_copy(update={"rounds": ((), ("fear",))}).write(project.folder)
    again = Project.open(project.folder)
    write(again)
    assert len(again.dialogues()) == 12
    log = AnswerLog(project.folder / "written.jsonl")
    asked = [question for question in again.dialogue_questions("big", log) if question.about[3] == "1"]
    assert all(
        "carry one of these, where the situation allows it: fear" in one.messages[-1]["content"]
        for one in asked
    )
    log.close()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"turns": TURNS[:1]}, "two or more turns"),
        ({"turns": TURNS[:2]}, "Expected a dialogue of 5 turns, got 2"),
        ({"turns": [*TURNS, {"speaker": "Ada"}]}, "Turn 3: expected the keys"),
        ({"turns": [*TURNS, {**TURNS[0], "text": " "}]}, "Turn 3: expected a text"),
        (
            {"turns": [*TURNS, {**TURNS[0], "emotion": "glee"}]},
            "Turn 3: 'glee' is none of joy, fear, neutral",
        ),
        ({"turns": [TURNS[0]] * 3}, "two to four speakers, got 1"),
    ],
)
def test_a_dialogue_that_is_none_is_refused(reply: dict[str, Any], why: str) -> None:
    question = Question.of("big", ("dialogue",), "x 1", [], {}, 1)
    with pytest.raises(UnusableReplyError, match=why):
        read_dialogue(PLAN_OF_FIVE)(question, json.dumps(reply))


@pytest.mark.parametrize(
    ("topics", "why"),
    [
        ([], "Expected 3 topics, got 0"),
        (["a rope breaks", "a late car"], "Expected 3 topics, got 2"),
        (["a rope breaks", "a late car", "a late car "], "1 topics occur twice"),
        (["a rope breaks", 3], "a list of texts"),
    ],
)
def test_fewer_topics_than_asked_for_are_refused(topics: list[object], why: str) -> None:
    question = Question.of("big", ("topics", "a ferry"), "x 1", [], {}, 1)
    with pytest.raises(UnusableReplyError, match=why):
        read_topics(PLAN_OF_FIVE)(question, json.dumps({"topics": topics}))


def test_an_author_that_names_no_topics_is_asked_again(tmp_path: Path) -> None:
    """An empty list once accepted would be in the log for good, and nothing would ever be written."""

    class Silent(Author):
        silent = True

        def answer(self, question: Question) -> dict[str, Any]:
            found = {"topics": []} if self.silent else super().answer(question)
            self.silent = False
            return found

    Plan(domains=("a ferry",), labels=LABELS.labels, topics=3, turns=3).write(tmp_path)
    write(project := Project.open(tmp_path), Silent())
    assert len(project.dialogues()) == 3


def test_labels_must_be_one_per_turn() -> None:
    (question,) = label_questions("r", LABELS, [Conversation.of([("Ada", "Hm."), ("Ben", "Hm.")])])
    for labels, why in (
        (["joy"], "Expected 2 labels, one per turn, got 1"),
        (["joy", "glee"], "Turn 1: 'glee' is none"),
    ):
        with pytest.raises(UnusableReplyError, match=why):
            read_labels(LABELS)(question, json.dumps({"labels": labels}))


def test_a_wrong_plan_is_refused_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(PrcEmoError, match="prc-emo demos start"):
        Project.open(tmp_path)
    (tmp_path / PLAN).write_text('{"domains": ["a"], "labels": ["joy", "Joy"]}')
    with pytest.raises(PrcEmoError, match=r"plan\.json: labels: expected different words"):
        Project.open(tmp_path)


def test_from_the_command_line(prc_emo: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "demos"
    assert prc_emo("demos", "start", folder, "--domain", "a ferry", "--topics", 2, "--turns", 3).code == 0
    assert Plan.read(folder).labels == MELD.labels
    again = prc_emo("demos", "start", folder, "--domain", "a ferry")
    assert again.code == 2 and "is there already" in again.err

    class Model(Behaviour):
        def reply(self, shown: str) -> str:
            if "You plan dialogues" in shown:
                return json.dumps({"topics": ["a rope breaks", "a late car"]})
            if "You write dialogues" in shown:
                return json.dumps({"turns": TURNS})
            return json.dumps({"labels": ["joy", "neutral", "surprise"]})

    with serving(Model()) as url:
        written = prc_emo("demos", "write", folder, "--model", "big", "--base-url", url)
        assert written.code == 0 and "2 dialogues are written" in written.err, written.err
        judged = prc_emo("demos", "label", folder, "--model", "other", "--base-url", url)
        assert judged.code == 0, judged.err
    done = prc_emo("demos", "keep", folder, "--again")
    assert done.code == 0 and "agreement 66.7%" in done.err and "Round 2 will want" in done.err
    corpus = load_corpus("jsonl", folder / "kept")
    assert [turn.gold for turn in corpus.all()[0].utterances] == ["joy", "neutral", None]
    assert "Cohen's kappa" in (folder / "card.md").read_text()

    numbers = iter(["1", "9", "b", "2", "1", "3", "q"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(numbers))
    by_hand = prc_emo("demos", "label", folder, "--by", "Kim")
    assert "Expected a number from 1 to 7" in by_hand.err
    log = AnswerLog(folder / "judged-Kim.jsonl")
    assert [entry.answer for entry in log.usable.values()] == [{"labels": ["joy", "neutral", "surprise"]}]
    log.close()
    neither = prc_emo("demos", "label", folder)
    assert neither.code == 2 and "--by YOURNAME" in neither.err


class TestPage:
    """The page answers itself only, masks the labels, and keeps each dialogue once."""

    @pytest.fixture
    def ask(self, project: Project) -> Any:
        import threading
        import urllib.error
        import urllib.request

        from prc_emo.demos.page import page_server

        server = page_server(project, "me")
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
            url = f"http://127.0.0.1:{server.server_port}{path}"
            data = None if body is None else json.dumps(body).encode()
            try:
                with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
                    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        ask.port = server.server_port  # type: ignore[attr-defined]
        yield ask
        server.shutdown()
        server.server_close()

    def test_dialogues_are_judged_one_after_the_other(self, ask: Any, project: Project) -> None:
        assert b"<h1>Judge a dialogue</h1>" in ask("/")[1]
        for left in range(6, 0, -1):
            found = json.loads(ask("/next")[1])
            assert found["left"] == left and "emotion" not in json.dumps(found["dialogue"])
            assert ask("/judge", {"id": found["dialogue"]["id"], "labels": ["joy"] * 3})[0] == 200
        assert json.loads(ask("/next")[1])["dialogue"] is None
        assert set(project.second()) == {talk.id for talk in project.dialogues()}

    def test_what_is_wrong_is_said_and_nothing_is_kept(self, ask: Any, project: Project) -> None:
        id = project.dialogues()[0].id
        assert ask("/judge", {"id": id, "labels": ["joy"]}) == (
            400,
            b'{"error": "Expected 3 labels, one per turn, got 1."}',
        )
        assert ask("/judge", {"id": "nobody", "labels": []})[0] == 409
        assert ask("/judge", 7)[0] == 400
        assert len(project.open_for("me")) == 6

    def test_a_page_of_another_site_gets_nothing(self, ask: Any) -> None:
        assert ask("/next", Origin="http://elsewhere.example")[0] == 403
        assert ask("/next", Host="elsewhere.example")[0] == 403

    def test_only_judge_takes_judgements(self, ask: Any, project: Project) -> None:
        said = {"id": project.dialogues()[0].id, "labels": ["joy"] * 3}
        assert ask("/", said)[0] == ask("/next", said)[0] == 404
        assert len(project.open_for("me")) == 6

    def test_judging_goes_on_while_dialogues_are_written(self, ask: Any, project: Project) -> None:
        log = AnswerLog(project.folder / "written.jsonl")  # as `demos write` has it open
        with log.path.open("ab") as file:
            file.write(b'{"key": "hal')
        assert json.loads(ask("/next")[1])["left"] == 6
        log.close()

    def test_many_may_ask_at_once(self, ask: Any, project: Project) -> None:
        from concurrent.futures import ThreadPoolExecutor

        said = [{"id": talk.id, "labels": ["joy"] * 3} for talk in project.dialogues()]
        with ThreadPoolExecutor(12) as pool:
            asked = [pool.submit(ask, "/next") for _ in said] + [
                pool.submit(ask, "/judge", one) for one in said
            ]
            assert [one.result()[0] for one in asked] == [200] * 12
        assert project.open_for("me") == []

    def test_a_broken_log_is_said(self, ask: Any, project: Project) -> None:
        (project.folder / "judged-me.jsonl").write_text("{}\n")
        status, said = ask("/next")
        assert status == 500 and "judged-me.jsonl, line 1" in json.loads(said)["error"]

    @pytest.mark.browser
    @pytest.mark.parametrize("broken", [False, True])
    def test_a_browser_shows_the_dialogue_or_what_is_wrong(
        self, ask: Any, project: Project, broken: bool
    ) -> None:
        """`pytest -m browser`."""
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        if chromium is None:
            pytest.skip("no Chromium on this machine")
        if broken:
            (project.folder / "judged-me.jsonl").write_text("{}\n")
        command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"]
        shown = subprocess.run(
            [*command, "--dump-dom", f"http://127.0.0.1:{ask.port}/"],
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        alert = shown.partition('role="alert">')[2].partition("</p>")[0]
        assert ("judged-me.jsonl, line 1" in alert, "6 left." in shown) == (broken, not broken)
