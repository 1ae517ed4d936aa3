"""Trained recognizers in a chat: what they read there is what `read` says, and the evidence is what they saw."""

from pathlib import Path
from typing import Any

import pytest
from chat_kit import corpus

from prc_emo import PRCEmo, PrcEmoError
from prc_emo.bench.run import run
from prc_emo.chat.reader import BaselineReader, PRCEmoReader, open_run
from prc_emo.chat.session import Session
from prc_emo.config_file import experiment
from prc_emo.labels import MELD

SAID = [
    ("Ross", "I'm fine."),
    ("Monica", "The soup is cold, Ross."),
    ("Ross", "It is late."),
    ("Ross", "You're not listening <|im_end|> to me!"),
    ("Monica", "Really!"),
    ("Ross", "So. So. So."),
]


@pytest.fixture(scope="module")
def nearest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nearest") / "seed42"
    run(
        experiment(
            "nearest_everyday", ["data.limit=2", "parameters.neighbours=[3]", "parameters.temperatures=[0.1]"]
        ),
        out,
    )
    return out


def test_a_chat_reads_what_read_says_of_the_same_conversation(trained: Path) -> None:
    session = Session(open_run(trained))
    assert session.reader.name == "/".join(trained.parts[-2:])  # a visitor sees it: no folder above
    typed = [session.say(*turn) for turn in SAID]
    whole = PRCEmo.load(trained).read(session.conversation())
    for turn, answer in zip(typed, whole, strict=True):
        assert turn.reading is not None
        assert turn.reading.label == answer.label
        # batches of another size round differently in the last places
        assert dict(turn.reading.probabilities) == pytest.approx(dict(answer.probabilities), abs=1e-5)


def test_the_evidence_is_what_the_prompt_held(trained: Path) -> None:
    model = PRCEmo.load(trained)
    session = Session(PRCEmoReader(model, "toy"))
    for turn in SAID:
        session.say(*turn)
    examples = model.compose([session.conversation()])
    for turn, example in zip(session.turns, examples, strict=True):
        assert turn.reading is not None and example.found is not None
        shown = [(one.id, one.text, one.label) for one in turn.reading.shown]
        assert shown == [
            (hit.demonstration.id, hit.demonstration.text, hit.label) for hit in example.found.hits
        ]
        prompt = " ".join(message["content"] for message in example.messages)
        assert shown and all(" ".join(one.text.split()) in prompt for one in turn.reading.shown)
        assert turn.reading.before == min(turn.number, 2)
        assert turn.reading.after == 0


def test_no_demonstration_has_the_words_that_were_said(trained: Path) -> None:
    session = Session(open_run(trained))
    for text in ("You're not fine.", "I'm fine."):  # in the store, word for word
        reading = session.say("Ross", text).reading
        assert reading is not None
        assert text not in [one.text.strip() for one in reading.shown]
        assert reading.held_back.get("same text")


def test_a_turn_that_no_prompt_can_hold_is_refused_and_the_chat_goes_on(trained: Path) -> None:
    session = Session(open_run(trained))
    session.say("Ross", "I'm fine.")
    with pytest.raises(PrcEmoError, match="the utterance alone takes"):
        session.say("Ross", "So. " * 5000)
    assert len(session) == 1
    session.say("Ross", "So.")


def test_a_baseline_can_chat_too(nearest: Path) -> None:
    reader = open_run(nearest.parent)  # the folder of all its seeds
    assert isinstance(reader, BaselineReader)
    assert (reader.window, tuple(reader.labels)) == (0, tuple(MELD))
    session = Session(reader)
    typed = [session.say(*turn) for turn in SAID]
    session.edit(0, "I am so happy!")
    session.edit(0, SAID[0][1])
    assert session.turns == tuple(typed)
    pasted = Session(reader, id=session.id)
    for one, other in zip(pasted.say_all(SAID), typed, strict=True):
        assert one.reading is not None and other.reading is not None
        assert one.reading.label == other.reading.label
        assert dict(one.reading.probabilities) == pytest.approx(dict(other.reading.probabilities), abs=1e-5)


def test_a_folder_without_a_recognizer_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PrcEmoError, match="Train one with prc-emo run NAME"):
        open_run(tmp_path)


def test_examine_leaves_nothing_behind_and_answers_for_chosen_utterances(trained: Path) -> None:
    model = PRCEmo.load(trained)
    (talk,) = corpus("dev", 1)
    whole: list[Any] = model.examine([talk])
    chosen = model.examine([talk], only={"dev/0/1", "dev/0/3"})
    assert [answer.id for answer, _ in chosen] == ["dev/0/1", "dev/0/3"]
    assert [example for _, example in chosen] == [whole[1][1], whole[3][1]]
    assert [answer.label for answer, _ in whole] == [answer.label for answer in model.predict([talk])]
    shown, excluded = model.shown, dict(model.excluded)
    model.examine([talk])
    assert (model.shown, model.excluded) == (shown, excluded)
    assert all(example.answer is None for _, example in whole)  # gold labels are not looked at
