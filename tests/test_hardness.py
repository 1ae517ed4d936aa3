"""The table of difficulties: correlations against scipy, errors of runs, what it refuses."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from typer.testing import CliRunner

from prc_emo import load_corpus
from prc_emo.bench.predictions import Prediction, judge
from prc_emo.bench.runs import Experiment, Run
from prc_emo.cli import app
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.hardness import SPEAKERS, UTTERANCES, Hardness
from prc_emo.labels import MELD


def talk(id: str, *emotions: str | None) -> Conversation:
    """Two people in turn, with these emotions."""
    bare = Conversation.of([("AB"[at % 2], f"Turn {at}.") for at in range(len(emotions))], id=id)
    turns = zip(bare.utterances, emotions, strict=True)
    return replace(bare, utterances=tuple(replace(turn, gold=gold) for turn, gold in turns))


TALKS = [
    talk("calm", "neutral", "neutral", "neutral", "neutral"),
    talk("short", "joy", "joy"),
    talk("rough", "joy", "anger", "sadness", "fear", "joy", "anger"),
    talk("mild", "joy", "neutral", "joy", "surprise", "joy"),
]


def run_of(talks: list[Conversation], wrong: dict[str, int], name: str = "some") -> Experiment:
    """A run that is wrong about the first so many turns of these conversations."""
    answers = [
        Prediction(turn.id, "disgust" if at < wrong.get(talk.id, 0) else turn.gold, {})
        for talk in talks
        for at, turn in enumerate(talk.utterances)
    ]
    return Experiment(name, (Run(Path(name), tuple(judge(talks, answers))),))


def test_columns_and_correlations_are_those_of_the_corpus() -> None:
    found = Hardness.of(TALKS, MELD)
    assert found.measures == ("es", "wes", "prc-emo")
    assert found.columns[UTTERANCES].tolist() == [4, 2, 6, 5] and set(found.columns[SPEAKERS]) == {2}
    assert found.columns["es"].tolist() == pytest.approx([2 / 6, 2 / 4, 6 / 8, 3 / 7])
    names = list(found.columns)
    correlations = found.correlations()
    expected = spearmanr(found.columns["prc-emo"], found.columns[UTTERANCES]).statistic
    assert correlations[names.index("prc-emo"), names.index(UTTERANCES)] == pytest.approx(expected)
    assert np.isnan(correlations[names.index(SPEAKERS)]).all()  # everybody talks with one other: no rank
    easiest, hardest = found.extremes("es", many=1)
    assert (found.conversations[easiest[0]].id, found.conversations[hardest[0]].id) == ("calm", "rough")
    assert found.to_json()["correlations"]["es"][SPEAKERS] is None


def test_errors_of_a_run_stand_beside_the_measures() -> None:
    found = Hardness.of(TALKS, MELD, runs=[run_of(TALKS[1:], {"rough": 3, "mild": 1})])
    assert [talk.id for talk in found.conversations] == ["short", "rough", "mild"]  # it never saw "calm"
    assert found.columns["errors of some"].tolist() == [0, 3 / 6, 1 / 5]


def test_weights_reach_the_measures() -> None:
    plain, flat = Hardness.of(TALKS, MELD), Hardness.of(TALKS, MELD, k=0.0, b=1.0)
    assert flat.columns["wes"].tolist() == plain.columns["es"].tolist()  # every shift counts one
    assert plain.columns["wes"].tolist() != flat.columns["wes"].tolist()


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(PrcEmoError, match="three labelled conversations or more"):
        Hardness.of([*TALKS[:2], talk("unlabelled", None, None)], MELD)
    elsewhere = [replace(one, id=f"elsewhere/{one.id}") for one in TALKS]
    with pytest.raises(PrcEmoError, match="has labelled none of these"):
        Hardness.of(TALKS, MELD, runs=[run_of(elsewhere, {})])


def test_the_command_shows_and_writes_it(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["curriculum", "everyday", "--out", str(tmp_path / "hard.csv")])
    assert shown.exit_code == 0, shown.output
    assert "rank correlation" in shown.output and "hardest" in shown.output
    rows = list(csv.DictReader((tmp_path / "hard.csv").open(encoding="utf-8")))
    assert [row["conversation"] for row in rows] == [one.id for one in load_corpus("everyday").train]
    assert set(rows[0]) == {"conversation", "es", "wes", "prc-emo", UTTERANCES, SPEAKERS}
