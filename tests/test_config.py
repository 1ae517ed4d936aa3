"""The settings of an experiment: read, overridden, checked as a whole, and written down again."""

import re
from pathlib import Path

import pytest

from prc_emo.config import Experiment, data_path
from prc_emo.config_file import experiment, shipped, to_yaml
from prc_emo.errors import PrcEmoError

EVERYDAY = "data: {corpus: everyday}\n"


def yaml(tmp_path: Path, text: str = EVERYDAY) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


def told(name_or_file: str, *overrides: str) -> list[str]:
    """The problems of a configuration, one a line, without the folder."""
    with pytest.raises(PrcEmoError) as error:
        experiment(name_or_file, overrides)
    return [line.removeprefix(f"{Path(name_or_file).parent}/") for line in str(error.value).split("\n")]


def test_what_a_file_leaves_out_is_the_papers_setting(tmp_path: Path) -> None:
    """K = 1 and b = 0.4, rank 32 and alpha 128 and so on: section 3 and appendix of the paper."""
    found = experiment(yaml(tmp_path))
    assert (found.name, found.seed, found.prompt.window, found.prompt.see) == ("mine", 42, 5, "past")
    assert found.retrieval is not None and found.retrieval.k == 3
    curriculum = found.curriculum
    assert curriculum is not None
    assert (curriculum.difficulty, curriculum.similarity_weight, curriculum.similarity_offset) == (
        "prc-emo",
        1,
        0.4,
    )
    assert (found.lora.rank, found.lora.alpha, found.lora.dropout) == (32, 128, 0.05)
    training = found.training
    assert (training.epochs, training.learning_rate, training.schedule, training.warmup) == (
        4,
        3e-4,
        "linear",
        0.03,
    )
    assert (training.gradient_clip, training.batch * training.accumulate, training.neftune) == (0.3, 4, 5)


def test_an_override_wins_over_the_file_and_leaves_its_neighbours(tmp_path: Path) -> None:
    file = yaml(tmp_path, EVERYDAY + "training: {epochs: 2, batch: 8}\n")
    found = experiment(file, ["training.epochs=3", "training.epochs=5", "prompt.see=surrounding"])
    assert (found.training.epochs, found.training.batch, found.prompt.see) == (5, 8, "surrounding")


@pytest.mark.parametrize(
    ("written", "number"), [("1e-3", 1e-3), ("3E-4", 3e-4), ("1.e-2", 0.01), ("0.5", 0.5), ("2", 2)]
)
def test_numbers_are_numbers_however_they_are_written(written: str, number: float, tmp_path: Path) -> None:
    """YAML 1.1 takes 1e-3 for a text; a baseline's parameters would then be refused."""
    in_file = experiment(yaml(tmp_path, EVERYDAY + f"recognizer: x\nparameters: {{rate: {written}}}\n"))
    assert in_file.parameters == {"rate": number}
    said = experiment(yaml(tmp_path), [f"training.learning_rate={written}"])
    assert said.training.learning_rate == number


def test_a_section_can_be_taken_out_and_put_back(tmp_path: Path) -> None:
    without = experiment(yaml(tmp_path), ["retrieval=null", "curriculum=null"])
    assert without.retrieval is None and without.curriculum is None
    again = experiment(yaml(tmp_path, EVERYDAY + "retrieval: null\n"), ["retrieval.k=2"])
    assert again.retrieval is not None and again.retrieval.k == 2


def test_smoke_and_random_weights_apply_the_files_own_small_setting(tmp_path: Path) -> None:
    file = yaml(tmp_path, EVERYDAY + "training: {epochs: 4, batch: 8}\nsmoke: {training: {epochs: 2}}\n")
    assert experiment(file).training.epochs == 4
    for word in ("smoke=true", "model.tiny=true"):
        small = experiment(file, [word]).training
        assert (small.epochs, small.batch) == (2, 8)
        assert experiment(file, ["training.epochs=3", word]).training.epochs == 3  # what is said aloud wins
        assert experiment(file, [word.replace("true", "false")]).training.epochs == 4


def test_parameters_of_a_baseline_are_overlaid_one_by_one() -> None:
    found = experiment("nearest_everyday", ["parameters.neighbours=[7]"])
    assert found.parameters["neighbours"] == [7] and found.parameters["encoder"] == "minilm"
    shipped = experiment("voice_ravdess").parameters
    found = experiment("voice_ravdess", ["parameters.speech.queries=4", "parameters.speech.dropout=0.1"])
    assert found.parameters == {**shipped, "speech": {**shipped["speech"], "queries": 4, "dropout": 0.1}}
    assert experiment("voice_ravdess", ["parameters.speech=null"]).parameters == {**shipped, "speech": None}


def test_another_corpus_brings_its_own_options() -> None:
    """Those of the base are of its reader; `jsonl` knows no `test_fold`."""
    assert experiment("ravdess_minilm", ["data.options.test_fold=1"]).data.options == {
        "test_fold": 1,
        "dev_fold": 4,
    }
    assert experiment("ravdess_minilm", ["data.corpus=jsonl"]).data.options == {}
    for own in (
        ["data.corpus=jsonl", "data.options.people=true"],
        ["data.options.people=true", "data.corpus=jsonl"],
    ):
        assert experiment("ravdess_minilm", own).data.options == {"people": True}


def test_every_problem_is_told_at_once_with_its_path_and_the_nearest_name(tmp_path: Path) -> None:
    file = yaml(tmp_path, "data: {corpus: everyday, limt: 3}\nretrieval: {k: 0}\ntrainning: {}\n")
    assert told(file, "prompt.see=future", "training.epochs=many") == [
        "mine.yaml: unknown setting 'data.limt'. Did you mean 'limit'? Known: corpus, labels, limit, options, path, score_on, shared_speakers.",
        "mine.yaml: prompt.see: input should be 'past' or 'surrounding', got 'future'.",
        "mine.yaml: retrieval.k: input should be greater than or equal to 1, got 0.",
        "mine.yaml: training.epochs: input should be a valid integer, unable to parse string as an integer, got 'many'.",
        "mine.yaml: unknown setting 'trainning'. Did you mean 'training'? Known: about, answer, curriculum, data, lora, "
        "model, name, parameters, prompt, recognizer, retrieval, seed, speech, training.",
    ]


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("", [], "mine.yaml: expected a mapping of settings, got NoneType."),
        ("- 1\n", [], "mine.yaml: expected a mapping of settings, got list."),
        ("data: [\n", [], "mine.yaml: not valid YAML ("),
        ("seed: 1\n", [], "mine.yaml: expected the setting 'data', but it is missing. Say data=VALUE or write it"),
        ("data: {}\n", [], "mine.yaml: expected the setting 'data.corpus', but it is missing."),
        (EVERYDAY + "1: 2\n", [], "mine.yaml: 1: keys should be strings, got 1."),
        (EVERYDAY + "smoke: 3\n", [], "mine.yaml: expected 'smoke' to be a mapping of settings, got 3."),
        (EVERYDAY, ["training"], "Expected key=value, got 'training'. For example: training.learning_rate=1e-3"),
        (EVERYDAY, ["=3"], "Expected key=value, got '=3'."),
        (EVERYDAY, ["training.epochs=["], "'training.epochs=[': the value is not valid YAML. Quote it"),
        (EVERYDAY, ["data.corpus.x=1"], "data.corpus.x: 'corpus' is a value, not a section."),
        (EVERYDAY, ["training.learning_rate=.inf"], "training.learning_rate: input should be a finite number, got inf."),
        (EVERYDAY, ["curriculum.similarity_weight=.nan"], "similarity_weight: input should be a finite number"),
        (EVERYDAY, ["name=../x"], "name: expected a name for the folder of its runs, without slashes, got '../x'."),
        (EVERYDAY, ["name='..'"], "name: expected a name for the folder of its runs"),
        (EVERYDAY, ["name=''"], "name: expected a name for the folder of its runs"),
        (EVERYDAY, ["speech={}", "training.batch=1"], "training.batch=1 leaves none to compare: take a larger batch"),
        (EVERYDAY, ["speech={window: 10, noises: [20]}"], "noises change what log_mel trims"),
        (EVERYDAY, ["parameters.k=3"], "mine.yaml: 'parameters' is for baselines; prc_emo has sections of its own."),
        (EVERYDAY, ["recognizer=majority", "lora.rank=2", "prompt.window=1"],
         "mine.yaml: recognizer 'majority' takes 'parameters', not lora, prompt."),
    ],
)  # fmt: skip
def test_each_mistake_has_its_sentence(text: str, overrides: list[str], message: str, tmp_path: Path) -> None:
    assert any(message in line for line in told(yaml(tmp_path, text), *overrides))


def test_an_unknown_experiment_is_answered_with_the_nearest() -> None:
    (line,) = told("quickstat")
    assert line.startswith("No experiment is called 'quickstat'. Did you mean 'quickstart'? Known: ")
    assert all(name in line for name in shipped())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert told(str(tmp_path / "none.yaml")) == ["none.yaml: no such file."]


def test_a_configuration_is_data_and_runs_no_code(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    tag = f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{mark}]]"
    with pytest.raises(PrcEmoError, match="not valid YAML"):
        experiment(yaml(tmp_path, EVERYDAY + f"about: {tag}\n"))
    with pytest.raises(PrcEmoError, match="the value is not valid YAML"):
        experiment(yaml(tmp_path), [f"about={tag}"])
    assert not mark.exists()


def test_the_environment_stays_out_of_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/elsewhere")
    assert experiment(yaml(tmp_path), ["data.path=$HOME/meld"]).data.path == "$HOME/meld"


def test_settings_are_frozen(tmp_path: Path) -> None:
    found = experiment(yaml(tmp_path))
    with pytest.raises(ValueError, match="frozen"):
        found.seed = 1  # type: ignore[misc]


def test_paths_are_meant_from_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRC_EMO_DATA", raising=False)
    assert data_path("meld") == Path("data/meld")
    monkeypatch.setenv("PRC_EMO_DATA", "/corpora")
    assert data_path("meld") == Path("/corpora/meld")
    assert data_path("/absolute/meld") == Path("/absolute/meld")
    assert data_path("~/meld") == Path("~/meld").expanduser()


def test_what_is_written_down_reads_back_as_the_same_settings(tmp_path: Path) -> None:
    """config.yaml of a run is a configuration again, texts in any language included."""
    found = experiment(yaml(tmp_path), ["about='für später: [x]'", "training.learning_rate=1e-7", "seed=7"])
    assert experiment(yaml(tmp_path, to_yaml(found))) == found
    assert isinstance(found, Experiment) and re.search("^about: 'für später", to_yaml(found), re.MULTILINE)


def test_a_key_said_twice_is_an_error_and_not_the_last_of_the_two(tmp_path: Path) -> None:
    file = yaml(tmp_path, EVERYDAY + "training: {epochs: 4, batch: 8, epochs: 2}\n")
    with pytest.raises(PrcEmoError, match=r"'epochs' is said twice in one mapping in line 2, column 33: "):
        experiment(file)


def test_a_merge_is_not_a_key_said_twice_when_it_is_overridden(tmp_path: Path) -> None:
    shared = "training: {<<: &d {<<: &most {epochs: 3, batch: 2}, batch: 4}, batch: 8}\n"
    file = yaml(tmp_path, EVERYDAY + shared + "smoke: {training: {<<: *d, epochs: 2}}\n")
    assert (experiment(file).training.epochs, experiment(file).training.batch) == (3, 8)
    small = experiment(file, ["smoke=true"]).training
    assert (small.epochs, small.batch) == (2, 4)
