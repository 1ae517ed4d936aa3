"""Units and features that somebody else made: found by utterance id, of one width, never a pickle."""

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from speech_kit import said

from prc_emo.corpora import load_corpus
from prc_emo.errors import PrcEmoError
from prc_emo.speech.features import Features
from prc_emo.speech.heard import Source
from prc_emo.speech.units import Units

Arrays = dict[str, np.ndarray]


def units(folder: Path, *rows: object) -> Path:
    file = folder / "units.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_units_are_found_by_id(tmp_path: Path) -> None:
    file = units(tmp_path, {"id": "a", "units": [3, 1, 4], "text": "Hm."}, {"id": "b", "units": []})
    source = Units.read(file)
    heard = source.of([said("a"), said("b"), said("c")])
    assert (source.width, source.layers) == (5, None)
    np.testing.assert_array_equal(heard.frames["a"], [3, 1, 4])
    assert heard.counts() == {"heard": 1, "cut": 0, "no features": 2}
    with pytest.raises(PrcEmoError, match=r"^b: no features \(0 units\)"):
        Units.read(file, strict=True).of([said("a"), said("b")])


def test_how_many_units_there_are_can_be_said(tmp_path: Path) -> None:
    file = units(tmp_path, {"id": "a", "units": [3, 1, 4]})
    assert Units.read(file, 1000).width == 1000
    with pytest.raises(PrcEmoError, match="expected units from 0 to 3, got 4"):
        Units.read(file, 4)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["no object"], "line 1: expected an object with 'id' and 'units'"),
        ([{"id": "a"}], "line 1: expected 'units' to be a list of whole numbers from 0, got None"),
        ([{"id": "a", "units": [1, -1]}], "whole numbers from 0, got [1, -1]"),
        ([{"id": "a", "units": [True]}], "whole numbers from 0, got [True]"),
        ([{"id": "a", "units": [0.5]}], "whole numbers from 0, got [0.5]"),
        ([{"id": "a", "units": [1]}] * 2, "line 2: 'a' has units already"),
        ([{"id": "a", "units": []}], "found no unit"),
        ([], "found no unit"),
    ],
)
def test_units_of_another_form_are_an_error(tmp_path: Path, rows: list[object], message: str) -> None:
    with pytest.raises(PrcEmoError, match=re.escape(message)):
        Units.read(units(tmp_path, *rows))


@pytest.mark.data
def test_every_labelled_turn_of_dailytalk_has_units(data_root: Path) -> None:
    corpus = load_corpus("dailytalk", data_root / "dailytalk_units")
    turns = [turn for talk in corpus.all() for turn in talk.utterances if turn.gold is not None]
    source = Units.read(data_root / "dailytalk_units", 1000, strict=True)
    assert source.of(turns).counts() == {"heard": 2799, "cut": 0}


def as_folder(folder: Path, arrays: Arrays) -> Path:
    for id, array in arrays.items():
        file = folder / "arrays" / f"{id}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, array)
    return folder / "arrays"


def as_file(folder: Path, arrays: Arrays) -> Path:
    save_file(arrays, folder / "arrays.safetensors")
    return folder / "arrays.safetensors"


FORMS = pytest.mark.parametrize("form", [as_folder, as_file], ids=["folder of npy", "safetensors"])
Form = Callable[[Path, Arrays], Path]


@FORMS
def test_features_are_found_by_id_and_a_vector_is_one_frame(tmp_path: Path, form: Form) -> None:
    arrays = {"talk/0": np.ones((7, 4), np.float32), "talk/1": np.arange(4, dtype=np.float64)}
    source: Source = Features.read(form(tmp_path, arrays))
    heard = source.of([said("talk/0"), said("talk/1"), said("talk/2")])
    assert (source.width, source.layers) == (4, None)
    np.testing.assert_array_equal(heard.frames["talk/1"], [[0, 1, 2, 3]])
    assert heard.frames["talk/0"].shape == (7, 4) and heard.frames["talk/1"].dtype == np.float32
    assert heard.counts() == {"heard": 2, "cut": 0, "no features": 1}


@FORMS
def test_features_of_all_layers_have_three_dimensions(tmp_path: Path, form: Form) -> None:
    source = Features.read(form(tmp_path, {"a": np.ones((3, 7, 4), np.float32)}))
    assert (source.width, source.layers) == (4, 3)
    assert source.of([said("a")]).frames["a"].shape == (3, 7, 4)


@FORMS
def test_features_that_are_not_finite_are_not_heard(tmp_path: Path, form: Form) -> None:
    path = form(tmp_path, {"a": np.ones(4, np.float32), "b": np.array([1, np.nan, 0, 0], np.float32)})
    assert Features.read(path).of([said("a"), said("b")]).counts() == {"heard": 1, "cut": 0, "not finite": 1}
    with pytest.raises(PrcEmoError, match=r"^b: not finite \(NaN or infinite values\)"):
        Features.read(path, strict=True).of([said("b")])


@FORMS
def test_features_of_another_width_are_an_error(tmp_path: Path, form: Form) -> None:
    path = form(tmp_path, {"a": np.ones((2, 4), np.float32), "b": np.ones((2, 5), np.float32)})
    with pytest.raises(PrcEmoError, match=r"expected frames of width 4 for b, .* got an array of \(2, 5\)"):
        Features.read(path).of([said("a"), said("b")])


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("exploded"),)


def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = as_folder(tmp_path, {"a": np.ones(4, np.float32)})
    np.save(folder / "b.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    (folder / "c.npy").write_bytes(pickle.dumps(Bomb()))
    heard = Features.read(folder).of([said("a"), said("b"), said("c")])
    assert heard.counts() == {"heard": 1, "cut": 0, "corrupt": 2}
    assert not (tmp_path / "exploded").exists()


def test_an_id_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, {"a": np.ones(4, np.float32)})
    np.save(tmp_path / "secret.npy", np.ones(4, np.float32))
    turns = [said("../secret"), said(str(tmp_path / "secret")), said("a")]
    assert Features.read(folder).of(turns).counts() == {"heard": 1, "cut": 0, "no features": 2}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere", "expected a folder with .npy files, or a .safetensors file"),
        (lambda folder: folder, "there is no array in it"),
        (lambda folder: as_folder(folder, {"a": np.array(["words"])}), "expected arrays of numbers"),
        (lambda folder: as_folder(folder, {"a": np.zeros((0, 4))}), "the first is an array of shape (0, 4)"),
    ],
)
def test_a_place_without_features_is_an_error(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(PrcEmoError, match=re.escape(message)):
        Features.read(make(tmp_path))


def test_a_damaged_safetensors_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"\x00" * 20)
    with pytest.raises(PrcEmoError, match="not a readable safetensors file"):
        Features.read(file)
