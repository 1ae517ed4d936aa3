"""Knowledge of others joins our conversations by their words, and what gives labels away is counted."""

import json
from pathlib import Path

import pytest

from prc_emo import Conversation, PrcEmoError
from prc_emo.conversation import Utterance
from prc_emo.interpret.coverage import coverage
from prc_emo.interpret.published import read_published
from prc_emo.knowledge import Interpretation, Knowledge
from prc_emo.labels import MELD

TALKS = (
    Conversation(
        "meld/dev/dia0",
        (Utterance("a/0", "Ross", "I’m fine.", "joy"), Utterance("a/1", "Monica", "No.", "fear")),
    ),
    Conversation("meld/dev/dia1", (Utterance("b/0", "Ross", "What?", "surprise"),)),
)


def written(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value) if path.suffix == ".json" else "\n".join(map(json.dumps, value)))  # type: ignore[arg-type]
    return path


def test_interpretations_as_prc_emo_publishes_them(tmp_path: Path) -> None:
    file = written(
        tmp_path / "x.json",
        {
            "17": {
                "utterances": ["SPEAKER_0: I'm fine.", "SPEAKER_1: No."],
                "emotion_predictions": [
                    {"surface_emotion": "Bright.", "implicit_emotion": "Tense.", "prompt": "..."},
                    {"surface_emotion": "No prediction", "implicit_emotion": "No prediction"},
                ],
            },
            "18": {"utterances": ["SPEAKER_0: Who?"], "emotion_predictions": [{}]},
        },
    )
    knowledge, strangers = read_published(file, TALKS)
    assert knowledge.interpretations == {"a/0": Interpretation("Bright.", "Tense.")}
    assert strangers == ["18"]


def test_characteristics_as_bioserc_publishes_them(tmp_path: Path) -> None:
    file = written(tmp_path / "x.json", {"dia0": ["Warm.", "Blunt."], "dia9": ["?"]})
    knowledge, strangers = read_published(file, TALKS)
    assert knowledge.characteristics == {
        ("meld/dev/dia0", "Ross"): "Warm.",
        ("meld/dev/dia0", "Monica"): "Blunt.",
    }
    assert strangers == ["dia9"]
    with pytest.raises(
        PrcEmoError,
        match=r"conversation dia0: expected a characteristic for each of the 2 turns.*say which with --split",
    ):
        read_published(written(tmp_path / "y.json", {"dia0": ["Warm."]}), TALKS)


def test_characteristics_of_one_split_are_not_put_on_another(tmp_path: Path) -> None:
    """Every split of MELD begins at dia0; a file that names only dia0 must be told its split."""
    train = Conversation("meld/train/dia0", (Utterance("c/0", "Rachel", "Hi.", "joy"),) * 2)
    file = written(tmp_path / "x.json", {"dia0": ["Warm.", "Blunt."]})
    with pytest.raises(PrcEmoError, match="dia0 is in meld/train and meld/dev; say which with --split"):
        read_published(file, (train, *TALKS))
    knowledge, _ = read_published(file, TALKS)
    assert {talk for talk, _ in knowledge.characteristics} == {"meld/dev/dia0"}


def test_json_lines_with_turns(tmp_path: Path) -> None:
    turn = {"text": "what", "explicit": "Short.", "implicit": "Wary.", "speaker_description": "Curious."}
    knowledge, _ = read_published(
        written(tmp_path / "x.jsonl", [{"meld_dialogue_id": 5, "turns": [turn]}]), TALKS
    )
    assert knowledge.interpretations == {"b/0": Interpretation("Short.", "Wary.")}
    assert knowledge.characteristics == {("meld/dev/dia1", "Ross"): "Curious."}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("x.json", [], "none of the forms"),
        ("x.json", {"1": 3}, "conversation 1: none of the forms"),
        (
            "x.json",
            {"1": {"utterances": [], "emotion_predictions": [{}]}},
            "as many emotion_predictions as utterances",
        ),
        ("x.jsonl", [{"turns": [{"said": "?"}]}], "line 1: none of the forms"),
        ("x.jsonl", [{"turns": [{"text": "Never said."}]}], "none of its 1 conversations is one of the 2"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, value: object, says: str) -> None:
    with pytest.raises(PrcEmoError, match=says):
        read_published(written(tmp_path / name, value), TALKS)


def test_an_interpretation_that_names_the_label_is_counted() -> None:
    knowledge = Knowledge(
        {"a/0": Interpretation("He is happy.", "Calm."), "a/1": Interpretation("Sad.", "Afraid.")}, {}
    )
    found = coverage(knowledge, TALKS, MELD)
    assert (found.interpreted, found.utterances, found.described, found.speakers) == (2, 3, 0, 3)
    leaks = {row.label: (row.interpreted, row.own, row.other) for row in found.leaks}
    assert leaks["joy"] == (1, 1, 0)
    assert leaks["fear"] == (1, 1, 1)
    assert leaks["surprise"] == (0, 0, 0)


@pytest.mark.data
def test_qwens_interpretations_of_meld_are_found_by_their_words(data_root: Path) -> None:
    from prc_emo.corpora import load_corpus

    dev = load_corpus("meld", data_root / "meld").dev
    knowledge, strangers = read_published(
        data_root / "meld_features" / "interpretations_dev_qwen3_14b.jsonl", dev
    )
    assert strangers == []
    assert len(knowledge.interpretations) == 1109 - 4  # four are empty, and stay missing
