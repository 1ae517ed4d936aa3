"""Every experiment that ships, found by looking: it is valid, says what it is, and can be put together."""

from pathlib import Path

import pytest

import prc_emo.config
from prc_emo.bench.contract import baselines
from prc_emo.config import Experiment
from prc_emo.config_file import experiment, shipped, to_yaml
from prc_emo.corpora import READERS
from prc_emo.errors import PrcEmoError
from prc_emo.experiment import build
from prc_emo.labels import MELD
from prompts import load_template

NAMES = sorted(shipped())
OURS = [name for name in NAMES if experiment(name).recognizer == "prc_emo"]


def test_no_file_is_forgotten_and_no_two_share_a_name() -> None:
    package = Path(prc_emo.config.__file__).parent
    files = [*package.glob("configs/*.yaml"), *package.glob("baselines/*/*.yaml")]
    assert sorted(shipped().values()) == sorted(files)
    names = [experiment(name).name for name in NAMES]
    assert len({name.lower() for name in names}) == len(names) >= 9
    assert {"quickstart", "everyday_minilm", "meld_minilm", "meld_qwen3_8b", "majority_meld"} <= set(names)
    assert {name.split("_")[0] for name in OURS} == {
        "quickstart",
        "everyday",
        "meld",
        "emorynlp",
        "dailydialog",
        "iemocap",
        "ravdess",
        "dailytalk",
    }


@pytest.mark.parametrize("small", [False, True], ids=["whole", "smoke"])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_and_says_what_it_is(name: str, small: bool) -> None:
    settings = experiment(name, ["smoke=true"] * small)
    assert settings.name == name
    assert settings.about.strip()
    assert settings.data.corpus in READERS
    assert settings.recognizer in {"prc_emo", *baselines()}
    load_template(settings.prompt.template)


@pytest.mark.parametrize("name", NAMES)
def test_its_smoke_setting_is_smaller(name: str) -> None:
    whole, small = experiment(name), experiment(name, ["smoke=true"])
    assert whole.data.limit is None
    assert small.data.limit is not None and small.data.limit <= 20
    assert small.training.epochs <= whole.training.epochs


@pytest.mark.parametrize("name", NAMES)
def test_what_a_run_writes_down_can_be_run_again(name: str, tmp_path: Path) -> None:
    settings = experiment(name)
    (tmp_path / "config.yaml").write_text(to_yaml(settings))
    assert experiment(str(tmp_path / "config.yaml")) == settings


@pytest.mark.parametrize("name", OURS)
def test_it_can_be_put_together_without_a_model(name: str) -> None:
    settings = experiment(name)
    model = build(settings, MELD, "meld")
    assert model.store == (settings.retrieval and "train")
    assert getattr(model.schedule, "buckets", None) == (2 if settings.curriculum else None)
    assert (model.ears is None) == (settings.speech is None)
    assert model.evaluation_splits == {"meld/dev", "meld/test"}
    assert (model.base_model, model.seed) == (settings.model.name, 42)


def test_the_settings_of_the_paper_are_those_of_the_paper() -> None:
    """Section 4 and appendix: QLoRA, rank 32, alpha 128, dropout 0.05, 3e-4 linear, warm-up 0.03, clipping 0.3, NEFTune 5."""
    for name, base in (
        ("meld_qwen3_8b", "Qwen/Qwen3-8B"),
        ("iemocap_qwen2_5_7b", "Qwen/Qwen2.5-7B-Instruct"),
    ):
        found = experiment(name)
        assert (found.model.name, found.model.quantization) == (base, "nf4")
        assert (found.lora.rank, found.lora.alpha, found.lora.dropout) == (32, 128, 0.05)
        training = found.training
        assert (training.epochs, training.batch, training.accumulate, training.learning_rate) == (
            4,
            1,
            4,
            3e-4,
        )
        assert (training.schedule, training.warmup, training.gradient_clip) == ("linear", 0.03, 0.3)
        assert (training.neftune, training.evaluate_every) == (5, 50)
        assert (found.prompt.window, found.prompt.max_tokens) == (5, 2048)
        assert found.retrieval is not None and (found.retrieval.k, found.retrieval.store) == (3, "train")


@pytest.mark.parametrize("name", [name for name in OURS if experiment(name).speech])
def test_all_layers_of_an_encoder_are_kept_in_half_the_room(name: str) -> None:
    """WavLM-large has 25 of them: MELD alone would take 250 GB."""
    speech = experiment(name).speech
    assert speech is not None and (speech.precision == "float16") == (speech.layer == "all")


class TestOneThatIsNotRight:
    """Sentences for what only shows when the parts are put together."""

    def settings(self, *overrides: str) -> Experiment:
        return experiment("quickstart", overrides)

    def test_knowledge_that_is_not_there_is_named(self) -> None:
        with pytest.raises(PrcEmoError, match=r"nowhere\.jsonl: no such file"):
            build(self.settings("prompt.knowledge=/nowhere.jsonl"), MELD, "meld")

    def test_a_template_that_is_not_there_is_answered_with_the_nearest(self) -> None:
        with pytest.raises(
            PrcEmoError,
            match=r"prompt\.template: 'recognise' is neither a template .* mean 'recognize'\? Known: .*\.$",
        ):
            self.settings("prompt.template=recognise")

    def test_a_store_that_is_not_there_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """At once, and not after the encoder has been loaded."""
        monkeypatch.setattr("prc_emo.experiment.Embedder", lambda name: pytest.fail("loaded an encoder"))
        with pytest.raises(
            PrcEmoError, match=r"retrieval\.store: there is no folder /nowhere\. Make it with `prc-emo store"
        ):
            build(self.settings("retrieval.store=/nowhere"), MELD, "meld")

    @pytest.mark.parametrize(
        ("overrides", "said"),
        [
            (
                ["curriculum.schedule=shuffled"],
                "quickstart: curriculum.buckets=2, curriculum.schedule=shuffled and training.epochs=2 do not go together. "
                "Schedule 'shuffled' has no parameter 'buckets'.",
            ),
            (
                ["training.epochs=1", "curriculum.buckets=null"],
                "quickstart: curriculum.schedule=baby-steps and training.epochs=1 do not go together. "
                "BabySteps: 2 buckets need 2 epochs or more, got 1;",
            ),
        ],
    )
    def test_a_schedule_that_cannot_be_made_is_told_with_its_keys(
        self, overrides: list[str], said: str
    ) -> None:
        with pytest.raises(PrcEmoError) as error:
            self.settings(*overrides)
        assert str(error.value).startswith(said) and "curriculum=null shuffles." in str(error.value)

    def test_what_is_not_used_is_left_out(self) -> None:
        """The ablations of the paper: without R, without C, without I, without S."""
        model = build(
            self.settings("retrieval=null", "curriculum=null", "prompt.use=[speakers]"), MELD, "meld"
        )
        assert model.store is None and type(model.schedule).__name__ == "Shuffled"
        assert model.knowledge.characteristics and not model.knowledge.interpretations
