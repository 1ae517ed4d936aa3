"""The page without a browser: what a visitor's tab does, what is drawn of it, what Gradio is told. `test_browser` uses it."""

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chat_kit import WordReader

from prc_emo import PrcEmoError
from prc_emo.chat import web
from prc_emo.chat.archive import Archive
from prc_emo.chat.export import packed
from prc_emo.chat.replies import Prepared, Reply
from prc_emo.chat.replies.crisis import HELP
from prc_emo.chat.session import Session, Situation
from prc_emo.chat.web import drawn
from prc_emo.chat.web.tab import MOST_TURNS, MOST_WORDS, PAGE, Tab
from prc_emo.corpora import read_conversations

DIALOGUE = "Ross: I'm fine.\nMonica: You're not fine.\nRoss: Leave me be!"
PEOPLE = "<img src=x onerror=alert(1)>"


class Echo:
    """Repeats what was said, word by word."""

    def reply(self, situation: Situation) -> Reply:
        return Reply("an echo", (word + " " for word in situation.turn.text.split()))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "s.sqlite")


@pytest.fixture
def tab(archive: Archive) -> Tab:
    return Tab(WordReader(), archive, Echo())


def do(tab: Tab, steps: Iterator[str]) -> list[str]:
    return list(tab.doing(steps))  # type: ignore[arg-type]


def texts(tab: Tab) -> list[str]:
    return [f"{turn.speaker}: {turn.text}" for turn in tab.session.turns]


def test_what_is_sent_is_read_and_answered(tab: Tab) -> None:
    do(tab, tab.send("Mara", "It rained again.", wants_reply=True))
    assert texts(tab) == ["Mara: It rained again.", "PRC-Emo: It rained again."]
    reading = tab.session.turns[0].reading
    assert (
        reading is not None
        and reading == Session(WordReader(), id=tab.session.id).say("Mara", "It rained again.").reading
    )
    assert str(reading.label) in drawn.talk(tab)
    assert tab.news.startswith(f"Turn 1, Mara: {reading.label}")


def test_a_reply_is_drawn_as_it_comes(tab: Tab) -> None:
    came = []
    for _ in tab.doing(tab.send("Mara", "One two three.", wants_reply=True)):
        if tab.coming is not None and tab.coming.by:
            came.append(tab.coming.text)
    assert came == ["One ", "One two ", "One two three. "]
    assert tab.coming is None and not tab.replying


def test_a_reply_that_is_stopped_keeps_what_came(tab: Tab) -> None:
    for _ in tab.doing(tab.send("Mara", "One two three.", wants_reply=True)):
        if tab.coming is not None and tab.coming.text == "One two ":
            tab.stop()
    assert texts(tab) == ["Mara: One two three.", "PRC-Emo: One two"]
    assert not tab.replying and not tab.notice


def test_undo_while_a_reply_comes_ends_it(tab: Tab) -> None:
    for _ in tab.doing(tab.send("Mara", "One two three.", wants_reply=True)):
        if tab.coming is not None and tab.coming.text == "One two ":
            list(tab.undo())
    assert texts(tab) == []
    assert not tab.replying and not tab.notice


class Slow(Echo):
    """Something happens while it looks for a reply."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], object] = lambda: None

    def reply(self, situation: Situation) -> Reply:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return super().reply(situation)


@pytest.mark.parametrize("what", ["undo", "stop", "send"])
def test_a_reply_that_is_still_looked_for_lands_nowhere_else(archive: Archive, what: str) -> None:
    slow = Slow()
    tab = Tab(WordReader(), archive, slow)
    slow.meanwhile = {
        "undo": lambda: list(tab.undo()),
        "stop": tab.stop,
        "send": lambda: list(tab.send("Ben", "Two.", wants_reply=True)),
    }[what]
    do(tab, tab.send("Mara", "One.", wants_reply=True))
    after = {"undo": [], "stop": ["Mara: One."], "send": ["Mara: One.", "Ben: Two.", "PRC-Emo: Two."]}
    assert texts(tab) == after[what]
    assert tab.notice == ""  # who stopped a reply need not hear that none fits


def test_the_pointer_to_help_is_there_before_anything_was_read_and_stays(tab: Tab) -> None:
    steps = tab.doing(tab.send("Mara", "I want to end it all.", wants_reply=True))
    next(steps)
    assert len(tab.session) == 0 and HELP in drawn.told(tab)
    list(steps)
    do(tab, tab.send("Mara", "Never mind.", wants_reply=False))
    assert HELP in drawn.told(tab)
    do(tab, tab.new())
    assert HELP not in drawn.told(tab)


def test_the_pointer_comes_for_a_pasted_dialogue_and_a_resumed_one(tab: Tab, archive: Archive) -> None:
    do(tab, tab.add("Ada: Hello.\nBen: I want to kill myself."))
    assert HELP in drawn.told(tab)
    again = Tab(WordReader(), archive, None)
    do(again, again.resume(tab.session.id))
    assert HELP in drawn.told(again)


@pytest.mark.parametrize(
    "text",
    [
        DIALOGUE,
        "conversation,speaker,text\na,Ross,I'm fine.\na,Monica,You're not fine.\na,Ross,Leave me be!",
        json.dumps(
            {
                "id": "a",
                "turns": [
                    {"speaker": "Ross", "text": "I'm fine."},
                    {"speaker": "Monica", "text": "You're not fine."},
                    {"speaker": "Ross", "text": "Leave me be!"},
                ],
            }
        ),
    ],
    ids=["plain", "csv", "jsonl"],
)
def test_a_dialogue_is_added_in_every_form_of_ours(tab: Tab, text: str) -> None:
    do(tab, tab.add(text))
    assert texts(tab) == DIALOGUE.split("\n")


def test_a_dialogue_may_be_pasted_where_one_writes(tab: Tab) -> None:
    do(tab, tab.send("You", DIALOGUE, wants_reply=True))
    assert texts(tab) == DIALOGUE.split("\n")  # and nobody answers it
    do(tab, tab.send("You", "/undo", wants_reply=False))
    assert texts(tab)[3:] == ["You: /undo"]


def test_what_is_nearly_a_dialogue_is_one_turn_and_says_which_line_is_to_blame(tab: Tab) -> None:
    do(tab, tab.send("You", f"{DIALOGUE}\n(They laugh.)", wants_reply=False))
    assert len(texts(tab)) == 1 and "line 4 of 4 names no speaker" in drawn.told(tab)
    do(tab, tab.send("You", "First: no.\nI mean it.", wants_reply=False))
    assert "names no speaker" not in drawn.told(tab)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nobody said this", "text, line 1: expected 'NAME: text'"),
        ("A: b\n\nC: d", "Expected one conversation, got 2"),
        ("A: b\n" * (MOST_TURNS + 1), f"Expected at most {MOST_TURNS} turns at once, got {MOST_TURNS + 1}"),
        ("A: " + "b" * MOST_WORDS, f"Expected at most {MOST_WORDS:,} characters"),
        ("", "there is no conversation in it"),
    ],
)
def test_what_cannot_be_added_is_said_in_place(tab: Tab, text: str, said: str) -> None:
    do(tab, tab.add(text))
    assert said in tab.notice and len(tab.session) == 0
    assert drawn.told(tab).count('role="alert"') == 1
    assert tab.coming is None


def test_undo_takes_back_a_turn_with_its_reply(tab: Tab) -> None:
    do(tab, tab.send("Mara", "One.", wants_reply=True))
    do(tab, tab.send("Mara", "Two.", wants_reply=True))
    do(tab, tab.undo())
    assert texts(tab) == ["Mara: One.", "PRC-Emo: One."]
    do(tab, tab.undo())
    do(tab, tab.undo())
    assert tab.notice == "Nothing was said yet."


def test_an_edited_last_turn_is_answered_anew(tab: Tab) -> None:
    do(tab, tab.send("Mara", "One.", wants_reply=True))
    do(tab, tab.edit(0, "Two.", wants_reply=True))
    assert texts(tab) == ["Mara: Two.", "PRC-Emo: Two."]


def test_an_edited_earlier_turn_leaves_what_followed(tab: Tab) -> None:
    do(tab, tab.add(DIALOGUE))
    later = tab.session.turns[1:]
    do(tab, tab.edit(0, "I am not.", wants_reply=True))
    assert tab.session.turns[1:] == later and tab.session.turns[0].text == "I am not."
    assert "Re-read" in tab.notice
    do(tab, tab.reread())
    assert tab.session.turns[1].reading != later[0].reading


def test_the_chosen_turn_is_explained(tab: Tab) -> None:
    do(tab, tab.add(DIALOGUE))
    do(tab, tab.choose(1))
    shown = drawn.explanation(tab)
    reading = tab.session.turns[1].reading
    assert reading is not None
    assert "2 · Monica" in shown and reading.shown[0].text.replace("'", "&#39;") in shown
    for label, share in reading.probabilities.items():
        assert re.search(rf"{label}</th><td class=\"figure\">{share:.0%}".replace("%", " %"), shown)


def test_a_long_conversation_shows_its_end_first(tab: Tab) -> None:
    do(tab, tab.add("\n".join(f"A: turn {n}" for n in range(PAGE + 50))))
    assert drawn.talk(tab).count("<li") == PAGE and "Show earlier turns (50)" in drawn.talk(tab)
    do(tab, tab.earlier())
    assert drawn.talk(tab).count("<li") == PAGE + 50


def test_html_in_names_and_words_is_text(archive: Archive) -> None:
    class Html(Echo):
        def reply(self, situation: Situation) -> Reply:
            return Reply(PEOPLE, iter([PEOPLE]))

    tab = Tab(WordReader(), archive, Html())
    for _ in tab.doing(tab.send(PEOPLE, PEOPLE, wants_reply=True)):
        assert "<img" not in drawn.coming(tab)
    do(tab, tab.send(PEOPLE, "Again.", wants_reply=False))
    tab.notice = PEOPLE
    for number in (0, 1, 2):
        tab.chosen = number
        page = [
            drawn.talk(tab),
            drawn.told(tab),
            drawn.news(tab),
            drawn.mood(tab),
            drawn.explanation(tab),
            drawn.header(tab),
        ]
        assert not any("<img" in part for part in page)
    assert "&lt;img" in drawn.talk(tab) and "&lt;img" in drawn.mood(tab)


def test_no_emotion_is_shown_by_colour_alone(tab: Tab) -> None:
    do(tab, tab.add(DIALOGUE))
    for part in (drawn.talk(tab), drawn.explanation(tab)):
        chips = re.findall(r'class="chip tone-\w+">.*?</span>(\w+)', part)
        assert chips and set(chips) <= set(WordReader.labels)


def test_what_is_exported_is_read_again(tab: Tab, tmp_path: Path) -> None:
    do(tab, tab.send("Mara", "One.", wants_reply=True))
    name, content = packed(tab.session, tab.session.id[:17])
    (talk,) = read_conversations(content.decode())
    assert [(turn.speaker, turn.text) for turn in talk.utterances] == [("Mara", "One."), ("PRC-Emo", "One.")]
    assert tab.session.id not in name + content.decode()


def test_a_visitor_sees_the_sessions_whose_ids_they_bring(archive: Archive) -> None:
    mine, yours = Tab(WordReader(), archive, None), Tab(WordReader(), archive, None)
    for tab in (mine, yours):
        do(tab, tab.send("Mara", "Hello.", wants_reply=False))
    assert [one.id for one in mine.kept([mine.session.id, "another"])] == [mine.session.id]
    near = yours.session.id[:-1]
    do(mine, mine.resume(near))
    assert yours.session.id not in mine.notice and str(archive.path) not in mine.notice
    assert "There is no conversation" in mine.notice
    do(mine, mine.delete(near))
    assert "There is no conversation" in mine.notice and len(archive.list()) == 2


def test_ids_cannot_be_guessed(archive: Archive) -> None:
    ids = {Tab(WordReader(), archive, None).session.id for _ in range(50)}
    assert len(ids) == 50 and all(re.fullmatch(r"\d{8}-[0-9a-f]{32}", id) for id in ids)


def test_a_conversation_goes_on_in_another_tab(tab: Tab, archive: Archive) -> None:
    do(tab, tab.add(DIALOGUE))
    other = Tab(WordReader(), archive, Echo())
    do(other, other.resume(f" {tab.session.id} "))
    assert other.session.turns == tab.session.turns
    do(other, other.send("Ross", "I mean it.", wants_reply=False))
    do(tab, tab.send("Ross", "And I.", wants_reply=False))
    assert "continued elsewhere" in tab.trouble() and tab.trouble() in drawn.told(tab).replace("&#39;", "'")


def test_a_deleted_conversation_is_gone_and_another_begins(tab: Tab, archive: Archive) -> None:
    do(tab, tab.add("Ada: unforgettable words"))
    id = tab.session.id
    do(tab, tab.delete(id))
    assert tab.session.id != id and len(tab.session) == 0 and archive.list() == []
    assert b"unforgettable" not in archive.path.read_bytes()


def test_visitors_are_not_told_where_the_server_keeps_its_files(tab: Tab, archive: Archive) -> None:
    archive.close()
    do(tab, tab.send("Mara", "Hello.", wants_reply=False))
    assert texts(tab) == ["Mara: Hello."]
    assert "goes on in memory" in tab.trouble() and str(archive.path) not in drawn.told(tab)


def test_without_an_archive_nothing_is_kept_and_it_says_so() -> None:
    tab = Tab(WordReader(), None, None)
    do(tab, tab.send("Mara", "Hello.", wants_reply=True))
    assert tab.kept([tab.session.id]) == [] and texts(tab) == ["Mara: Hello."]
    assert "Nothing is kept" in drawn.about_keeping(False)
    do(tab, tab.delete(tab.session.id))
    assert texts(tab) == []


def test_tabs_share_no_conversation(archive: Archive) -> None:
    tabs = [Tab(WordReader(), archive, Prepared(Echo)) for _ in range(8)]

    def talk(at: int) -> None:
        for number in range(5):
            do(tabs[at], tabs[at].send(f"Speaker {at}", f"Words {at}.{number}", wants_reply=True))

    threads = [threading.Thread(target=talk, args=(at,)) for at in range(len(tabs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at, tab in enumerate(tabs):
        assert len(tab.session) == 10
        assert all(f"Words {at}." in turn.text for turn in tab.session.turns)


def test_a_way_to_reply_is_made_once_for_all_visitors(archive: Archive) -> None:
    made = []

    def prepare() -> Echo:
        made.append(1)
        return Echo()

    replier = Prepared(prepare)
    assert not made
    for _ in range(3):
        tab = Tab(WordReader(), archive, replier)
        do(tab, tab.send("Mara", "Hello.", wants_reply=True))
    assert made == [1]


def test_a_missing_extra_is_said_with_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("prc_emo.chat.web.blocks", "prc_emo.chat.web.look"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.delattr(web, name.rpartition(".")[2], raising=False)
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(PrcEmoError, match=re.escape("pip install 'prc-emo[serve]'")):
        web.page  # noqa: B018


def test_gradio_is_told_to_report_nothing_and_to_remember_nothing(archive: Archive) -> None:
    pytest.importorskip("gradio", reason="the page needs the extra `serve`")
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from prc_emo.chat.web import mount, page

    blocks = page(WordReader(), archive, Echo)
    client = TestClient(mount(FastAPI(), blocks))
    assert not blocks.analytics_enabled and not blocks.run_history and not blocks.footer_links
    html = client.get("/").text
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', html)
    assert loaded and not [one for one in loaded if re.match(r"(https?:)?//", one)]
    theme = client.get("/theme.css").text
    assert not re.search(r"url\(['\"]?(https?:)?//", theme) and "@font-face" not in theme
    assert client.get("/gradio_api/info").json()["named_endpoints"] == {}


def test_the_door_to_gradio_is_one_folder() -> None:
    root = Path(drawn.__file__).parents[3]
    doors = {
        path.parent.relative_to(root).as_posix()
        for path in (root / "prc_emo").rglob("*.py")
        if re.search(r"^\s*(import|from) gradio", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert doors == {"prc_emo/chat/web"}
