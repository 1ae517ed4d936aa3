"""The page in headless Chromium, as visitors use it, on a run that the test makes. And the pictures of the documentation.

Playwright drives the Chromium of the system: it waits for what it is told to click, and brings no browser of its own.
The pictures in `docs` are made anew only when asked for, of a run that is trained (`make demo`):

    PRC_EMO_PICTURES=runs/quickstart .venv/bin/python -m pytest -m browser tests/chat/test_browser.py -k pictures
"""

import json
import os
import re
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from chat_kit import tone

from prc_emo.bench.run import run
from prc_emo.chat.archive import Archive
from prc_emo.chat.reader import Reader, open_run
from prc_emo.chat.replies import Replier, Reply
from prc_emo.chat.session import Session, Situation
from prc_emo.chat.turn import Reading
from prc_emo.config_file import experiment
from prc_emo.corpora import read_conversations

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[2] / "docs"
DIALOGUE = "Ross: I'm fine.\nMonica: You're not fine.\nRoss: Leave me alone!"


class Echo:
    """Repeats what was said, word by word, in a second."""

    def reply(self, situation: Situation) -> Reply:
        def pieces() -> Iterator[str]:
            for word in ["You", "say:", *situation.turn.text.split()]:
                time.sleep(0.1)
                yield word + " "

        return Reply("an echo", pieces())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync = pytest.importorskip(
        "playwright.sync_api", reason="the browser tests need playwright (extra `dev`)"
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium here: none of chromium, chromium-browser, google-chrome is on the path")
    with sync.sync_playwright() as playwright:
        microphone = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # it beeps
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *microphone])
        yield browser
        browser.close()


Serve = Callable[[Reader, Archive | None, Callable[[], Replier] | None], str]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Puts the page on a server of its own; returns the address."""
    pytest.importorskip("gradio", reason="the page needs the extra `serve`")
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path_factory.mktemp("uploads"))
    import uvicorn
    from fastapi import FastAPI

    from prc_emo.chat.web import mount, page

    servers = []

    def start(reader: Reader, archive: Archive | None, prepare: Callable[[], Replier] | None) -> str:
        app = mount(FastAPI(), page(reader, archive, prepare))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join()
    del os.environ["GRADIO_TEMP_DIR"]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The nearest neighbours in four dialogues of the corpus that ships."""
    out = tmp_path_factory.mktemp("nearest")
    settings = ["data.limit=4", "parameters.neighbours=[5]", "parameters.temperatures=[0.1]"]
    run(experiment("nearest_everyday", settings), out)
    return open_run(out)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return Archive(tmp_path_factory.mktemp("sessions") / "s.sqlite")


@pytest.fixture(scope="module")
def address(serve: Serve, reader: Reader, archive: Archive) -> str:
    return serve(reader, archive, Echo)


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page as a new visitor finds it. Whatever it asks of anybody but our server fails the test."""
    yield from visit(browser, address)


def visit(browser: Any, address: str, **how: Any) -> Iterator[Any]:
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **how})
    asked: list[str] = []
    wrong: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.set_default_timeout(30_000)
    page.goto(address)
    page.get_by_text("Nothing was said yet.").wait_for()
    yield page
    context.close()
    strangers = {url for url in asked if urlsplit(url).hostname not in ("127.0.0.1", None)}
    assert asked and not strangers
    assert not wrong


def say(page: Any, words: str, turns: int) -> None:
    """Says it, and waits until there are so many turns."""
    page.get_by_label("What is said").fill(words)
    page.get_by_role("button", name="Send").click()
    wait_for(page, turns)


def wait_for(page: Any, turns: int) -> None:
    page.wait_for_function(
        "n => document.querySelectorAll('#talk li.turn').length === n && !document.querySelector('.coming')",
        arg=turns,
    )


def texts(page: Any) -> list[str]:
    return page.locator("#talk .said").all_inner_texts()


def shares(page: Any) -> dict[str, str]:
    """Label by label, as the page shows them."""
    rows = page.locator("#why table").inner_text().splitlines()
    return dict(row.split("\t")[:2] for row in rows if "\t" in row)


def in_percent(reading: Reading) -> dict[str, str]:
    return {
        label: "< 1 %" if share < 0.005 else f"{share:.0%}".replace("%", " %")
        for label, share in reading.probabilities.items()
    }


def add(page: Any, dialogue: str) -> None:
    if not page.locator("#pasted textarea").is_visible():
        page.get_by_role("button", name="Add a dialogue").click()
    page.locator("#pasted textarea").fill(dialogue)
    page.get_by_role("button", name="Add its turns").click()


def test_what_is_sent_is_read_and_answered_as_in_python(page: Any, reader: Reader) -> None:
    say(page, "I can't believe it!", 2)
    assert texts(page) == ["I can't believe it!", "You say: I can't believe it!"]
    assert page.get_by_label("What is said").input_value() == ""
    reading = Session(reader).say("You", "I can't believe it!").reading
    assert reading is not None and reading.label is not None
    assert page.locator("#talk .chip").inner_text().split()[0] == reading.label
    assert shares(page) == in_percent(reading)
    assert reading.label in page.locator("#news").inner_text()


def test_a_reply_is_seen_as_it_comes_and_can_be_stopped(page: Any) -> None:
    page.get_by_label("What is said").fill("one two three four five six seven eight nine ten")
    page.get_by_label("What is said").press("Enter")
    page.locator("#coming .reply").get_by_text("You say: one").wait_for()
    page.get_by_role("button", name="Stop reply").click()
    wait_for(page, 2)
    assert texts(page)[1].startswith("You say: one") and "ten" not in texts(page)[1]


def test_undo_takes_back_the_turn_and_its_reply(page: Any) -> None:
    say(page, "Hello.", 2)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Nothing was said yet.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("alert").get_by_text("Nothing was said yet.").wait_for()


def test_somebody_else_speaks(page: Any) -> None:
    page.get_by_text("Answer me").click()
    page.get_by_label("Speaking as").fill("Mara")
    page.get_by_label("Speaking as").press("Enter")
    say(page, "Hello.", 1)
    page.get_by_label("Speaking as").click()
    page.get_by_role("option", name="You").click()
    say(page, "Hello, Mara.", 2)
    assert [name.split()[1] for name in page.locator("#talk .who").all_inner_texts()] == ["Mara", "You"]
    assert page.locator("#mood .legend li").count() == 2


def test_a_dialogue_is_pasted_and_its_turns_are_explained(page: Any, reader: Reader) -> None:
    add(page, DIALOGUE)
    wait_for(page, 3)
    assert page.locator("#pasted textarea").input_value() == ""
    page.get_by_role("button", name="Turn 2, Monica").click()
    page.locator("#why").get_by_text("2 · Monica").wait_for()
    assert page.locator("li.turn.chosen").inner_text().splitlines()[0].split() == ["2", "Monica"]
    session = Session(reader)
    turns = session.say_all(line.split(": ") for line in DIALOGUE.splitlines())
    chips = [" ".join(chip.split()) for chip in page.locator("#talk .chip").all_inner_texts()]
    assert chips == [
        f"{turn.reading.label}{turn.reading.confidence: .0%}".replace("%", " %")
        for turn in turns
        if turn.reading and turn.reading.confidence
    ]


def test_a_file_is_opened_and_leaves_no_copy_on_the_server(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "talk.csv"
    file.write_text('conversation,speaker,text\na,Ross,"Fine, then."\na,Monica,Really?\n', encoding="utf-8")
    page.get_by_role("button", name="Add a dialogue").click()
    page.locator("#adding input[type=file]").set_input_files(file)
    page.wait_for_function("document.querySelector('#pasted textarea').value.includes('Ross')")
    page.get_by_role("button", name="Add its turns").click()
    wait_for(page, 2)
    assert texts(page) == ["Fine, then.", "Really?"]
    left = [path for path in Path(os.environ["GRADIO_TEMP_DIR"]).rglob("*") if path.is_file()]
    assert [path for path in left if b"Ross" in path.read_bytes()] == []


def test_an_error_is_shown_in_place_and_the_words_stay(page: Any) -> None:
    add(page, "Ross: I'm fine.\nnobody said this")
    page.get_by_role("alert").get_by_text("text, line 2: expected 'NAME: text'").wait_for()
    assert "nobody" in page.locator("#pasted textarea").input_value()
    assert page.locator("#told").evaluate(
        "e => (r => r.top >= 0 && r.bottom <= innerHeight)(e.getBoundingClientRect())"
    )
    say(page, "Never mind.", 2)
    assert page.get_by_role("alert").count() == 0


def test_a_turn_is_edited_and_read_again(page: Any) -> None:
    add(page, DIALOGUE)
    wait_for(page, 3)
    page.get_by_role("button", name="Turn 1, Ross").click()
    page.locator("#why").get_by_text("1 · Ross").wait_for()
    page.get_by_role("button", name="Edit").click()
    other = page.get_by_label("Other words for turn 1, Ross")
    assert other.input_value() == "I'm fine."
    other.fill("I  am not.")
    page.get_by_role("button", name="Save").click()
    page.locator("#talk").get_by_text("I am not.").wait_for()
    other.wait_for(state="hidden")
    page.get_by_role("button", name="Re-read").click()
    page.get_by_role("alert").get_by_text("Read again.").wait_for()


def test_an_edit_changes_no_other_conversation_and_help_stays(page: Any) -> None:
    say(page, "I want to end it all.", 2)
    help = page.get_by_role("alert").get_by_text("talk to a person now")
    help.wait_for()
    page.get_by_role("button", name="Edit").click()
    other = page.get_by_label("Other words for turn 1, You")
    other.fill("Never mind.")
    assert help.is_visible()
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("button", name="New", exact=True).click()
    page.get_by_text("Nothing was said yet.").wait_for()
    other.wait_for(state="hidden")
    say(page, "Another one.", 2)
    assert "Never mind" not in page.locator("#talk").inner_text()


def test_the_transcript_is_downloaded_without_the_key_to_the_session(page: Any, tmp_path: Path) -> None:
    add(page, DIALOGUE)
    wait_for(page, 3)
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download").click()
    coming.value.save_as(tmp_path / "talk.jsonl")
    row = json.loads((tmp_path / "talk.jsonl").read_text(encoding="utf-8"))
    assert [f"{turn['speaker']}: {turn['text']}" for turn in row["turns"]] == DIALOGUE.splitlines()
    assert all(turn["probabilities"] for turn in row["turns"])
    assert coming.value.suggested_filename == f"{row['id']}.jsonl"
    key = page.evaluate("sessionStorage.getItem('prc-emo')")
    assert key and key not in json.dumps(row)


def test_a_conversation_survives_loading_anew_is_resumed_and_deleted(page: Any, archive: Archive) -> None:
    add(page, DIALOGUE)
    wait_for(page, 3)
    page.reload()
    wait_for(page, 3)
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("button", name="New", exact=True).click()
    page.get_by_text("Nothing was said yet.").wait_for()
    say(page, "Another one.", 2)
    page.reload()
    wait_for(page, 2)
    page.get_by_role("button", name="Conversations").click()
    page.get_by_label("Begun in this browser").click()
    page.get_by_role("option", name=re.compile("I'm fine")).click()
    page.get_by_role("button", name="Resume").click()
    wait_for(page, 3)
    key = page.evaluate("sessionStorage.getItem('prc-emo')")
    assert archive.list([key])
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete this conversation for good").click()
    page.get_by_text("Nothing was said yet.").wait_for()
    assert archive.list([key]) == []
    page.wait_for_function("key => !localStorage.getItem('prc-emo').includes(key)", arg=key)


def test_another_visitor_sees_nothing_of_it(page: Any, browser: Any, address: str) -> None:
    say(page, "Nobody else should read this.", 2)
    for other in visit(browser, address):
        other.get_by_role("button", name="Conversations").click()
        other.get_by_label("Begun in this browser").click()
        assert other.get_by_role("option").count() == 0
        assert "Nobody else" not in other.content()


def test_help_comes_first(page: Any) -> None:
    page.evaluate(
        """() => {
          window.came = [];
          new MutationObserver(() => { for (const what of ['.told.help', '.turn .why', '.turn.reply'])
            if (document.querySelector(what) && !came.includes(what)) came.push(what); })
            .observe(document.body, { childList: true, subtree: true });
        }"""
    )
    say(page, "I want to end it all.", 2)
    assert page.evaluate("came") == [".told.help", ".turn .why", ".turn.reply"]
    assert page.get_by_role("alert").get_by_text("Help by people.").is_visible()


def test_html_is_shown_as_text(page: Any) -> None:
    page.get_by_label("Speaking as").fill("<b>Mara</b>")
    page.get_by_label("Speaking as").press("Enter")
    say(
        page,
        "<img src=x onerror='window.broken=1'><script>window.broken=1</script> ${1+1} {{value}} @children",
        2,
    )
    assert texts(page)[0].startswith("<img src=x") and texts(page)[0].endswith("${1+1} {{value}} @children")
    assert "<b>Mara</b>" in page.locator("#talk .who").first.inner_text()
    assert page.evaluate("window.broken") is None
    assert page.locator("#talk img, #why img, #talk b").count() == 0


def test_all_is_done_with_the_keyboard(page: Any) -> None:
    add(page, DIALOGUE)
    wait_for(page, 3)
    page.get_by_role("button", name="Turn 3, Ross").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.locator("#why").get_by_text("1 · Ross").wait_for()
    page.wait_for_function("document.activeElement.getAttribute('aria-label')?.startsWith('Turn 1, Ross')")
    seen = []
    for _ in range(16):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "(e => e.getAttribute('aria-label') || e.innerText || e.id || e.tagName)(document.activeElement)"
            )
        )
    order = [
        next((at for at, one in enumerate(seen) if name in one), -1)
        for name in ("Speaking as", "Send", "Undo", "Add a dialogue", "Conversations")
    ]
    assert -1 not in order and order == sorted(order), seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(browser: Any, address: str, scheme: str) -> None:
    """Contrast of what we draw: at least 4.5 to 1, and every control has a name."""
    for page in visit(browser, address, color_scheme=scheme):
        add(page, DIALOGUE)
        wait_for(page, 3)
        thin = page.evaluate(CONTRAST)
        assert thin == []
        assert page.evaluate(NAMELESS) == []


NAMELESS = """() => [...document.querySelectorAll('button, input, textarea')].filter((e) => e.offsetParent
    && !(e.ariaLabel || e.innerText.trim() || e.labels?.length || e.closest('label'))).map((e) => e.outerHTML)"""


CONTRAST = """() => {
  const rgb = (css) => css.match(/[\\d.]+/g).map(Number);
  const lightness = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const found = [];
  const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.offsetParent || e.closest('svg, :disabled, style')) continue;
    const [a, b] = [lightness(rgb(getComputedStyle(e).color)), lightness(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(`${e.className}: ${walk.currentNode.data.trim().slice(0, 30)} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
  return found;
}"""


def test_it_fits_a_phone(browser: Any, address: str) -> None:
    for page in visit(browser, address, viewport={"width": 360, "height": 740}, has_touch=True):
        add(page, DIALOGUE + "\nMonica: " + "verylongword" * 30)
        wait_for(page, 4)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator("#send").bounding_box()["width"] > 300
        page.get_by_role("button", name="Turn 1, Ross").tap()
        page.wait_for_function(
            "(r => r.top >= -5 && r.top < 200)(document.getElementById('why').getBoundingClientRect())"
        )


@pytest.fixture(scope="module")
def hearer(hearing: Path) -> Reader:
    return open_run(hearing)


@pytest.fixture(scope="module")
def with_ears(serve: Serve, hearer: Reader, archive: Archive) -> str:
    return serve(hearer, archive, Echo)


def upload(page: Any, file: Path) -> None:
    page.locator("#voice").get_by_role("button", name="Upload file").click()
    page.locator("#voice input[type=file]").set_input_files(file)


def player(page: Any) -> Any:
    """What is shown once a recording is there to be sent."""
    return page.locator("#voice").get_by_role("button", name="Play", exact=True)


def left_behind() -> list[Path]:
    return [path for path in Path(os.environ["GRADIO_TEMP_DIR"]).rglob("*") if path.is_file()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_recording_is_uploaded_heard_as_in_python_played_and_deleted(
    browser: Any, with_ears: str, hearer: Reader, archive: Archive, tmp_path: Path, scheme: str
) -> None:
    file = tone(tmp_path / "fine.wav", 300, 1.5)
    for page in visit(browser, with_ears, color_scheme=scheme):
        upload(page, file)
        player(page).wait_for()
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate(NAMELESS) == []
        say(page, "I'm fine.", 2)
        player(page).wait_for(state="detached")  # it takes the next one
        session = Session(hearer)
        expected = session.say("You", "I'm fine.", file).reading
        deaf = Session(hearer).say("You", "I'm fine.").reading
        assert expected is not None and deaf is not None and expected.probabilities != deaf.probabilities
        assert shares(page) == in_percent(expected)
        assert "Its recording: heard" in page.locator("#why").inner_text()
        assert "recording heard" in page.locator("#news").inner_text()
        play = page.get_by_role("button", name="Play the recording of turn 1, You")
        play.press("Enter")
        page.wait_for_function("Math.abs(prcEmo.playing?.duration - 1.5) < 0.05")
        play.press("Enter")
        page.wait_for_function("prcEmo.playing === null")
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate(NAMELESS) == []
        with page.expect_download() as coming:
            page.get_by_role("button", name="Download").click()
        coming.value.save_as(tmp_path / "talk.zip")
        zipfile.ZipFile(tmp_path / "talk.zip").extractall(tmp_path / scheme)
        (talk,) = read_conversations(next((tmp_path / scheme).glob("*.jsonl")))
        assert talk.utterances[0].audio is not None
        assert talk.utterances[0].audio.read_bytes() == file.read_bytes()
        assert not [path for path in left_behind() if path.read_bytes() == file.read_bytes()]

        key = page.evaluate("sessionStorage.getItem('prc-emo')")
        assert len([*archive.recordings(key).iterdir()]) == 1
        page.get_by_role("button", name="Conversations").click()
        page.get_by_role("button", name="Delete …").click()
        page.get_by_role("button", name="Delete this conversation for good").click()
        page.get_by_text("Nothing was said yet.").wait_for()
        assert not archive.recordings(key).exists()


def test_a_recording_is_made_with_the_microphone_by_keyboard_alone(browser: Any, with_ears: str) -> None:
    for page in visit(browser, with_ears, permissions=["microphone"]):
        page.locator("#voice").get_by_role("button", name="Record", exact=True).press("Enter")
        page.wait_for_timeout(2500)
        with page.expect_response(lambda response: "upload" in response.url):
            page.locator("#voice").get_by_role("button", name="Stop").press("Enter")
        player(page).wait_for()
        page.wait_for_timeout(500)  # until the page knows what became of it
        page.get_by_role("button", name="Send").press("Enter")
        wait_for(page, 1)  # nobody answers what they have no words of
        assert "a recording without words" in page.locator("#talk").inner_text()
        assert "heard" in page.locator("#talk .voice .soft").inner_text()
        page.get_by_role("alert").get_by_text("type the words beside it").wait_for()


def test_a_recording_that_cannot_be_heard_is_told_and_stays_to_be_looked_at(
    browser: Any, with_ears: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF, and then nothing")
    for page in visit(browser, with_ears):
        upload(page, tmp_path / "broken.wav")
        page.locator("#voice input[type=file]").wait_for(state="detached")
        page.get_by_role("button", name="Send").click()
        page.get_by_role("alert").get_by_text(
            "has no words, and its recording is not heard: corrupt"
        ).wait_for()
        say(page, "I'm fine.", 2)
        assert "not heard: corrupt" in page.locator("#talk .voice").inner_text()


def test_no_recording_is_asked_for_where_the_model_has_no_ears(page: Any) -> None:
    assert page.locator("#voice").count() == 0
    assert page.locator("input[type=file][accept*=audio]").count() == 0


def test_a_page_with_ears_fits_a_phone(browser: Any, with_ears: str, tmp_path: Path) -> None:
    for page in visit(browser, with_ears, viewport={"width": 360, "height": 740}, has_touch=True):
        upload(page, tone(tmp_path / "a.wav", 300, 1.5))
        player(page).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        say(page, "I'm fine.", 2)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_pictures_of_the_documentation(browser: Any, serve: Serve, tmp_path: Path) -> None:
    """Makes docs/chat-*.png where PRC_EMO_PICTURES names a trained run."""
    trained = os.environ.get("PRC_EMO_PICTURES")
    if not trained:
        pytest.skip("PRC_EMO_PICTURES names no run to take pictures of")
    from prc_emo.chat.replies.retrieved import Retrieved

    address = serve(
        open_run(Path(trained)),
        Archive(tmp_path / "s.sqlite"),
        lambda: Retrieved.shipped(tmp_path / "replies"),
    )
    talk = (
        "Mara: You came! I thought you had to work tonight.\n"
        "Jonas: They let me go. For good, I mean.\n"
        "Mara: What? When did that happen?\n"
        "Jonas: This morning. Eleven years, and then a letter.\n"
        "Mara: That makes me so angry. They owe you more than a letter!\n"
        "Jonas: I don't know how to tell the children.\n"
        "Mara: We will tell them together."
    )
    wide, phone = {"width": 1160, "height": 960}, {"width": 360, "height": 740}
    for name, scheme, size in (("light", "light", wide), ("dark", "dark", wide), ("phone", "light", phone)):
        for page in visit(browser, address, color_scheme=scheme, viewport=size):
            page.set_default_timeout(120_000)
            add(page, talk)
            wait_for(page, 7)
            page.get_by_role("button", name="Add a dialogue").click()
            page.get_by_label("Speaking as").fill("Jonas")
            page.get_by_label("Speaking as").press("Enter")
            say(page, "Thank you. I am glad that you are here.", 9)
            page.get_by_role("button", name="Turn 5, Mara").click()
            page.locator("#why").get_by_text("5 · Mara").wait_for()
            page.wait_for_timeout(500)
            page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            page.mouse.move(0, 0)
            page.screenshot(path=DOCS / f"chat-{name}.png")
