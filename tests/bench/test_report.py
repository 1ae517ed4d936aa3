"""The HTML report: complete, self-contained, and unimpressed by hostile names."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from bench_builders import judged_run, line

from prc_emo.bench import plots
from prc_emo.bench.metrics import score
from prc_emo.bench.predictions import write_predictions
from prc_emo.bench.report import write_report
from prc_emo.bench.voices import Voices

VOID = {"meta", "br", "img", "link"}


class Page(HTMLParser):
    """Collects tags, ids and text, and checks that every tag is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def full_run(tmp_path):
    """A run folder with everything that a run can leave behind."""
    folder = tmp_path / "demo" / "seed42"
    write_predictions(folder / "predictions.jsonl", judged_run(np.random.default_rng(0), 0.6))
    (folder / "config.yaml").write_text("name: demo\ntraining:\n  learning_rate: 0.001\n")
    (folder / "environment.json").write_text(json.dumps({"python": "3.11", "packages": {"torch": "2.13.0"}}))
    (folder / "order.json").write_text(json.dumps({"difficulties": [0.1, 0.4, 0.2, 0.9], "buckets": [0.3]}))
    (folder / "report.json").write_text(
        json.dumps(
            {
                "retrieval": {"shown": 720, "excluded": {"same dialogue": 31}},
                "speech": {"heard": 238, "cut": 0, "missing": 2},
                "speech in training": {"heard": 960, "cut": 1, "too short": 3},
            }
        )
    )
    log = [
        {"step": 10, "loss": 1.9, "phase": "easy half"},
        {"step": 20, "loss": 1.2, "phase": "everything"},
        {"step": 20, "dev_wf1": 0.5},
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    return folder


@pytest.mark.parametrize("labelled", [40, 4])
def test_what_was_heard_is_shown_where_there_is_enough_of_it(full_run, tmp_path, labelled):
    ids = [one.id for one in judged_run(np.random.default_rng(0), 0.6)][:labelled]
    ids += [f"nobody labelled it/{number}" for number in range(6)]
    vectors = np.random.default_rng(0).standard_normal((len(ids), 8)).astype(np.float32)
    Voices(tuple(ids), vectors, {ids[0]: np.full((3, 20), 0.05, np.float32)}).write(full_run)
    text = write_report(full_run, tmp_path / "report.html").read_text()
    assert ("40 voices in a plane" in text) == (labelled == 40)
    assert "How much each soft prompt looks at each frame, for 1 utterances" in text
    assert "data:image/png" in text and "img-src data:" in text  # drawn within the page, and allowed to be


def test_a_full_run_shows_everything(full_run, tmp_path):
    text = write_report(full_run, tmp_path / "report.html").read_text()
    headings = re.findall(r"<h3>(.*?)</h3>", text)
    assert [re.sub(r"[\d.]+$", "", heading).strip() for heading in headings] == [
        "F1 per label", "Confusion: rows gold, columns answered", "Reliability: ECE", "Training",
        "Difficulty of the training conversations", "Labels", "Where it is good, where not",
        "Most confident mistakes", "Demonstrations", "Voices", "Settings", "Environment",
    ]  # fmt: skip
    for shown in (
        "learning_rate: 0.001",
        "packages.torch",
        "excluded: same dialogue",
        '<th scope="row">heard</th><td>960</td><td>238</td>',
        '<th scope="row">missing</th><td>0</td><td>2</td>',
        "Phases: (1) easy half; (2) everything",
    ):
        assert shown in text


def test_what_a_run_does_not_have_is_left_out(tmp_path):
    folder = tmp_path / "bare" / "seed42"
    write_predictions(
        folder / "predictions.jsonl",
        [replace(one, probabilities={}) for one in judged_run(np.random.default_rng(0), 0.6)],
    )
    (folder / "order.json").write_text(json.dumps({"difficulties": [0.0, 0.0, 0.0]}))
    (folder / "report.json").write_text(json.dumps({"retrieval": {"shown": 0, "excluded": {}}}))
    text = write_report(folder, tmp_path / "report.html").read_text()
    for absent in (
        "Reliability",
        "Training",
        "Difficulty",
        "mistakes",
        "Demonstrations",
        "Voices",
        "Settings",
        "Environment",
        "Side by side",
    ):
        assert f">{absent}" not in text
    assert "None" not in text


def test_the_page_asks_nothing_of_any_network(full_run, tmp_path):
    text = write_report(full_run, tmp_path / "report.html").read_text()
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "img", "iframe", "object"}
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#")
    assert "url(http" not in text and "@import" not in text
    assert "default-src 'none'" in text


def test_the_page_can_be_read_without_eyes(full_run, tmp_path):
    page = Page(write_report(full_run, tmp_path / "report.html").read_text())
    assert ("html", {"lang": "en"}) in page.tags
    pictures = [attributes for _, attributes in page.tags if attributes.get("role") == "img"]
    assert len(pictures) == sum(tag == "svg" for tag, _ in page.tags) == 5
    assert all(len(attributes["aria-label"]) > 20 for attributes in pictures)
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_ids_are_unique_on_the_page(full_run, tmp_path):
    """Two pictures with one clip path id would show each other's clipping."""
    other = tmp_path / "other" / "seed42"
    write_predictions(other / "predictions.jsonl", judged_run(np.random.default_rng(1), 0.9))
    page = Page(write_report([full_run, other], tmp_path / "report.html").read_text())
    assert len(page.ids) == len(set(page.ids)) > 5


def test_hostile_names_stay_words(tmp_path):
    evil = '<script>alert("1")</script>'
    folder = tmp_path / "demo" / "seed42"
    run = [
        line(
            "joy",
            evil,
            f"{evil}{at}",
            at % 3,
            speaker=evil,
            probabilities={"joy": 0.25, evil: 0.5, "$\\frac{": 0.25},
        )
        for at in range(9)
    ]
    write_predictions(folder / "predictions.jsonl", run)
    (folder / "config.yaml").write_text(f"name: '{evil}'\n")
    (folder / "environment.json").write_text(json.dumps({evil: evil}))
    page = Page(write_report(folder, tmp_path / "report.html").read_text())
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert any(evil in words for words in page.words)


def test_several_runs_are_set_side_by_side(full_run, tmp_path):
    rng = np.random.default_rng(1)
    for seed in (42, 43):
        write_predictions(tmp_path / "other" / f"seed{seed}" / "predictions.jsonl", judged_run(rng, 0.9))
    text = write_report([full_run, tmp_path / "other"], tmp_path / "report.html").read_text()
    assert "Side by side" in text and "differences against demo" in text
    assert "The headline is the mean over 2 seeds" in text


def test_the_same_run_gives_the_same_bytes(full_run, tmp_path):
    first, second = (write_report(full_run, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_pictures_are_xml_and_take_the_colours_of_the_page():
    plot = plots.per_class(score(judged_run(np.random.default_rng(0), 0.6)))
    ElementTree.fromstring(plot.svg)
    assert "currentColor" in plot.svg and "var(--accent)" in plot.svg
    assert "#0101" not in plot.svg and "#000000" not in plot.svg
    assert plot.alt.startswith("F1 per label: ") and "joy 0." in plot.alt


def test_phases_beyond_counting_are_not_listed():
    log = [{"step": step, "loss": 1.0, "phase": f"epoch {step}"} for step in range(60)]
    assert plots.training(log).note == ""
    assert plots.training(log[:3]).note == "Phases: (1) epoch 0; (2) epoch 1; (3) epoch 2"


def test_a_log_of_other_things_is_no_training_curve():
    assert plots.training([{"step": 1, "learning_rate": 0.1}]) is None


@pytest.mark.browser
def test_a_browser_lays_the_page_out_without_sideways_scrolling(full_run, tmp_path):
    """On a telephone's width nothing but tables may be wider than the page. `pytest -m browser`."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    write_report(full_run, tmp_path / "report.html")
    (tmp_path / "phone.html").write_text(
        '<iframe src="report.html" style="width:390px;height:8000px"></iframe><script>'
        "onload = () => { const page = frames[0].document.documentElement;"
        "document.title = page.scrollWidth + ' of ' + page.clientWidth; }</script>"
    )
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--dump-dom",
    ]
    dom = subprocess.run(
        [*command, f"file://{tmp_path}/phone.html"], capture_output=True, text=True, timeout=60
    ).stdout
    assert "<title>390 of 390</title>" in dom
