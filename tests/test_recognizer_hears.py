"""PRC-Emo with voices, from recordings to a saved model that hears: on a toy of Qwen3's architecture, with tones for voices."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("soundfile", reason="pip install 'prc-emo[speech]'")
import soundfile
from safetensors.numpy import load_file

from curriculum import BabySteps
from prc_emo import Conversation, PRCEmo, Utterance
from prc_emo.bench.predictions import Prediction
from prc_emo.bench.run import run
from prc_emo.config import Speech, Training
from prc_emo.config_file import experiment
from prc_emo.errors import PrcEmoError
from prc_emo.experiment import refuse_too_long
from prc_emo.files import read_json, write_jsonl
from prc_emo.labels import MELD

HERTZ = {"joy": 400.0, "sadness": 100.0}
SMALL: dict[str, Any] = {"queries": 2, "width": 16, "layers": 1, "heads": 2, "feedforward": 32}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PRC_EMO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def voice(path: Path, hertz: float, seconds: float = 0.5) -> Path:
    time = np.arange(int(seconds * 16_000)) / 16_000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * time), 16_000)
    return path


def talks(folder: Path, split: str, count: int) -> list[Conversation]:
    """The same words in all of them; the tone alone says which emotion it is. The last line has no recording."""
    found = []
    for number in range(count):
        turns = []
        for at, emotion in enumerate(
            ["joy", "sadness", "joy"] if number % 2 else ["sadness", "joy", "sadness"]
        ):
            id = f"{split}/{number}/{at}"
            path = voice(folder / f"{split}-{number}-{at}.wav", HERTZ[emotion] + number, 0.4 + 0.1 * at)
            turns.append(Utterance(id, "AB"[at % 2], "Well.", emotion, path if at < 2 else None))
        found.append(Conversation(f"{split}/{number}", tuple(turns)))
    return found


RUN = [
    *("data.corpus=jsonl", "data.labels=meld", "model.name=Qwen/Qwen3-8B", "model.tiny=true", "prompt.template=recognize", "prompt.max_tokens=1000"),
    *("speech.units=null", "speech.unit_count=null", "speech.width=16", "speech.heads=2", "speech.feedforward=32"),
    *("training.epochs=1", "training.batch=2", "training.loss=vocabulary", "training.evaluate_every=50"),
]  # fmt: skip


def written(folder: Path, split: str, said: list[Conversation]) -> None:
    """As JSONL of one's own, beside the recordings."""
    rows = [
        {
            "id": talk.id.replace("/", "-"),
            "turns": [
                {"speaker": turn.speaker, "text": turn.text, "emotion": turn.gold}
                | ({"audio": turn.audio.name} if turn.audio else {})
                for turn in talk.utterances
            ],
        }
        for talk in said
    ]
    write_jsonl(folder / f"{split}.jsonl", rows)


def recognizer(speech: Speech | None, **options: Any) -> PRCEmo:
    training = Training(batch=4, accumulate=1, learning_rate=5e-3, evaluate_every=50, neftune=None)
    loading = {"tiny": True, "precision": "fp32"}
    return PRCEmo(
        "Qwen/Qwen3-8B",
        labels=MELD,
        speech=speech,
        **{"schedule": BabySteps(buckets=2, epochs=2), "training": training, "loading": loading, **options},
    )


def alike(some: list[Prediction], others: list[Prediction]) -> bool:
    return [one.probabilities for one in some] == [pytest.approx(one.probabilities) for one in others]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"window": 4, "text": True, "stages": 2}, id="all forms", marks=pytest.mark.slow),
        pytest.param(
            {"speeds": (0.9,), "noises": (20.0,), "context": False}, id="augmented", marks=pytest.mark.slow
        ),
    ],
)
def test_it_is_trained_saved_and_loaded_with_its_ears(tmp_path: Path, changes: dict[str, Any]) -> None:
    train, dev = talks(tmp_path, "train", 4), talks(tmp_path, "dev", 2)
    model = recognizer(Speech(**SMALL, **changes))
    model.fit(train, dev, out=tmp_path / "run")
    hidden = [talk.hidden() for talk in dev]
    before = model.predict(hidden)
    assert model.heard == {"heard": 4, "cut": 0, "no recording": 2}
    made = model.voices()
    assert made is not None and made.contrast.shape == (4, 128) and set(made.attention) == set(made.ids)
    assert (tmp_path / "run" / "listening").exists() == (changes.get("stages") == 2)

    again = PRCEmo.load(tmp_path / "run")
    assert alike(again.predict(hidden), before)
    deaf = [
        Conversation(talk.id, tuple(Utterance(turn.id, turn.speaker, turn.text) for turn in talk.utterances))
        for talk in hidden
    ]
    assert not alike(again.predict(deaf), before) and again.heard["no recording"] == 6
    spoken = again.read([("Ada", "Well.", voice(tmp_path / "new.wav", 400)), ("Ben", "Well.")])
    assert len(spoken) == 2 and again.heard["heard"] == 1
    shutil.rmtree(tmp_path / "cache")
    assert alike(again.predict(hidden), before), "frames made anew are others"


@pytest.fixture(scope="module")
def wavlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small random WavLM, as users have a large trained one."""
    import torch
    from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMModel

    folder = tmp_path_factory.mktemp("wavlm")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    places = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
    config = WavLMConfig(**sizes, **places, conv_dim=(8,) * 7, feat_extract_norm="layer", conv_bias=True)
    WavLMModel(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True).save_pretrained(folder)
    return folder


def test_a_voice_shorter_than_its_augmentation_tunes_an_encoder_too(wavlm: Path) -> None:
    import torch

    from prc_emo.speech.pretrained import Pretrained
    from prc_emo.speech.tuned import Tuned

    tuned = Tuned(Pretrained(str(wavlm))).train()
    for samples in (1_700, 16_000, 1_700):  # 5 frames, 49 frames
        frames, there = tuned(torch.randn(1, samples, 1), torch.ones(1, samples, dtype=torch.bool))
        assert frames.isfinite().all() and there.all()
        assert tuned.module.config.apply_spec_augment == (samples == 16_000)


@pytest.mark.parametrize(
    "changes",
    [{"layer": "all"}, pytest.param({"window": 10, "noises": (20.0,)}, marks=pytest.mark.slow)],
)
def test_a_speech_encoder_is_tuned_saved_and_loaded_too(
    tmp_path: Path, wavlm: Path, changes: dict[str, Any]
) -> None:
    train, dev = talks(tmp_path, "train", 2), talks(tmp_path, "dev", 1)
    learning = Training(batch=4, accumulate=1, learning_rate=5e-3, warmup=0, neftune=None)
    model = recognizer(Speech(**SMALL, encoder=str(wavlm), tune=1e-3, **changes), training=learning)
    model.fit(train, dev, out=tmp_path / "run")
    before, made = model.predict(dev), model.voices()
    frames = (0.4 * 16_000 - 400) // 320 + 1
    assert made is not None and made.attention["dev/0/0"].shape[1] == frames

    given = load_file(wavlm / "model.safetensors")
    saved = load_file(tmp_path / "run/model/adapter_model.safetensors")
    learned = {
        name: np.abs(given[name] - saved[key]).max().item()
        for name in given
        for key in saved
        if key.endswith(f".encoder.module.{name}")
    }
    assert max(learned.values()) > 1e-4 and sum(change > 0 for change in learned.values()) > 20
    assert alike(PRCEmo.load(tmp_path / "run").predict(dev), before)


def test_what_has_no_weights_is_not_tuned() -> None:
    with pytest.raises(ValueError, match="log_mel, units and features have no weights"):
        Speech(tune=1e-5)


def test_broken_recordings_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    train, dev = talks(tmp_path, "train", 2), talks(tmp_path, "dev", 1)
    (tmp_path / "train-0-0.wav").write_bytes(b"no sound")
    (tmp_path / "dev-0-1.wav").unlink()
    model = recognizer(Speech(**SMALL))
    model.fit(train, dev, out=tmp_path / "run")
    model.predict(dev)
    assert model.heard == {"heard": 1, "cut": 0, "missing": 1, "no recording": 1}
    recorded = [replace(talk, utterances=talk.utterances[:2]) for talk in train]
    with pytest.raises(PrcEmoError, match=r"train/0/0, .*train-0-0.wav: corrupt"):
        recognizer(Speech(**SMALL, strict=True)).fit(recorded, recorded, out=tmp_path / "strict")


def test_a_run_says_what_it_heard_and_refuses_shared_voices_also_of_a_few(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("dev", 2)):
        written(tmp_path, split, talks(tmp_path, split, count))
    changes = [f"data.path={tmp_path}", *RUN]
    run(experiment("dailytalk_units_minilm", changes), tmp_path / "run")
    assert read_json(tmp_path / "run/report.json")["speech in training"] == {
        "heard": 6,
        "cut": 0,
        "no recording": 3,
    }  # of the training split alone
    people = experiment("dailytalk_units_minilm", [*changes, "data.options.people=true", "data.limit=2"])
    with pytest.raises(PrcEmoError, match="expected nobody to speak in two"):
        run(people, tmp_path / "people")


@pytest.mark.slow
def test_two_processes_learn_to_hear_together(tmp_path: Path) -> None:
    for split, count in (("train", 6), ("dev", 2)):
        written(tmp_path, split, talks(tmp_path, split, count))
    launch = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=0", "--standalone"]
    changes = [f"data.path={tmp_path}", *RUN, "speech.text=true"]
    done = subprocess.run(
        [sys.executable, *launch, "-m", "prc_emo", "run", "dailytalk_units_minilm", *changes, "--out", tmp_path / "run"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    model = PRCEmo.load(tmp_path / "run/dailytalk_units_minilm")
    model.predict(talks(tmp_path, "dev", 2))
    assert model.heard["heard"] == 4


def test_a_text_model_ignores_recordings(tmp_path: Path) -> None:
    train, dev = talks(tmp_path, "train", 2), talks(tmp_path, "dev", 1)
    model = recognizer(None)
    model.fit(train, dev, out=tmp_path / "run")
    assert model.heard == {} and "speech_adapter" not in str(
        read_json(tmp_path / "run/model/adapter_config.json")
    )
    assert read_json(tmp_path / "run/model/prc_emo.json")["speech"] is None
    assert "voices" not in read_json(tmp_path / "run/training.json")  # one that was begun earlier goes on


def test_a_training_does_not_go_on_with_other_voices(tmp_path: Path) -> None:
    """The paths are the same, and so are the prompts: only what is in the files can tell."""
    train, dev = talks(tmp_path, "train", 2), talks(tmp_path, "dev", 1)
    recognizer(Speech(**SMALL)).fit(train, dev, out=tmp_path / "run")
    recognizer(Speech(**SMALL)).fit(train, dev, out=tmp_path / "run")
    voice(tmp_path / "train-0-0.wav", 300, 0.4)
    with pytest.raises(PrcEmoError, match="a training that was begun with another voices"):
        recognizer(Speech(**SMALL)).fit(train, dev, out=tmp_path / "run")


@pytest.mark.parametrize("window", [None, 4])
def test_prompts_are_composed_without_reading_a_voice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int | None
) -> None:
    """Frames of all layers of a large encoder are 5 MB for a second of sound."""
    said, model = talks(tmp_path, "train", 2), recognizer(Speech(**SMALL, window=window))
    model.hear(said)
    monkeypatch.setattr("prc_emo.speech.kept.Kept.read", lambda self, key: pytest.fail("read a voice"))
    assert sum(len(prompt.heard) for prompt in model.prompts(said)) > 4


def test_a_voice_that_fits_no_prompt_is_told_before_the_training(tmp_path: Path) -> None:
    turn = Utterance("test/0/0", "A", "Well.", "joy", voice(tmp_path / "long.wav", 300, 29))
    asked = [Conversation("test/0", (turn,))]
    refuse_too_long(recognizer(Speech(**SMALL), max_tokens=700), asked)
    with pytest.raises(PrcEmoError, match=r"test/0/0: the utterance alone takes \d+ tokens"):
        refuse_too_long(recognizer(Speech(**SMALL, window=4), max_tokens=700), asked)


def test_of_several_processes_the_first_hears_first_also_in_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each of them would ask the encoder for everything."""
    train, dev = talks(tmp_path, "train", 2), talks(tmp_path, "dev", 1)
    model = recognizer(Speech(**SMALL))
    model.fit(train, dev, out=tmp_path / "run")
    steps: list[str] = []

    class Processes:
        @contextmanager
        def main_process_first(self) -> Iterator[None]:
            steps.append("the first")
            yield
            steps.append("the others")

    def hear(said: list[Conversation]) -> dict[str, int]:
        steps.append("hears")
        return whole(said)

    whole = model.hear
    monkeypatch.setattr(model, "hear", hear)
    monkeypatch.setattr("prc_emo.recognizer.processes", Processes)
    model.predict(dev)
    assert steps == ["the first", "hears", "the others"]


def test_the_recipe_of_the_large_models_runs_from_settings_to_scores(tmp_path: Path, wavlm: Path) -> None:
    """All of it but the size of both models: `smoke=true` hears through log_mel instead."""
    columns = ("Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID")
    for split in ("train", "dev", "test"):
        rows = []
        for dialogue in range(2):
            for at, emotion in enumerate(["joy", "sadness", "joy"]):
                words = f"Well, {split} {dialogue} {at}."
                rows.append((1, words, ("Ross", "Joey")[at % 2], emotion, "neutral", dialogue, at))
                if at < 2:
                    clip = tmp_path / f"meld/audio/{split}/dia{dialogue}_utt{at}.wav"
                    clip.parent.mkdir(parents=True, exist_ok=True)
                    voice(clip, HERTZ[emotion] + dialogue, 0.4)
        with (tmp_path / f"meld/{split}_sent_emo.csv").open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
    changes = [
        f"data.path={tmp_path / 'meld'}",
        "model.tiny=true",
        "model.quantization=none",
        "training.epochs=2",
    ]
    settings = experiment("meld_speech_qwen3_8b", [*changes, f"speech.encoder={wavlm}"])
    assert settings.speech is not None
    assert (settings.speech.layer, settings.speech.stages, settings.speech.text) == ("all", 2, True)
    scores = run(settings, tmp_path / "run")
    assert 0 <= scores.wf1 <= 1 and (tmp_path / "run/listening/checkpoints").exists()
    assert read_json(tmp_path / "run/report.json")["speech"] == {"heard": 4, "cut": 0, "no recording": 2}
    form = read_json(tmp_path / "run/model/prc_emo.json")["frames"]
    assert (form["width"], form["layers"]) == (16, 3)
    (folder,) = (tmp_path / "cache").iterdir()
    kept = {load_file(file)["frames"].dtype.name for file in folder.rglob("*.safetensors")}
    assert kept == {"float16"}


@pytest.mark.slow
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Augmentation included: it depends on the place in the order, not on what was drawn before."""
    train, dev = talks(tmp_path, "train", 4), talks(tmp_path, "dev", 2)
    settings = Speech(**SMALL, speeds=(0.9, 1.1))
    whole = recognizer(settings)
    whole.fit(train, dev, out=tmp_path / "whole")

    from prc_emo.development import Development

    def cut(self: Development, lm: object) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measure(self, lm)  # type: ignore[arg-type]

    calls: list[int] = []
    measure = Development.measure
    with monkeypatch.context() as patched:
        patched.setattr(Development, "measure", cut)
        with pytest.raises(KeyboardInterrupt):
            recognizer(settings).fit(train, dev, out=tmp_path / "cut")
    resumed = recognizer(settings)
    resumed.fit(train, dev, out=tmp_path / "cut")
    files = [tmp_path / name / "model" / "adapter_model.safetensors" for name in ("whole", "cut")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.slow
def test_the_tone_is_learned(tmp_path: Path) -> None:
    """The words are always the same, so whoever is right has heard it."""
    train, dev = talks(tmp_path, "train", 8), talks(tmp_path, "dev", 4)
    training = Training(
        batch=8, accumulate=1, epochs=12, learning_rate=1e-3, loss="labels", evaluate_every=50, neftune=None
    )
    model = PRCEmo("minilm", labels=MELD, speech=Speech(**SMALL, context=False), training=training)
    recorded = [replace(talk, utterances=talk.utterances[:2]) for talk in (*train, *dev)]
    model.fit(recorded[:8], recorded[8:], out=tmp_path / "run")
    found = {one.id: one.label for one in model.predict(recorded[8:])}
    assert all(found[turn.id] == turn.gold for talk in recorded[8:] for turn in talk.utterances)
