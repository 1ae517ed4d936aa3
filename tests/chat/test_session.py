"""The engine's promises: what is said is read once, kept at once, taken back exactly, and seen by nobody else."""

import threading
from pathlib import Path

import pytest
from chat_kit import WordReader

from prc_emo import Conversation, PrcEmoError
from prc_emo.chat.archive import Archive
from prc_emo.chat.export import export
from prc_emo.chat.session import Session
from prc_emo.corpora import load_corpus, read_conversations
from prc_emo.labels import LabelSet

WORDS = ["Well.", "It rained again.", "You said so!", "I did?", "Twice.", "Oh no.", "Fine, then."]


def talk(session: Session, words: list[str] = WORDS) -> Session:
    for at, text in enumerate(words):
        session.say(("Ada", "Ben")[at % 2], text)
    return session


@pytest.mark.parametrize("window", [0, 2, None])
def test_a_turn_is_read_as_it_is_in_the_whole_conversation(window: int | None) -> None:
    session = talk(Session(WordReader(window)))
    ids = {turn.id for turn in session.conversation().utterances}
    whole = WordReader(window).read([session.conversation()], ids)
    assert [turn.reading for turn in session.turns] == [
        whole[f"{session.id}/{turn.number}"] for turn in session.turns
    ]


def test_a_pasted_dialogue_is_read_as_if_it_had_been_typed() -> None:
    typed, pasted = talk(Session(WordReader(), id="same")), Session(WordReader(), id="same")
    pasted.say("Ada", WORDS[0])
    pasted.say_all([(("Ada", "Ben")[at % 2], text) for at, text in enumerate(WORDS)][1:])
    assert pasted.turns == typed.turns


def test_only_the_window_is_ever_read() -> None:
    reader = WordReader(window=3)
    talk(Session(reader), WORDS * 5)
    assert reader.most == 4


def test_what_is_said_later_changes_no_reading() -> None:
    session = Session(WordReader())
    seen = []
    for text in WORDS:
        seen.append(session.say("Ada", text))
    assert list(session.turns) == seen


def test_undo_restores_exactly(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "s.sqlite")
    session = Session(WordReader(), archive)
    states = []
    for text in WORDS:
        states.append((session.turns, session.mood()))
        session.say("Ada", text)
    for turns, mood in reversed(states):
        session.undo()
        assert (session.turns, session.mood()) == (turns, mood)
        assert archive.load(session.id)[1] == list(turns)
    with pytest.raises(PrcEmoError, match="Nothing was said yet"):
        session.undo()


def test_what_is_said_after_an_undo_reads_as_if_nothing_had_happened() -> None:
    session, straight = Session(WordReader(), id="a"), Session(WordReader(), id="a")
    session.say("Ada", "Never mind this.")
    session.undo()
    assert session.say("Ada", "Well.") == straight.say("Ada", "Well.")


def test_an_edit_reads_one_turn_again_and_leaves_the_others(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "s.sqlite")
    session = talk(Session(WordReader(), archive, id="a"))
    before = session.turns
    edited = session.edit(2, "You said nothing!")
    assert session.turns == (*before[:2], edited, *before[3:])
    straight = talk(Session(WordReader(), id="a"), [*WORDS[:2], "You said nothing!"])
    assert edited == straight.turns[2]
    assert archive.load("a")[1] == list(session.turns)


def test_rereading_makes_it_the_conversation_that_it_would_have_been() -> None:
    session = talk(Session(WordReader(), id="a"))
    session.edit(2, "You said nothing!")
    changed = session.reread()
    straight = talk(Session(WordReader(), id="a"), [*WORDS[:2], "You said nothing!", *WORDS[3:]])
    assert session.turns == straight.turns
    assert all(turn.number > 2 for turn in changed)


def test_a_model_that_was_trained_to_look_ahead_says_that_it_cannot_here() -> None:
    assert Session(WordReader()).note is None
    live = talk(Session(WordReader(see="surrounding"), id="a"))
    assert "trained to see also the turns that follow" in str(live.note)
    past = talk(Session(WordReader(), id="a"))
    assert live.turns == past.turns  # typed turn by turn, nothing followed yet
    live.reread()
    ids = {turn.id for turn in live.conversation().utterances}
    whole = WordReader(see="surrounding").read([live.conversation()], ids)
    assert [turn.reading for turn in live.turns] == [whole[f"a/{number}"] for number in range(len(live))]
    assert live.turns != past.turns


def test_what_cannot_be_said_changes_nothing() -> None:
    session = talk(Session(WordReader()))
    before = session.turns
    with pytest.raises(PrcEmoError, match=r"Turn 9: expected some words, got none\."):
        session.say_all([("Ada", "Fine."), ("Ben", "  ")])
    with pytest.raises(PrcEmoError, match="expected the name of a speaker"):
        session.say(" ", "Fine.")
    with pytest.raises(PrcEmoError, match=r"There is no turn 9: expected 1 to 7\."):
        session.edit(8, "Fine.")
    assert session.turns == before


def test_a_shift_is_against_the_same_speakers_turn_before() -> None:
    session = talk(Session(WordReader(0)), WORDS * 3)
    for turn in session.turns:
        own = [one for one in session.turns[: turn.number] if one.speaker == turn.speaker]
        shift = session.shift(turn.number)
        if not own or own[-1].reading.label == turn.reading.label:  # type: ignore[union-attr]
            assert shift is None
        else:
            assert shift is not None
            assert (shift.before, shift.now) == (own[-1].reading.label, turn.reading.label)  # type: ignore[union-attr]
    assert any(session.shift(turn.number) for turn in session.turns)


def test_mood_is_the_valence_that_the_probabilities_expect() -> None:
    session = talk(Session(WordReader()))
    by_speaker = {number for name in session.speakers for number, _ in session.mood(name)}
    assert by_speaker == {number for number, _ in session.mood()} == set(range(len(WORDS)))
    for number, valence in session.mood():
        chances = session.turns[number].reading.probabilities  # type: ignore[union-attr]
        # joy lies at 27 degrees, sadness at 261, neutral in the middle
        assert valence == pytest.approx(chances["joy"] * 0.8910 + chances["sadness"] * -0.1564, abs=1e-3)


def test_a_reply_is_context_and_is_not_read() -> None:
    session = Session(WordReader(), id="a")
    session.say("Ada", "Well.")
    assert list(session.reply(session.turns[-1], "Machine", "kit", ["  Wh", "at", " ", "is it?"])) == [
        "Wh",
        "at",
        " ",
        "is it?",
    ]
    reply = session.turns[1]
    assert (reply.speaker, reply.text, reply.by, reply.reading) == ("Machine", "What is it?", "kit", None)
    straight = Session(WordReader(), id="a")
    straight.say_all([("Ada", "Well."), ("Machine", "What is it?")])
    assert session.say("Ada", "Rain.").reading == straight.say("Ada", "Rain.").reading
    session.reread()
    assert session.turns[1].reading is None


def test_a_reply_ends_when_the_conversation_goes_on_without_it() -> None:
    session = Session(WordReader())
    session.say("Ada", "Well.")
    pieces = session.reply(session.turns[-1], "Machine", "kit", ["What", " is", " it?"])
    next(pieces)
    session.undo()
    session.say("Ada", "Never mind.")
    with pytest.raises(PrcEmoError, match="went on while a reply was coming"):
        next(pieces)
    assert [turn.text for turn in session.turns] == ["Well.", "Never mind."]


def test_two_sessions_never_mix(tmp_path: Path) -> None:
    """Eight threads, one reader, one archive; each session ends as if it had been alone."""
    archive, reader = Archive(tmp_path / "s.sqlite"), WordReader()
    sessions = [Session(reader, archive, id=f"s{number}") for number in range(8)]

    def speak(session: Session) -> None:
        for text in WORDS:
            session.say(session.id, f"{text} {session.id}")

    threads = [threading.Thread(target=speak, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for session in sessions:
        alone = Session(WordReader(), id=session.id)
        speak(alone)
        assert session.turns == alone.turns
        assert Session.resume(reader, archive, session.id).turns == alone.turns


def test_several_threads_may_use_one_session(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "s.sqlite")
    session = Session(WordReader(), archive)
    threads = [threading.Thread(target=talk, args=(session,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [turn.number for turn in session.turns] == list(range(4 * len(WORDS)))
    assert archive.load(session.id)[1] == list(session.turns)


def test_an_export_is_read_again_as_the_same_conversation(tmp_path: Path) -> None:
    session = talk(Session(WordReader()))
    session.say("Ada", 'Two\nlines, "quotes" and \u2028 more.')
    export(session, tmp_path / "out.jsonl")
    assert read_conversations(tmp_path / "out.jsonl") == [session.conversation()]
    corpus = load_corpus("jsonl", tmp_path / "out.jsonl", labels=LabelSet("any", ("joy", "fear")))
    assert corpus.test == (session.conversation(),)
    # what a model says is no gold label
    assert all(turn.gold is None for one in corpus.test for turn in one.utterances)


def test_nothing_said_is_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(PrcEmoError, match="Nothing was said yet"):
        export(Session(WordReader()), tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_the_conversation_is_the_record_of_every_corpus() -> None:
    session = talk(Session(WordReader(), id="a"))
    assert session.conversation() == Conversation.of(
        [(("Ada", "Ben")[at % 2], text) for at, text in enumerate(WORDS)], id="a"
    )
