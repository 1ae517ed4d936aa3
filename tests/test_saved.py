"""What a trained model leaves on disk is read back whole, or refused with what is wrong."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prc_emo import saved
from prc_emo.errors import PrcEmoError
from prc_emo.labels import EMORYNLP, MELD, LabelSet
from prompts import load_template
from retrieval_store import Demonstration, DemonstrationStore

TEMPLATE = load_template("recognize")
DESCRIPTION: dict[str, Any] = {
    "base_model": "Qwen/Qwen3-8B",
    "loading": {"revision": "0123abc", "tiny": True, "quantization": "none"},
    "labels": {"name": "MELD", "labels": MELD.labels},
    "template_sha256": TEMPLATE.sha256,
    "see": "past",
    "window": 5,
    "max_tokens": 2048,
    "demonstrations": 3,
    "mmr": None,
    "per_label": None,
    "evaluation_splits": ["meld/dev", "meld/test"],
    "encoder": "minilm",
    "answer": {"by": "score", "calibrate": True, "prior_correction": False, "batch_tokens": 4096},
    "temperature": 1.25,
    "offsets": (0.0,),
    "seed": 42,
}


class OneWay:
    """Every text is the same to it: only the files matter here."""

    id = "one-way@1"
    dimension = 2

    def encode(self, texts: list[str], progress: bool = False) -> np.ndarray:
        return np.tile(np.array([1, 0], dtype=np.float32), (len(texts), 1))


def written(folder: Path, store: DemonstrationStore | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (saved.ADAPTER, saved.SETTINGS):
        (folder / name).write_bytes(b"weights")  # reading checks the bytes; what they are is peft's matter
    saved.write(folder, DESCRIPTION, template=TEMPLATE.text, store=store)
    return folder


def edited(folder: Path, **values: Any) -> None:
    path = folder / saved.DESCRIPTION
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_it_reads_back_as_it_was_written(tmp_path: Path) -> None:
    found, template = saved.read(written(tmp_path), MELD)
    dumped = found.model_dump(mode="json")
    assert {key: dumped[key] for key in DESCRIPTION} == json.loads(json.dumps(DESCRIPTION))
    assert (template, found.format, found.store) == (TEMPLATE.text, 1, None)


def test_the_store_beside_it_is_named_by_its_hash(tmp_path: Path) -> None:
    store = DemonstrationStore.build([Demonstration("a/0", "Hi.", "joy", "mine")], OneWay())
    found, _ = saved.read(written(tmp_path, store), None)
    assert found.store == store.hash == DemonstrationStore.load(tmp_path / saved.STORE).hash


def test_a_runs_folder_its_model_folder_and_that_of_all_seeds_are_taken(tmp_path: Path) -> None:
    model = written(tmp_path / "seed42" / "model")
    assert (
        saved.folder_of(tmp_path / "seed42") == saved.folder_of(model) == saved.folder_of(tmp_path) == model
    )
    later = written(tmp_path / "seed7" / "model")
    os.utime(model / saved.DESCRIPTION, ns=(1, 1))
    assert saved.folder_of(tmp_path) == later


def test_a_folder_without_a_model_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(
        PrcEmoError, match=r"expected a trained model with prc_emo\.json\. Train one with prc-emo run NAME\."
    ):
        saved.read(saved.folder_of(tmp_path), None)


def test_it_answers_in_the_labels_that_it_was_taught(tmp_path: Path) -> None:
    folder = written(tmp_path)
    saved.read(folder, LabelSet("the same", tuple(sorted(MELD))))  # the order is a matter of tables
    with pytest.raises(PrcEmoError) as error:
        saved.read(folder, EMORYNLP)
    assert str(error.value) == (
        f"{folder}: this model answers with the labels of MELD (neutral, joy, surprise, anger, sadness, disgust, fear), "
        "not with those of EmoryNLP (joyful, mad, peaceful, neutral, sad, powerful, scared). "
        "Train one for EmoryNLP, or ask it for its own."
    )


@pytest.mark.parametrize("name", [saved.ADAPTER, saved.SETTINGS, saved.TEMPLATE])
def test_a_part_that_was_changed_or_is_gone_is_refused(name: str, tmp_path: Path) -> None:
    """Other words or other weights would answer, and nobody would know."""
    folder = written(tmp_path)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(PrcEmoError, match=re.escape(f"{folder / name} is missing or was changed since")):
        saved.read(folder, None)
    (folder / name).unlink()
    with pytest.raises(PrcEmoError, match=re.escape(str(folder / name))):
        saved.read(folder, None)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 2}, "format: Input should be 1. Was it edited or written by another version?"),
        ({"window": "wide"}, "window: Input should be a valid integer"),
        ({"temperature": 0}, "temperature: Input should be greater than 0"),
        ({"temperature": float("nan")}, "temperature: Input should be a finite number"),
        ({"run": "rm"}, "run: Extra inputs are not permitted"),
        ({"loading": {"trust_remote_code": True}}, "loading: unknown: trust_remote_code."),
        ({"loading": {"name": "other"}}, "loading: unknown: name."),
        ({"answer": {"by": "eval"}}, "answer.by: Input should be 'score' or 'generate'"),
    ],
)
def test_a_description_is_data_and_not_believed(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    folder = written(tmp_path)
    edited(folder, **values)
    with pytest.raises(PrcEmoError, match=re.escape(f"{folder / saved.DESCRIPTION}: {message}")):
        saved.read(folder, None)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "line 1: not valid JSON"), ("[]", "Input should be a valid dictionary")]
)
def test_a_description_of_another_form_is_refused(text: str, message: str, tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / saved.DESCRIPTION).write_text(text)
    with pytest.raises(PrcEmoError, match=message):
        saved.read(folder, None)


def test_a_write_that_was_killed_before_its_end_is_no_model(tmp_path: Path) -> None:
    """The description comes last: without it, or with that of an older model, nothing is read."""
    folder = written(tmp_path)
    (folder / saved.ADAPTER).write_bytes(b"newer weights")  # and then the power went out
    with pytest.raises(PrcEmoError, match="was changed since the model was saved"):
        saved.read(folder, None)
