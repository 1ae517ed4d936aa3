"""Run folders in, one honest table out."""

import json

import numpy as np
import pytest
from bench_builders import judged_run

from prc_emo.bench.compare import COLUMNS, compare
from prc_emo.bench.metrics import score
from prc_emo.bench.predictions import read_predictions, write_predictions
from prc_emo.bench.runs import read_experiments
from prc_emo.errors import PrcEmoError


@pytest.fixture
def runs(tmp_path):
    rng = np.random.default_rng(0)
    for name, skill, seeds in (("weak", 0.3, [42]), ("strong", 0.7, [42, 43, 44])):
        for seed in seeds:
            write_predictions(tmp_path / name / f"seed{seed}" / "predictions.jsonl", judged_run(rng, skill))
    return tmp_path


def test_rows_stand_in_the_order_given_and_the_first_is_the_reference(runs):
    found = compare([runs / "weak", runs / "strong" / "seed42"])
    assert [row.name for row in found.rows] == ["weak", "strong"]
    assert found.rows[0].difference is None
    assert found.rows[1].difference is not None and found.rows[1].difference.value > 0
    assert found.rows[1].mcnemar is not None and found.rows[1].mcnemar < 0.001
    assert found.utterances == 240 and found.dialogues == 40


def test_the_best_can_be_the_reference(runs):
    found = compare([runs / "weak", runs / "strong"], against="best")
    assert found.reference == "strong"
    assert found.rows[0].difference is not None and found.rows[0].difference.value < 0


def test_an_experiment_of_several_seeds_is_their_mean_and_standard_deviation(runs):
    row = compare([runs / "strong"]).rows[0]
    single = [
        score(read_predictions(path)).wf1 for path in sorted(runs.glob("strong/seed*/predictions.jsonl"))
    ]
    assert row.seeds == 3
    assert row.wf1.value == pytest.approx(np.mean(single))
    assert row.sd == pytest.approx(np.std(single, ddof=1))
    assert compare([runs / "weak"]).rows[0].sd is None


def test_between_the_same_seeds_chance_in_training_counts_too(runs):
    """Three seeds that all gain, and three of which one collapses: the dialogues are sure of both, the seeds are not."""
    rng = np.random.default_rng(1)
    for name, skills in (("base", (0.5, 0.5, 0.5)), ("lucky", (0.55, 0.9, 0.1))):
        for seed, skill in zip((42, 43, 44), skills, strict=True):
            write_predictions(runs / name / f"seed{seed}" / "predictions.jsonl", judged_run(rng, skill))
    found = compare([runs / "base", runs / "lucky"])
    difference = found.rows[1].difference
    assert difference is not None and difference.p > 0.2 and difference.high - difference.low > 0.5
    assert "over dialogues and seeds" in found.caption
    assert "over dialogues and seeds" not in compare([runs / "weak", runs / "strong"]).caption


def test_runs_on_different_utterances_are_refused_by_name(runs):
    write_predictions(
        runs / "other" / "seed42" / "predictions.jsonl", judged_run(np.random.default_rng(0), 0.5, turns=5)
    )
    with pytest.raises(
        PrcEmoError,
        match=r"weak and other were not scored on the same utterances: 40 \(d0/5, .* only in weak",
    ):
        compare([runs / "weak", runs / "other"])


def test_seeds_on_different_utterances_are_refused_by_folder(runs):
    write_predictions(
        runs / "weak" / "seed43" / "predictions.jsonl", judged_run(np.random.default_rng(0), 0.5, turns=5)
    )
    with pytest.raises(PrcEmoError, match=r"weak/seed42 and .*weak/seed43 were not scored on the same"):
        compare([runs / "weak"])


def test_a_folder_without_a_finished_run_is_named(runs):
    (runs / "empty").mkdir()
    with pytest.raises(PrcEmoError, match=r"empty: expected a finished run"):
        compare([runs / "empty"])
    with pytest.raises(PrcEmoError, match="at least one run folder"):
        compare([])


def test_the_same_run_twice_is_refused(runs):
    with pytest.raises(PrcEmoError, match="given more than once"):
        compare([runs / "weak", runs / "strong" / ".." / "weak"])


def test_runs_of_one_name_are_told_apart_by_their_folder(runs):
    names = [one.name for one in read_experiments([runs / "strong" / "seed42", runs / "strong" / "seed43"])]
    assert [name.split("/")[-1] for name in names] == ["seed42", "seed43"]


def test_the_table_comes_as_markdown_json_and_for_the_terminal(runs):
    from rich.console import Console

    (runs / "weak").rename(runs / "[red]we|ak")
    found = compare([runs / "[red]we|ak", runs / "strong"])
    lines = found.markdown().splitlines()
    assert [line.replace("\\|", "").count("|") for line in lines[:4]] == [len(COLUMNS) + 1] * 4
    assert json.loads(json.dumps(found.to_json()))["reference"] == "[red]we|ak"
    console = Console(width=80)
    with console.capture() as shown:
        console.print(found.table())
    text = shown.get()
    assert "[red]we|ak" in text and "3 seeds" in text
    # 80 columns are enough: nothing is cut
    assert "…" not in text and f"{found.rows[1].wf1.low:.3f}, {found.rows[1].wf1.high:.3f}]" in text
