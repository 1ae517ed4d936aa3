"""Recordings in a chat: wherever one is given, the same is heard of it; it is kept with its session, and goes with it."""

import base64
import io
import json
import os
import sqlite3
import stat
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from chat_kit import tone
from rich.console import Console
from serve_kit import Talker
from test_page import do
from test_serve_http import Client, error

from prc_emo import PRCEmo, PrcEmoError
from prc_emo.chat import recordings
from prc_emo.chat.archive import Archive
from prc_emo.chat.export import export, packed
from prc_emo.chat.reader import Reader, open_run
from prc_emo.chat.server.app import Limits
from prc_emo.chat.server.batching import BatchingReader
from prc_emo.chat.session import Session
from prc_emo.chat.terminal import Chat
from prc_emo.chat.typed import file_and_words
from prc_emo.chat.web import drawn
from prc_emo.chat.web.tab import Tab
from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora import load_corpus, read_conversations
from prc_emo.labels import LabelSet

pytest.importorskip("soundfile", reason="pip install 'prc-emo[speech]'")

BROKEN = b"RIFF, and then nothing that anybody could hear"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where features are kept, and temporary files: both are looked at in the end."""
    monkeypatch.setenv("PRC_EMO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def reader(hearing: Path) -> Reader:
    return open_run(hearing)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "s.sqlite")


@pytest.fixture
def said(tmp_path: Path) -> list[tuple[str, str, Path | None]]:
    """With words and a recording, with words alone, and with a recording alone."""
    folder = tmp_path / "said"
    folder.mkdir()
    return [
        ("Ross", "I'm fine.", tone(folder / "fine.wav", 130, 0.3)),
        ("Monica", "The soup is cold, Ross.", None),
        ("Ross", "", tone(folder / "hm.flac", 310, 0.8)),
        ("Monica", "Really!", tone(folder / "really.ogg", 450, 1.5)),
    ]


def say(session: Session, said: list[tuple[str, str, Path | None]]) -> Session:
    for one in said:
        session.say(*one)
    return session


def probabilities(session: Session) -> list[dict[str, float]]:
    return [dict(turn.reading.probabilities) for turn in session.turns if turn.reading]


def alike(some: list[dict[str, float]], others: list[dict[str, float]]) -> bool:
    return len(some) == len(others) and all(
        one == pytest.approx(other, abs=1e-5) for one, other in zip(some, others, strict=True)
    )


def encoded(file: Path, form: str | None = None) -> dict[str, str]:
    return {
        "data": base64.b64encode(file.read_bytes()).decode(),
        "format": form or file.suffix[1:],
    }


def bodies(said: list[tuple[str, str, Path | None]]) -> list[dict[str, Any]]:
    return [
        {"speaker": who, "text": text, **({"audio": encoded(file)} if file else {})}
        for who, text, file in said
    ]


def files_below(*folders: Path) -> list[Path]:
    return [file for folder in folders for file in folder.rglob("*") if file.is_file()]


def test_the_same_recordings_are_heard_alike_in_python_read_a_chat_http_and_the_page(
    hearing: Path,
    reader: Reader,
    archive: Archive,
    said: list[tuple[str, str, Path | None]],
    tmp_path: Path,
    prc_emo: Callable[..., Any],
) -> None:
    talk = Conversation(
        "talk",
        tuple(Utterance(f"talk/{at}", who, text, None, file) for at, (who, text, file) in enumerate(said)),
    )
    # this run was trained strictly; whoever types is read all the same
    assert len(PRCEmo.load(hearing).read(talk)) == len(said)
    model = open_run(hearing)._model  # type: ignore[attr-defined]
    expected = [dict(one.probabilities) for one in model.read(talk)]
    deaf = replace(talk, utterances=tuple(replace(turn, audio=None) for turn in talk.utterances))
    assert not alike([dict(one.probabilities) for one in model.read(deaf)], expected)

    session = say(Session(reader, archive), said)
    assert alike(probabilities(session), expected)
    assert [str(turn.reading.voice) for turn in session.turns if turn.reading] == [
        "heard",
        "None",
        "heard",
        "heard",
    ]
    assert alike(probabilities(say(Session(reader), said)), expected)

    terminal = Chat(reader, None, Console(file=io.StringIO()), piped=True)
    for who, text, file in said:
        terminal.take(f"/as {who}")
        terminal.take(f"/audio {file} {text}" if file else text)
    assert alike(probabilities(terminal.session), expected)

    tab = Tab(reader, None, None)
    for who, text, file in said:
        do(tab, tab.send(who, text, wants_reply=True, audio=file))
    assert alike(probabilities(tab.session), expected)

    client = Client(BatchingReader(reader, wait=0.05))
    (found,) = client.emotions(bodies(said)).json()["conversations"]
    client.reader.close()
    assert alike([turn["probabilities"] for turn in found["turns"]], expected)
    assert [turn["voice"] for turn in found["turns"]] == [
        {"heard": True, "detail": ""},
        None,
        {"heard": True, "detail": ""},
        {"heard": True, "detail": ""},
    ]

    settings = json.loads((hearing / "model/prc_emo.json").read_text())
    assert settings["speech"]["strict"]
    export(session, tmp_path / "out.jsonl")
    (again,) = read_conversations(tmp_path / "out.jsonl")
    assert alike([dict(one.probabilities) for one in model.read(again)], expected)


def test_nothing_of_a_voice_stays_outside_its_session(
    reader: Reader, said: list[tuple[str, str, Path | None]], tmp_path: Path, cache: Path
) -> None:
    client = Client(BatchingReader(reader))
    assert client.emotions(bodies(said)).status_code == 200
    assert (
        client.emotions([{"speaker": "A", "text": "so " * 9000, "audio": encoded(said[0][2])}]).status_code
        == 422
    )  # type: ignore[arg-type]
    client.reader.close()
    say(Session(reader), said)  # one that nobody keeps any more
    assert files_below(cache, tmp_path / "temporary") == []


def test_what_was_heard_stays_as_it_is_when_a_session_is_resumed(
    reader: Reader, archive: Archive, said: list[tuple[str, str, Path | None]]
) -> None:
    session = say(Session(reader, archive), said[:3])
    for _, _, file in said[:3]:
        if file:
            file.unlink()  # the session has copies
    again = Session.resume(reader, Archive(archive.path), session.id)
    assert again.turns == session.turns
    assert again.reread() == () and alike(probabilities(again), probabilities(session))
    again.say(*said[3])  # its context is heard as it was
    said[0][2].write_bytes(again.turns[0].audio.read_bytes())  # type: ignore[union-attr]
    said[2][2].write_bytes(again.turns[2].audio.read_bytes())  # type: ignore[union-attr]
    assert alike(probabilities(say(Session(reader), said)), probabilities(again))


def test_recordings_go_with_their_turn_and_with_their_session(
    reader: Reader, archive: Archive, said: list[tuple[str, str, Path | None]]
) -> None:
    stays, gone = say(Session(reader, archive), said), say(Session(reader, archive), said)
    place = archive.recordings(gone.id)
    assert gone.id not in str(place)
    assert len(files_below(place)) == 3
    assert stat.S_IMODE(place.stat().st_mode) == stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    gone.edit(0, "I am not.")
    assert len(files_below(place)) == 3 and gone.turns[0].reading.voice is not None  # type: ignore[union-attr]
    gone.undo()
    assert len(files_below(place)) == 2
    archive.delete(gone.id)
    assert not place.exists() and len(files_below(archive.recordings(stays.id))) == 3
    assert Session.resume(reader, archive, stays.id).reread() == ()


def test_what_is_not_said_leaves_no_recording(
    reader: Reader, archive: Archive, said: list[tuple[str, str, Path | None]], tmp_path: Path
) -> None:
    session = Session(reader, archive)
    session.say(*said[0])
    (tmp_path / "broken.wav").write_bytes(BROKEN)
    for text, file, sentence in (
        ("So. " * 9000, said[0][2], "the utterance alone takes"),
        ("", tmp_path / "broken.wav", r"Turn 2 has no words, and its recording is not heard: corrupt \("),
        ("Fine.", tmp_path / "nowhere.wav", "expected a recording, found no such file"),
        ("Fine.", tmp_path, "expected a recording, found no such file"),
        ("Fine.", Path("https://example.org/a.wav"), "found no such file"),
    ):
        with pytest.raises(PrcEmoError, match=sentence):
            session.say("Ross", text, file)
    assert len(session) == 1 and len(files_below(archive.recordings(session.id))) == 1


def test_a_recording_that_is_too_large_is_refused(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "MOST", 1000)
    with pytest.raises(PrcEmoError, match=r"long.wav: expected a recording of at most"):
        Session(reader).say("Ross", "Fine.", tone(tmp_path / "long.wav", 100))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda file: file.write_bytes(BROKEN), "not heard: corrupt ("),
        (lambda file: file.write_bytes(b""), "not heard: empty (0 bytes)"),
        (lambda file: tone(file, 100, 0.05), "not heard: too short (0.05 s, expected at least 0.10 s)"),
        (lambda file: tone(file, 100, 30.5), "heard: the first 30 s"),
    ],
)
def test_why_nothing_is_heard_is_told_everywhere(
    reader: Reader, tmp_path: Path, make: Callable[[Path], Any], told: str
) -> None:
    file = tmp_path / "odd.wav"
    make(file)
    out = io.StringIO()
    chat = Chat(reader, None, Console(file=out, width=120), piped=True)
    chat.take(f"/audio {file} I'm fine.")
    assert told in out.getvalue()
    chat.take("/explain")
    assert f"its recording: {told}" in out.getvalue()
    tab = Tab(reader, None, None)
    do(tab, tab.send("You", "I'm fine.", wants_reply=False, audio=file))
    for part in (drawn.talk(tab), drawn.explanation(tab), tab.news):
        assert told in part
    client = Client(BatchingReader(reader), limits=Limits(body=2_000_000))
    answer = client.emotions([{"speaker": "A", "text": "I'm fine.", "audio": encoded(file)}])
    client.reader.close()
    ((turn,),) = [talk["turns"] for talk in answer.json()["conversations"]]
    assert str(chat.session.turns[0].reading.voice).startswith(told)  # type: ignore[union-attr]
    assert turn["voice"]["heard"] is not told.startswith("not") and turn["voice"]["detail"] in str(
        chat.session.turns[0].voice
    )


def test_two_programs_in_one_session_keep_their_recordings_apart(
    reader: Reader, archive: Archive, said: list[tuple[str, str, Path | None]]
) -> None:
    first = Session(reader, archive)
    first.say(*said[0])
    second = Session.resume(reader, Archive(archive.path), first.id)
    second.say("Ross", "From the second.", said[2][2])
    first.say("Ross", "From the first.", said[3][2])
    assert "continued elsewhere" in str(first.trouble)
    kept = archive.recordings(first.id)
    assert len(files_below(kept)) == 2
    assert first.turns[1].audio is not None and first.turns[1].audio.is_file()
    first.undo()
    first.undo()
    assert len(files_below(kept)) == 2 and second.reread() == ()
    Archive(archive.path).delete(second.id)
    second.say("Ross", "Still here.", said[3][2])
    assert files_below(kept) == []
    assert second.turns[2].audio is not None and second.turns[2].audio.is_file()


def test_what_a_killed_process_left_is_removed_once_nobody_can_be_about_to_need_it(
    reader: Reader, archive: Archive, said: list[tuple[str, str, Path | None]]
) -> None:
    session = Session(reader, archive)
    session.say(*said[0])
    place = archive.recordings(session.id)
    old, young = place / "old.wav", place / "young.wav"
    for file in (old, young, *files_below(place)):
        file.write_bytes(BROKEN)
        if file != young:
            os.utime(file, (time.time() - 7200,) * 2)
    Archive(archive.path)
    assert not old.exists() and young.exists() and len(files_below(place)) == 2


def test_sessions_of_before_there_were_recordings_go_on(archive: Archive, reader: Reader) -> None:
    session = Session(reader, archive)
    session.say("Ross", "I'm fine.")
    archive.close()
    with sqlite3.connect(archive.path) as base:  # as version 1 had it
        base.execute("ALTER TABLE turn DROP COLUMN audio")
        reading = json.loads(base.execute("SELECT reading FROM turn").fetchone()[0])
        del reading["voice"]
        base.execute("UPDATE turn SET reading = ?", (json.dumps(reading),))
        base.execute("PRAGMA user_version = 1")
    again = Archive(archive.path)
    assert Session.resume(reader, again, session.id).turns == session.turns
    again.close()
    Archive(archive.path).close()


def test_an_export_names_its_recordings_and_does_not_write_over_others(
    reader: Reader, said: list[tuple[str, str, Path | None]], tmp_path: Path
) -> None:
    session = say(Session(reader), said)
    out = tmp_path / "out" / "talk.jsonl"
    export(session, out)
    row = json.loads(out.read_text())
    assert [turn.get("audio") for turn in row["turns"]] == [
        "talk-recordings/1.wav",
        None,
        "talk-recordings/3.flac",
        "talk-recordings/4.ogg",
    ]
    corpus = load_corpus("jsonl", out, labels=LabelSet("any", ("joy", "fear")))
    heard = [turn.audio.read_bytes() if turn.audio else None for turn in corpus.test[0].utterances]
    assert heard == [file.read_bytes() if file else None for _, _, file in said]
    with pytest.raises(PrcEmoError, match="talk-recordings is there already"):
        export(session, out.with_suffix(".json"))
    file = zipfile.ZipFile(io.BytesIO(packed(session, "mine")[1]))
    file.extractall(tmp_path / "unpacked")
    (talk,) = read_conversations(tmp_path / "unpacked" / "mine.jsonl")
    assert [turn.audio.read_bytes() if turn.audio else None for turn in talk.utterances] == heard


def test_the_exported_file_is_read_with_its_recordings_on_the_command_line(
    hearing: Path, reader: Reader, tmp_path: Path, prc_emo: Callable[..., Any]
) -> None:
    session = Session(reader)
    for at, text in enumerate(("I'm fine.", "Really!")):  # this run is strict: all have a recording
        session.say("Ross", text, tone(tmp_path / f"{at}.wav", 130 + 100 * at, 0.3 + at))
    export(session, tmp_path / "out.jsonl")
    done = prc_emo("read", hearing, tmp_path / "out.jsonl", "--json")
    assert done.code == 0 and "Recordings: 2 heard." in done.err
    answers = [json.loads(line)["probabilities"] for line in done.out.splitlines()]
    assert alike(answers, probabilities(session))


def test_a_model_without_ears_says_so_wherever_it_is_given_a_recording(
    trained: Path, tmp_path: Path, archive: Archive
) -> None:
    reader, file = open_run(trained), tone(tmp_path / "a.wav", 200)
    assert not reader.hears
    with pytest.raises(PrcEmoError, match=r"Turn 1: .* hears no recordings, it was trained without them"):
        Session(reader, archive).say("Ross", "Fine.", file)
    tab = Tab(reader, archive, None)
    do(tab, tab.send("Ross", "Fine.", wants_reply=False, audio=file))
    assert "hears no recordings" in tab.notice and len(tab.session) == 0
    client = Client(BatchingReader(reader))
    answer = client.emotions([{"speaker": "A", "text": "Fine.", "audio": encoded(file)}])
    assert (answer.status_code, "hears no recordings" in error(answer)) == (422, True)
    assert answer.json()["error"]["param"] == "conversations.0.turns.0.audio"
    assert str(trained.parent) not in error(answer)
    chat = client.ask("POST", "/v1/chat/completions", json=spoken(file, "Fine."))
    assert (chat.status_code, "hears no recordings" in error(chat)) == (422, True)
    client.reader.close()
    assert files_below(archive.path.with_name("s.sqlite-recordings")) == []


def test_a_session_with_voices_is_resumed_by_a_reader_without_ears(
    reader: Reader, trained: Path, archive: Archive, said: list[tuple[str, str, Path | None]]
) -> None:
    session = say(Session(reader, archive), said[:2])
    resumed = Session.resume(open_run(trained), archive, session.id)
    assert resumed.turns == session.turns
    resumed.reread()
    assert resumed.turns[0].voice == "not heard: this recognizer hears no recordings"


def spoken(file: Path, text: str = "", **more: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "input_audio", "input_audio": encoded(file)}]
    if text:
        parts.append({"type": "text", "text": text})
    return {"model": "words", "messages": [{"role": "user", "content": parts}], **more}


def test_openais_form_carries_a_recording_in_the_message(
    reader: Reader, said: list[tuple[str, str, Path | None]], tmp_path: Path
) -> None:
    client = Client(BatchingReader(reader))
    file = said[0][2]
    assert file is not None
    expected = client.emotions([{"speaker": "User", "text": "I'm fine.", "audio": encoded(file)}])
    chat = client.ask("POST", "/v1/chat/completions", json=spoken(file, "I'm fine.")).json()
    (turn,) = expected.json()["conversations"][0]["turns"]
    assert chat["emotion"]["probabilities"] == pytest.approx(turn["probabilities"], abs=1e-6)
    assert chat["emotion"]["voice"] == {"heard": True, "detail": ""}
    assert chat["choices"][0]["message"]["content"] == "I'm fine. "
    # what is said is not known where it is not written: it is read, and nobody pretends to answer it
    silent = client.ask("POST", "/v1/chat/completions", json=spoken(file)).json()
    assert silent["emotion"]["label"] and silent["choices"][0]["message"]["content"] == ""
    (tmp_path / "broken.wav").write_bytes(BROKEN)
    broken = client.ask("POST", "/v1/chat/completions", json=spoken(tmp_path / "broken.wav"))
    assert (broken.status_code, "has no words, and its recording is not heard: corrupt" in error(broken)) == (
        422,
        True,
    )
    twice = spoken(file, "I'm fine.")
    twice["messages"][0]["content"].append(twice["messages"][0]["content"][0])
    answer = client.ask("POST", "/v1/chat/completions", json=twice)
    assert (answer.status_code, "one recording in a message at most" in error(answer)) == (422, True)
    client.reader.close()


@pytest.mark.parametrize(
    "audio",
    [
        "/etc/hostname",
        {"path": "/etc/hostname"},
        {"data": "/etc/hostname", "format": "wav"},
        {"data": "file:///etc/hostname", "format": "wav"},
        {"data": "https://example.org/a.wav", "format": "wav"},
        {"data": "data:audio/wav;base64,AAAA", "format": "wav"},
        {"data": "AAAA", "format": "../../x"},
    ],
)
def test_a_path_in_a_request_is_refused(reader: Reader, audio: Any) -> None:
    client = Client(BatchingReader(reader))
    answer = client.emotions([{"speaker": "A", "text": "Fine.", "audio": audio}])
    assert answer.status_code == 422
    part = {"type": "input_audio", "input_audio": audio}
    body = {"model": "words", "messages": [{"role": "user", "content": [part]}]}
    assert client.ask("POST", "/v1/chat/completions", json=body).status_code == 422
    client.reader.close()
    tab = Tab(reader, None, None)
    row = {"turns": [{"speaker": "A", "text": "Fine.", "audio": "/etc/hostname"}]}
    do(tab, tab.add(json.dumps(row)))
    assert "reads no files by their names" in tab.notice and len(tab.session) == 0


def test_two_requests_with_the_same_words_and_other_recordings_are_kept_apart(
    reader: Reader, tmp_path: Path
) -> None:
    """Over HTTP, where the server names turns; and of two callers who call theirs alike."""
    files = [tone(tmp_path / f"{hertz}.wav", hertz, hertz / 300) for hertz in (110, 220, 330, 440)]
    alone = [probabilities(say(Session(reader), [("A", "Well.", file)]))[0] for file in files]
    assert not any(alike([one], [other]) for one, other in pairwise(alone))
    client = Client(BatchingReader(reader, wait=0.2))
    calls = [
        ("POST", "/v1/emotions", {"json": {"conversations": [{"turns": bodies([("A", "Well.", file)])}]}})
        for file in files
    ]
    found = [answer.json()["conversations"][0]["turns"][0]["probabilities"] for answer in client.all(*calls)]
    assert alike(found, alone)
    for talk in ("same", "{}"):  # conversations of one name; turns of one name in conversations of two
        futures = [
            client.reader.submit(
                [Conversation(talk.format(at), (Utterance("turn", "A", "Well.", None, file),))], {"turn"}
            )
            for at, file in enumerate(files)
        ]
        assert alike([dict(future.result(20)["turn"].probabilities) for future in futures], alone)
    client.reader.close()


def test_a_long_conversation_is_heard_once_however_many_batches_it_takes(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [
        ("A", f"Well, {at}.", tone(tmp_path / f"{at}.wav", 100 + 20 * at, 0.1 + at / 20)) for at in range(12)
    ]
    expected = probabilities(say(Session(reader), turns))
    shown: list[int] = []
    read = reader.read
    monkeypatch.setattr(
        reader, "read", lambda talks, only: (shown.append(sum(map(len, talks))), read(talks, only))[1]
    )
    client = Client(BatchingReader(reader, batch=3, wait=0.0))
    (found,) = client.emotions(bodies(turns)).json()["conversations"]  # type: ignore[arg-type]
    client.reader.close()
    assert alike([turn["probabilities"] for turn in found["turns"]], expected)
    assert shown == [3, 5, 5, 5]  # a batch, and the window of two before it


def test_a_request_may_hold_so_much_sound_and_no_more(reader: Reader, tmp_path: Path) -> None:
    client = Client(BatchingReader(reader), limits=Limits(sound=1.0, body=200_000))
    body = {"speaker": "A", "text": "Fine.", "audio": encoded(tone(tmp_path / "a.wav", 200, 0.6))}
    assert client.emotions([body]).status_code == 200
    answer = client.emotions([body, body])
    assert (answer.status_code, error(answer)) == (
        422,
        "Expected at most 1 s of sound in a request, got more. Send fewer recordings at once.",
    )
    long = {**body, "audio": encoded(tone(tmp_path / "long.wav", 200, 9))}
    assert client.emotions([long]).status_code == 413
    client.reader.close()


def test_a_voice_that_unpacks_to_more_than_memory_is_not_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prc_emo.speech import audio

    file = tone(tmp_path / "long.flac", 100, 2)
    assert isinstance(audio.listen(file), audio.Sound)
    monkeypatch.setattr(audio, "MOST_SAMPLES", 16_000)
    found = audio.listen(file)
    assert isinstance(found, audio.Unheard) and str(found.detail) == "32,000 samples, expected at most 16,000"


def test_a_baseline_with_ears_hears_in_a_chat(tmp_path: Path, reader: Reader) -> None:
    from prc_emo.baselines.voice.recognizer import build
    from prc_emo.chat.reader import BaselineReader
    from prc_emo.labels import MELD

    small = {"queries": 2, "width": 16, "layers": 1, "heads": 2, "feedforward": 32}
    talks = [
        Conversation(
            f"t/{at}",
            (Utterance(f"t/{at}/0", "A", "", gold, tone(tmp_path / f"{at}.wav", 150 + 200 * (at % 2))),),
        )
        for at, gold in enumerate(["joy", "anger"] * 3)
    ]
    voice = build(MELD, {"speech": small, "epochs": 1}, 1)
    voice.fit(talks, talks, out=tmp_path / "voice")
    session = Session(BaselineReader(voice, MELD, "voice"))
    turn = session.say("A", "", tmp_path / "0.wav")
    (answer,) = voice.predict([talks[0].hidden()])
    assert turn.reading is not None and str(turn.reading.voice) == "heard"
    assert alike([dict(turn.reading.probabilities)], [dict(answer.probabilities)])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("{} I am fine.", "I am fine."),
        ("'{}' I am fine.", "I am fine."),
        ('"{}"', ""),
        ("{}", ""),
    ],
)
def test_a_file_may_have_spaces_and_words_follow_it(tmp_path: Path, typed: str, words: str) -> None:
    file = tmp_path / "my talk.wav"
    file.write_bytes(BROKEN)
    assert file_and_words(typed.format(file)) == (file, words)
    assert file_and_words(typed.format(str(file).replace(" ", "\\ "))) == (file, words)
    assert file_and_words("nowhere.wav I am " + "very " * 200) == (
        Path("nowhere.wav"),
        ("I am " + "very " * 200).strip(),
    )


def test_a_recording_without_words_is_read_and_not_answered(
    reader: Reader, said: list[tuple[str, str, Path | None]]
) -> None:
    out = io.StringIO()
    chat = Chat(reader, None, Console(file=out, width=200), piped=True, prepare=Talker)
    chat.take(f"/audio {said[2][2]}")
    assert len(chat.session) == 1 and "to be answered, type the words" in out.getvalue()
    tab = Tab(reader, None, Talker())
    do(tab, tab.send("You", "", wants_reply=True, audio=said[2][2]))
    assert len(tab.session) == 1 and "to be answered, type the words" in tab.notice
    assert "a recording without words" in drawn.talk(tab)
    do(tab, tab.send("You", "Fine.", wants_reply=True))
    assert tab.session.situation().before[-1].text == "Fine." and len(tab.session.situation().before) == 1


def test_completion_offers_files_after_a_command_that_takes_one(tmp_path: Path) -> None:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    from prc_emo.chat.keyboard import from_terminal
    from prc_emo.chat.terminal import COMMANDS

    (tmp_path / "recording.wav").write_bytes(BROKEN)
    offered: list[str] = []
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        ask = from_terminal(COMMANDS, None)
        for typed in (f"/audio {tmp_path}/rec\t", "/aud\t"):
            keys.send_text(typed)
            Timer(1.0, keys.send_text, ["\r"]).start()  # what completes comes a moment later
            offered.append(ask("> "))
    assert offered == [f"/audio {tmp_path}/recording.wav", "/audio"]
