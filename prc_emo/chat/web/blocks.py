"""The page in Gradio: which parts it has, what each does when it is used. Knows Gradio, as `look` does, and nothing else.

Handlers ask the visitor's `Tab` and draw what it holds. No event has a name in Gradio's own API, nothing is reported home,
and no conversation stays in files of Gradio or in its history of runs.
"""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from prc_emo import files
from prc_emo.chat.archive import Archive
from prc_emo.chat.export import packed
from prc_emo.chat.reader import Reader
from prc_emo.chat.replies import Prepared, Replier
from prc_emo.chat.web import drawn
from prc_emo.chat.web.tab import MOST_BYTES, Steps, Tab
from prc_emo.errors import PrcEmoError

_LOST = "The server does not know this page yet, or was started anew. Reload it; a conversation that was kept goes on."

# a turn is chosen with the pointer, or with arrow keys and Enter; who chose by keys finds the focus where it was
_TURNS_JS = """
let focus = null, far = false;
element.addEventListener('click', (event) => {
  const turn = event.target.closest('[data-turn]'), play = event.target.closest('[data-play]');
  if (event.target.closest('[data-earlier]')) trigger('earlier');
  else if (play) trigger('play', { number: Number(play.dataset.play) });
  else if (turn && String(getSelection()) === '') {
    focus = event.target.closest('.why') ? turn.dataset.turn : null;
    far = true;
    trigger('choose', { number: Number(turn.dataset.turn) });
  }
});
element.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const all = [...element.querySelectorAll('.why')];
  const next = all[all.indexOf(event.target) + step];
  if (!step || !event.target.matches('.why')) return;
  event.preventDefault();
  next?.focus();
});
watch('value', () => {
  if (focus !== null) element.querySelector(`[data-turn="${focus}"] .why`)?.focus();
  if (far && innerWidth <= 640) document.getElementById('why')?.scrollIntoView();
  focus = null;
  far = false;
});
"""


# somebody who writes further down does not miss what they are told
_TOLD_JS = """
watch('value', () => [...element.querySelectorAll('[role=alert]')].pop()?.scrollIntoView({ block: 'nearest' }));
"""


def page(reader: Reader, archive: Archive | None, prepare: Callable[[], Replier] | None) -> gr.Blocks:
    """The page, to be put on a server by `mount` (`look`).

    Args:
        archive: Where conversations are kept; None keeps each as long as its tab is open.
        prepare: Makes the way to reply, once it is needed; None replies to nothing.
    """
    replier = None if prepare is None else Prepared(prepare)

    with gr.Blocks(
        title="PRC-Emo", analytics_enabled=False, fill_width=True, delete_cache=(600, 600)
    ) as blocks:
        tab = gr.State()
        # what goes between server and browser: ids that the browser knows, the id of this conversation, a file
        known, file, sound = (gr.JSON(visible=False) for _ in range(3))
        current, mine, gone = (gr.Textbox(visible=False) for _ in range(3))
        header = gr.HTML(elem_id="top")
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=3, min_width=300, elem_id="left"):
                with gr.Column(elem_id="talk-box"):
                    talk = gr.HTML(js_on_load=_TURNS_JS, elem_id="talk")
                    coming = gr.HTML(elem_id="coming")
                told = gr.HTML(js_on_load=_TOLD_JS, elem_id="told")
                news = gr.HTML(elem_id="news")
                with gr.Row(elem_id="composer"):
                    who = gr.Dropdown(
                        ["You"],
                        value="You",
                        label="Speaking as",
                        allow_custom_value=True,
                        min_width=150,
                        scale=1,
                        elem_id="who",
                    )
                    words = gr.Textbox(
                        label="What is said (Enter sends)",
                        lines=1,
                        max_lines=8,
                        scale=3,
                        min_width=200,
                        elem_id="words",
                    )
                    send = gr.Button("Send", variant="primary", scale=0, min_width=90, elem_id="send")
                voice = gr.Audio(
                    label="With a recording: its voice is heard, its words are only what is typed",
                    sources=["microphone", "upload"],
                    type="filepath",
                    editable=False,
                    buttons=[],
                    visible=reader.hears,
                    elem_id="voice",
                )
                with gr.Row(elem_id="actions"):
                    undo = gr.Button("Undo", size="sm", min_width=60)
                    edit = gr.Button("Edit", size="sm", min_width=60)
                    reread = gr.Button("Re-read", size="sm", min_width=70)
                    download = gr.Button("Download", size="sm", min_width=80)
                    stop = gr.Button(
                        "Stop reply", size="sm", min_width=80, interactive=False, visible=replier is not None
                    )
                    wants_reply = gr.Checkbox(
                        replier is not None, label="Answer me", visible=replier is not None, min_width=140
                    )
                with gr.Group(visible=False, elem_id="editing") as editing:
                    edited = gr.State()
                    other = gr.Textbox(label="Other words", lines=2, max_lines=8, elem_id="other")
                    with gr.Row():
                        save = gr.Button("Save", variant="primary", size="sm", min_width=80)
                        leave = gr.Button("Leave as it was", size="sm", min_width=80)
            with gr.Column(scale=2, min_width=300, elem_id="right"):
                mood = gr.HTML(js_on_load=_TURNS_JS, elem_id="mood")
                why = gr.HTML(elem_id="why")
            with gr.Column(elem_id="tools"):
                with gr.Accordion("Add a dialogue", open=False, elem_id="adding"):
                    pasted = gr.Textbox(
                        label="NAME: words, line by line; or JSONL or CSV as `prc-emo read` takes it",
                        lines=5,
                        max_lines=14,
                        elem_id="pasted",
                    )
                    with gr.Row():
                        opened = gr.UploadButton(
                            "Open a file", file_types=[".txt", ".jsonl", ".csv"], size="sm", min_width=100
                        )
                        add = gr.Button("Add its turns", variant="primary", size="sm", min_width=100)
                with gr.Accordion("Conversations", open=False, elem_id="sessions") as sessions:
                    gr.HTML(drawn.about_keeping(archive is not None))
                    here = gr.HTML()
                    which = gr.Dropdown([], label="Begun in this browser", visible=archive is not None)
                    by_id = gr.Textbox(label="Or its id", max_lines=1, visible=archive is not None)
                    with gr.Row():
                        new = gr.Button("New", size="sm", min_width=80)
                        resume = gr.Button("Resume", size="sm", min_width=80, visible=archive is not None)
                        delete = gr.Button("Delete …", size="sm", min_width=80)
                    doomed = gr.State()
                    with gr.Row(visible=False) as deleting:
                        sure = gr.Button("Delete for good", variant="stop", size="sm", min_width=120)
                        spare = gr.Button("Keep it", size="sm", min_width=80)

        view = [talk, coming, told, stop, news, mood, why, who, mine, here]

        def draw(one: Tab, step: str = "all") -> list[Any]:
            if step == "coming":
                new = not one.coming or not one.coming.by
                said = [drawn.told(one) if new else gr.skip(), gr.update(interactive=one.replying)]
                return [gr.skip(), drawn.coming(one), *said, *[gr.skip()] * (len(view) - 4)]
            kept = archive is not None and len(one.session) > 0
            return [
                drawn.talk(one),
                drawn.coming(one),
                drawn.told(one),
                gr.update(interactive=one.replying),
                drawn.news(one),
                drawn.mood(one),
                drawn.explanation(one),
                gr.update(choices=list(dict.fromkeys(["You", *one.session.speakers]))),
                one.session.id if kept else "",
                drawn.here(one, kept),
            ]

        def doing(steps: Callable[..., Steps]) -> Callable[..., Iterator[list[Any]]]:
            """A handler out of what a tab does."""

            def handler(one: Tab | None, *inputs: Any) -> Iterator[list[Any]]:
                if one is None:
                    yield [gr.skip(), gr.skip(), drawn.alert(_LOST), *[gr.skip()] * (len(view) - 3)]
                    return
                for step in one.doing(steps(one, *inputs)):
                    yield draw(one, step)

            return handler

        def open_tab(current_id: str, _known: list[str]) -> Iterator[list[Any]]:
            one = Tab(reader, archive, replier)
            if current_id and one.kept([current_id]):
                for _ in one.doing(one.resume(current_id)):
                    pass
            yield [one, drawn.header(one), *draw(one)]

        def say(
            one: Tab | None, speaker: str, text: str, recorded: str | None, wants: bool
        ) -> Iterator[list[Any]]:
            audio = Path(recorded) if recorded else None
            if not text.strip() and not audio:
                # not a bare return, which would empty the boxes, and a recording may be on its way from the browser
                yield [gr.skip()] * (2 + len(view))
                return
            before = (one.session.id, len(one.session)) if one else None
            boxes: list[Any] = ["", None]
            for drawing in doing(lambda one: one.send(speaker, text, wants_reply=wants, audio=audio))(one):
                yield [*boxes, *drawing]
                boxes = [gr.skip(), gr.skip()]  # what is typed while a reply comes stays
            if one is None or (one.session.id, len(one.session)) == before:
                yield [text, recorded, *[gr.skip()] * len(view)]
            elif audio:
                audio.unlink(missing_ok=True)  # the session has a copy of its own

        def refused(one: Tab | None, why: str) -> str:
            """A notice, below the pointer to help where there is one."""
            if one is None:
                return drawn.alert(why)
            one.notice = why
            return drawn.told(one)

        def begin_edit(one: Tab | None) -> list[Any]:
            turn = one.explained(one.session.turns) if one else None
            if one is None or turn is None:
                return [None, gr.skip(), gr.skip(), refused(one, "Nothing was said yet.")]
            label = f"Other words for turn {turn.number + 1}, {turn.speaker}"
            other = gr.update(value=turn.text, label=label)
            return [(one.session.id, turn.number, turn.text), gr.update(visible=True), other, drawn.told(one)]

        def saved(one: Tab | None, meant: Any, text: str, wants: bool) -> Iterator[list[Any]]:
            """What was meant may be gone by now, and another conversation be here."""
            id, number, before = meant or ("", 0, "")
            turns = one.session.turns if one else ()
            if one and (one.session.id != id or number >= len(turns) or turns[number].text != before):
                one.notice = "The turn that was to be edited is not there any more. Nothing was changed."
                yield [gr.update(visible=False), *draw(one)]
                return
            for at, drawing in enumerate(doing(lambda one: one.edit(number, text, wants_reply=wants))(one)):
                turns = one.session.turns if one else ()
                done = number < len(turns) and turns[number].text == text.strip()
                # later steps are of a reply, and another turn may be edited by then
                yield [gr.update(visible=False) if done and not at else gr.skip(), *drawing]

        def added(one: Tab | None, text: str) -> Iterator[list[Any]]:
            before = len(one.session) if one else 0
            for drawing in doing(lambda one: one.add(text))(one):
                yield [gr.skip() if one is None or len(one.session) == before else "", *drawing]

        def open_file(one: Tab | None, path: str) -> list[Any]:
            """The file's words go into the box; the file itself, a copy of what the visitor has, goes at once."""
            try:
                if Path(path).stat().st_size > MOST_BYTES:
                    raise PrcEmoError(f"Expected a file of at most {MOST_BYTES // 1000} kB. Add it in parts.")
                return [files.read_text(Path(path)), drawn.told(one) if one else ""]
            except PrcEmoError as error:
                return [gr.skip(), refused(one, str(error).replace(path, Path(path).name))]
            finally:
                Path(path).unlink(missing_ok=True)

        def listed(one: Tab | None, ids: list[str]) -> Any:
            kept = one.kept([id for id in ids or [] if isinstance(id, str)][:200]) if one else []
            choices = [(drawn.kept_in_a_line(each), each.id) for each in kept]
            now = one.session.id if one and any(each.id == one.session.id for each in kept) else None
            return gr.update(choices=choices, value=now)

        def export(one: Tab | None) -> list[Any]:
            try:
                if one is None:
                    raise PrcEmoError(_LOST)
                # the day and a quarter of the random digits: who is given the file is not given the conversation on the server
                name = one.session.id[:17]
                called, content = packed(one.session, name)
                return [[called, base64.b64encode(content).decode()], drawn.told(one)]
            except PrcEmoError as error:
                return [None, refused(one, str(error))]

        def meant(one: Tab | None, chosen_id: str | None, typed: str) -> str:
            return typed.strip() or chosen_id or (one.session.id if one else "")

        def ask_to_delete(one: Tab | None, chosen_id: str | None, typed: str) -> list[Any]:
            id = meant(one, chosen_id, typed)
            what = "this conversation" if one and id == one.session.id else f"{id[:13]}…"
            return [id, gr.update(visible=True), f"Delete {what} for good"]

        def deleted(one: Tab | None, id: str) -> Iterator[list[Any]]:
            for drawing in doing(lambda one: one.delete(id))(one):
                yield [id if one and not one.kept([id]) else "", gr.update(visible=False), *drawing]

        def played(one: Tab | None, event: gr.EventData) -> list[Any]:
            """The recording of a turn, for the browser to play; a file of Gradio's would be left behind."""
            recording = one.recording(int(event.number)) if one else None
            return [event.number, base64.b64encode(recording).decode()] if recording else []

        def on(listener: Any, handler: Callable[..., Any], inputs: Any, outputs: Any, **more: Any) -> Any:
            return listener(
                handler, inputs, outputs, api_visibility="private", show_progress="hidden", **more
            )

        def in_browser(listener: Any, inputs: Any, js: str) -> Any:
            return listener(None, inputs, None, js=js, api_visibility="private")

        def chosen(one: Tab | None, event: gr.EventData) -> Iterator[list[Any]]:
            yield from doing(lambda one: one.choose(int(event.number)))(one)

        in_browser(blocks.load, None, "() => { prcEmo.label(); prcEmo.follow(); }")
        recall = "() => [prcEmo.current(), prcEmo.known()]"
        on(blocks.load, open_tab, [current, known], [tab, header, *view], js=recall)
        in_browser(mine.change, [mine], "(id) => prcEmo.keep(id || '', !!id)")

        for said in (send.click, words.submit):
            # also while a reply is coming, which then ends
            sent = [words, voice, *view]
            on(said, say, [tab, who, words, voice, wants_reply], sent, trigger_mode="multiple")
        on(stop.click, lambda one: one and one.stop(), [tab], None)
        on(undo.click, doing(Tab.undo), [tab], view)
        on(reread.click, doing(Tab.reread), [tab], view)
        for shown in (talk, mood):
            on(shown.choose, chosen, [tab], view)
        on(talk.earlier, doing(Tab.earlier), [tab], view)
        plays = on(talk.play, played, [tab], [sound])
        in_browser(plays.then, [sound], "(sound) => { if (sound?.length) prcEmo.play(...sound); }")

        begun = on(edit.click, begin_edit, [tab], [edited, editing, other, told])
        focus = "() => setTimeout(() => document.querySelector('#other textarea')?.focus(), 100)"
        in_browser(begun.then, None, focus)
        on(save.click, saved, [tab, edited, other, wants_reply], [editing, *view])
        for over in (leave, undo, new, resume, sure):
            on(over.click, lambda: gr.update(visible=False), None, [editing])

        on(opened.upload, open_file, [tab, opened], [pasted, told])
        on(add.click, added, [tab, pasted], [pasted, *view])
        made = on(download.click, export, [tab], [file, told])
        in_browser(made.then, [file], "(file) => { if (file) prcEmo.save(...file); }")

        ask = "(tab, known) => [tab, prcEmo.known()]"
        on(sessions.expand, listed, [tab, known], [which], js=ask)
        on(new.click, doing(Tab.new), [tab], view)
        resumed = on(
            resume.click,
            doing(lambda one, *ids: one.resume(meant(one, *ids))),
            [tab, which, by_id],
            view,
        )
        on(delete.click, ask_to_delete, [tab, which, by_id], [doomed, deleting, sure])
        on(spare.click, lambda: gr.update(visible=False), None, [deleting])
        forgotten = on(sure.click, deleted, [tab, doomed], [gone, deleting, *view])
        in_browser(gone.change, [gone], "(id) => { if (id) prcEmo.forget(id); }")
        for changed in (resumed, forgotten):
            on(changed.then, listed, [tab, known], [which], js=ask)

    return blocks.queue(default_concurrency_limit=None, api_open=False)
