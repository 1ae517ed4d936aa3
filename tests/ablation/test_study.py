"""Studies in words: what a file may say, what it becomes, and what is wrong with it."""

from pathlib import Path

import pytest

from prc_emo.ablation.results import Finished, differences
from prc_emo.ablation.study import Study, cells, settings_of, shipped_studies, study
from prc_emo.bench.metrics import score
from prc_emo.bench.predictions import Judged
from prc_emo.errors import PrcEmoError

PLAIN = """
base: quickstart
seeds: [1, 2]
settings: {training: {learning_rate: 2e-3}}
arms:
  all: {}
  shuffled: {curriculum: null}
  bare: {curriculum: null, retrieval: null, prompt: {knowledge: null}}
  vote: {base: nearest_everyday}
"""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    (tmp_path / "plain.yaml").write_text(PLAIN)
    return tmp_path / "plain.yaml"


def test_cells_are_the_base_with_what_arms_and_seeds_change(plain: Path) -> None:
    found = study(str(plain))
    assert (found.name, found.against, found.match) == ("plain", "all", "steps")
    every = cells(found, {"shuffled": 7})
    assert [cell.name for cell in every][:5] == [
        *("all/seed1", "shuffled/seed1", "bare/seed1", "vote/seed1", "all/seed2")
    ]
    whole, shuffled, bare, vote = (cell.settings for cell in every[:4])
    assert whole.curriculum is not None and shuffled.curriculum is None and bare.prompt.knowledge is None
    assert {one.training.learning_rate for one in (whole, shuffled, bare)} == {2e-3}
    assert (whole.training.steps, shuffled.training.steps, shuffled.seed) == (None, 7, 1)
    assert vote.recognizer == "nearest" and vote.data.corpus == "everyday"  # training is none of its business


def test_overrides_are_the_study_s_or_settings_of_all_arms(plain: Path) -> None:
    found = study(str(plain), ["seeds=[5]", "match=null", "data.limit=3", "lora.rank=4"])
    assert (found.seeds, found.match) == ((5,), None)
    for arm in found.arms:
        assert settings_of(found, arm, 5).data.limit == 3
    assert settings_of(found, "all", 5).lora.rank == 4
    small = study(str(plain), ["smoke=true"])
    assert settings_of(small, "all", 1).training.epochs == 2


def test_a_base_beside_the_study_is_found(plain: Path) -> None:
    (plain.parent / "mine.yaml").write_text("name: mine\ndata: {corpus: everyday}\nretrieval: null\n")
    found = study(str(plain), ["base=mine.yaml", "settings={}"])
    assert settings_of(found, "all", 1).retrieval is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("base: quickstart", "expected the setting 'arms'"),
        ("base: quickstart\narms: {a: {}}\nseeds: [1, 1]", "expected different seeds"),
        ("base: quickstart\narms: {a: {}}\nreference: b", "'b' is no arm"),
        ("base: quickstart\narms: {a: {seed: 5}}", "expected no 'seed' among settings: seeds="),
        ("base: quickstart\nsettings: {name: x}\narms: {a: {}}", "expected no 'name'"),
        ("base: quickstart\nseeds: 7\narms: {a: {}}", "seeds: expected a list, such as"),
        ("base: quickstart\narms: {a/b: {}}", "without slashes"),
        (
            "base: quickstart\narms: {a: {base: null}}",
            "expected the name of an experiment as the base of 'a', got None",
        ),
        ("base: quickstart\narms: {no: {}}", "expected names, got False: put the name of that arm in quotes"),
        ("base: quickstart\narms: {a: {}, b: {}}", "'a' and 'b' have the same settings"),
        ("base: quickstart\narms: {a: {}}\nmach: steps", "unknown setting 'mach'.*match"),
        (
            "base: quickstart\narms: {a: {curriculm: null}}",
            "arm 'a'.*unknown setting 'curriculm'.*curriculum",
        ),
        ("base: quickstrat\narms: {a: {}}", "arm 'a'.*quickstrat.*quickstart"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(PrcEmoError, match=says):
        cells(study(str(tmp_path / "odd.yaml")))


def test_an_unknown_study_offers_the_nearest() -> None:
    with pytest.raises(PrcEmoError, match=r"No study is called 'tabel5'.*table5"):
        study("tabel5")


@pytest.mark.parametrize("name", sorted(shipped_studies()))
@pytest.mark.parametrize("base", ["everyday_minilm", "meld_minilm", "meld_qwen3_8b", "iemocap_qwen2_5_7b"])
def test_studies_that_ship_fit_the_bases_they_name(name: str, base: str) -> None:
    found = study(name, [f"base={base}", "prompt.knowledge=everyday"])
    every = cells(found)
    assert len(every) == len(found.arms) * len(found.seeds) >= 18
    assert len({cell.settings.model_dump_json(exclude={"name"}) for cell in every}) == len(every)
    assert found.about


@pytest.mark.parametrize("name", ["table3", "table4"])
def test_arms_that_would_be_the_same_training_are_refused(name: str) -> None:
    """Without knowledge of MELD, what it brings cannot be asked; it is not said to bring nothing."""
    with pytest.raises(PrcEmoError, match=r"have the same settings.*prompt\.knowledge=FILE"):
        cells(study(name, ["base=meld_qwen3_8b"]))


def test_bases_that_are_files_are_sought_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nrecognizer: majority\ndata: {corpus: everyday}\n")
    (tmp_path / "votes.yaml").write_text(
        "base: mine.yaml\narms: {a: {parameters: {}}, b: {base: nearest_everyday}}\n"
    )
    assert {cell.settings.recognizer for cell in cells(study(str(tmp_path / "votes.yaml")))} == {
        "majority",
        "nearest",
    }
    (tmp_path / "votes.yaml").write_text("base: nearest_everyday\narms: {a: {}, b: {base: mine.yaml}}\n")
    assert {cell.settings.recognizer for cell in cells(study(str(tmp_path / "votes.yaml")))} == {
        "majority",
        "nearest",
    }


def test_differences_are_what_sets_arms_apart() -> None:
    found = Study.model_validate(
        {
            "name": "some",
            "base": "quickstart",
            "arms": {
                "all": {},
                "es": {"curriculum": {"difficulty": "es"}, "training": {"steps": 3}},
                "bare": {"curriculum": None, "prompt": {"knowledge": None}},
            },
        }
    )
    shown = differences({arm: settings_of(found, arm, 42) for arm in found.arms})
    keys = ("prompt.knowledge", "curriculum", "curriculum.difficulty", "training.steps")
    assert {arm: tuple(one[key] for key in keys) for arm, one in shown.items()} == {
        "all": ("everyday", "✓", "prc-emo", "–"),
        "es": ("everyday", "✓", "es", "3"),
        "bare": ("–", "–", "–", "–"),
    }
    assert {tuple(one) for one in shown.values()} == {keys}


@pytest.mark.parametrize(
    ("answers", "collapsed"), [("nnnn", True), ("nnna", False), ("jjjj", True), ("nnjs", False)]
)
def test_a_training_that_learned_nothing_is_known(tmp_path: Path, answers: str, collapsed: bool) -> None:
    """It answers one label, or worse; with the same predictions, a baseline that was never trained has lost nothing."""
    names = {"n": "neutral", "j": "joy", "a": "anger", "s": "sadness"}
    judged = tuple(
        Judged(f"talk/{at}", "talk", at, "Ada", 1, 5, names[gold], names[said], {})
        for at, (gold, said) in enumerate(zip("nnja", answers, strict=True))
    )
    cell = Finished(1, tmp_path, judged, score(judged))
    assert not cell.collapsed
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n')
    assert cell.collapsed == collapsed
