"""What a study shows: its page, and its table for a paper and a spreadsheet. No cell is computed; their answers are made up."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from prc_emo import __version__
from prc_emo.ablation import tables
from prc_emo.ablation.report import write_reports
from prc_emo.ablation.results import Results, results
from prc_emo.ablation.study import Study, cells
from prc_emo.ablation.work import State
from prc_emo.bench.plots import difficulty
from prc_emo.bench.predictions import Prediction, judge, write_predictions
from prc_emo.bench.report import render
from prc_emo.bench.run import corpus_of
from prc_emo.cli.ablate import _progress
from prc_emo.files import write_json

ARMS = {
    "plain": {},
    "without_S_I_R": {"parameters": {"neighbours": [7]}},
    "other|<one>": {"data": {"limit": 5}},
}


def made_up(folder: Path, done: Mapping[str, int], seeds: int = 2) -> Results:
    """A study of which some cells are done; `done` says how many of each arm, from the first seed on."""
    study = Study.model_validate(
        {"name": "made_up", "base": "nearest_everyday", "seeds": range(seeds), "match": None, "arms": ARMS}
    )
    found = [State(cell, folder / "runs" / cell.arm / f"seed{cell.seed}") for cell in cells(study)]
    talks = corpus_of(found[0].cell.settings).split("test")[:6]
    turns = [turn for talk in talks for turn in talk.utterances]
    for state in found:
        if state.cell.seed < done.get(state.cell.arm, 0):
            wrong = 3 + len(state.cell.arm) % 5 + state.cell.seed  # every so many answers
            answers = [
                Prediction(turn.id, "neutral" if at % wrong == 0 else turn.gold, {})
                for at, turn in enumerate(turns)
            ]
            write_predictions(state.folder / "predictions.jsonl", judge(talks, answers))
            write_json(state.folder / "report.json", {"split": "test"})
            write_json(state.folder / "environment.json", {"prc-emo": __version__})
            state.status = "done"
    return results(study, found)


def page(found: Results, folder: Path) -> str:
    return write_reports(found, folder).read_text(encoding="utf-8")


def test_every_line_of_the_spreadsheet_is_as_long_as_its_head(tmp_path: Path) -> None:
    """The reference has no difference, and an arm may have no seed in common with it."""
    for done in ({"plain": 2, "without_S_I_R": 2, "other|<one>": 1}, {"plain": 1}):
        text = tables.comma_separated(made_up(tmp_path / str(len(done)), done))
        head, *lines = csv.reader(io.StringIO(text))
        assert len(lines) == len(done) and {len(line) for line in lines} == {len(head)}


def test_of_one_seed_the_spreadsheet_says_no_p(tmp_path: Path) -> None:
    """It has no sentence beside it that says what such a p is silent about."""
    done = {"plain": 2, "without_S_I_R": 2, "other|<one>": 1}
    text = tables.comma_separated(made_up(tmp_path, done))
    rows = {row["arm"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["other|<one>"]["difference"] and rows["without_S_I_R"]["p_holm"]
    assert [rows["other|<one>"][key] for key in ("p", "p_holm", "p_seeds")] == ["", "", ""]


def test_signs_that_latex_prints_as_others_are_escaped(tmp_path: Path) -> None:
    text = tables.latex(made_up(tmp_path, {"plain": 2, "other|<one>": 2}))
    assert r"other\textbar{}$<$one$>$ &" in text


def test_the_page_shows_figures_before_settings_and_the_paper_s_table_settings_first(tmp_path: Path) -> None:
    found = made_up(tmp_path, {"plain": 2, "without_S_I_R": 2})
    paper, shown = tables.rows(found), tables.rows(found, settings_last=True)
    assert paper[0][:3] == ("arm", "data.limit", "parameters.neighbours")
    assert shown[0][:3] == ("arm", "wF1", "accuracy")
    assert shown[0][-2:] == paper[0][1:3]
    assert [sorted(row) for row in paper] == [sorted(row) for row in shown]


def test_a_page_counts_in_whole_numbers_and_has_words_below_the_figures(tmp_path: Path) -> None:
    text = page(made_up(tmp_path, {"plain": 2, "without_S_I_R": 2}), tmp_path)
    hardest = text[text.index("Easiest and hardest") :]
    table, words = hardest[: hardest.index("</table>")], hardest[hardest.index("</table>") :]
    talk = corpus_of(cells(Study(name="a", base="nearest_everyday", arms={"a": {}}))[0].settings).split(
        "test"
    )[0]
    row = table[table.index(talk.id) :]
    assert f"<td>{len(talk)}</td><td>{len(talk.speakers)}</td>" in row[: row.index("</tr>")]
    assert f"<b>{talk.id}</b> {talk.utterances[0].speaker}: " in words and "· " not in table


def test_an_arm_that_has_failed_is_not_forgotten(tmp_path: Path) -> None:
    text = page(made_up(tmp_path, {"plain": 1}), tmp_path)
    assert "No other arm has a finished seed in common with plain" in text and "There is one arm" not in text


def test_names_in_a_table_may_break_and_stay_words(tmp_path: Path) -> None:
    (tmp_path / "a.j2").write_text(
        '{% from "parts.html.j2" import grid %}{{ grid("a", head, rows) }}', encoding="utf-8"
    )
    text = render(tmp_path / "a.j2", head=("<i>", "prompt.use_<b>"), rows=[("<s>_", "0.5 ± 0.1 <u>")])
    assert "prompt.<wbr>use_<wbr>&lt;b&gt;" in text and "0.5 ±\u00a00.1 &lt;u&gt;" in text
    assert not any(tag in text for tag in ("<i>", "<b>", "<s>", "<u>"))


def test_borders_of_buckets_stand_below_the_histogram() -> None:
    """A legend would lie on the bars."""
    plot = difficulty([0.1, 0.2, 0.4, 0.9], [0.3, 0.5])
    assert plot.note == "Dashed: bucket borders, at 0.300, 0.500." and "bucket" not in plot.svg
    assert plot.alt.endswith(plot.note) and difficulty([0.1, 0.9], []).note == ""


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_cuts_no_name_of_an_arm(tmp_path: Path, width: int) -> None:
    """Names of arms often differ only at their end."""
    study = Study.model_validate({"name": "a", "base": "majority_everyday", "arms": {"without_S_I_R": {}}})
    console = Console(width=width, file=io.StringIO())
    console.print(_progress(study, [State(cell, tmp_path) for cell in cells(study)], 1, 0.0))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    column = "".join(line.split("│")[1].strip() for line in said.splitlines() if line.startswith("│"))
    assert column == "without_S_I_R"
