"""The settings of voices made real: what they decide, and what a saved model does where its voices are not to be found."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from speech_kit import noise, said, write

from prc_emo.config import Speech
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError
from prc_emo.files import write_jsonl
from prc_emo.hearing import Ears, Form
from prc_emo.labels import MELD
from prc_emo.speech.listen import Listener

DEAF = Conversation("talk", (said("a"), said("b")))


def ears(settings: Speech, form: Form | None = None, cache: Path | None = None) -> Ears:
    made = Ears(settings, MELD, 1, form=form, cache=cache)
    made.listener = Listener(2)
    return made


def features(folder: Path, array: np.ndarray) -> Speech:
    for id in "ab":
        np.save(folder / f"{id}.npy", array)
    return Speech(features=str(folder))


def test_precision_and_lengths_are_settings(tmp_path: Path) -> None:
    talk = Conversation("talk", (said("a", write(tmp_path / "a.wav", noise(1.0))),))
    found = ears(Speech(precision="float16", heard=0.5), cache=tmp_path / "cache").hear([talk])
    assert found.counts() == {"heard": 1, "cut": 1}
    (file,) = (tmp_path / "cache").rglob("*.safetensors")
    assert load_file(file)["frames"].dtype == np.float16
    for settings, reason in (
        (Speech(shortest=2.0), "too short"),
        (Speech(heard=0.4, longest=0.5), "too long"),
    ):
        assert ears(settings, cache=tmp_path / "cache").hear([talk]).unheard["a"].reason == reason


def test_lengths_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected shortest < heard <= longest, got 0.1, 60 and 30"):
        Speech(heard=60, longest=30)


@pytest.mark.parametrize(
    ("shape", "got"),
    [((5, 9), "8 wide; got 9 wide"), ((3, 5, 8), "8 wide; got 8 wide in 3 layers")],
)
def test_features_of_another_form_than_the_model_has_learned_are_an_error(
    tmp_path: Path, shape: tuple[int, ...], got: str
) -> None:
    settings = features(tmp_path, np.ones(shape, np.float32))
    with pytest.raises(PrcEmoError, match=rf"{tmp_path}: expected frames .*, {got}\. Restore"):
        ears(settings, Form(width=8, layers=None)).hear([DEAF])
    assert ears(settings, Form(width=shape[-1], layers=3 if len(shape) == 3 else None)).hear([DEAF]).frames


def test_an_encoder_of_another_form_than_the_model_has_learned_is_an_error(tmp_path: Path) -> None:
    talk = Conversation("talk", (said("a", write(tmp_path / "a.wav", noise(0.3))),))
    with pytest.raises(
        PrcEmoError, match=r"log_mel 1, 64 bands.*: expected frames .* 168 wide; got 264 wide"
    ):
        ears(Speech(options={"bands": 64}), Form(width=168, layers=None), tmp_path / "cache").hear([talk])


def test_a_saved_model_reads_words_without_the_voices_it_was_trained_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    form = Form(width=10, layers=None)
    for settings in (Speech(units=str(tmp_path / "gone")), Speech(features=str(tmp_path / "gone"))):
        saved = ears(settings, form)
        for _ in range(2):
            assert saved.hear([DEAF]).counts() == {"heard": 0, "cut": 0, "no features": 2}
        assert (
            capsys.readouterr().err.count(f"{tmp_path / 'gone'}, with the voices of this model, is not") == 1
        )
        with pytest.raises(PrcEmoError):
            ears(settings).hear([DEAF])
    assert ears(Speech(encoder=str(tmp_path / "gone")), form).hear([DEAF]).counts()["no recording"] == 2


def test_a_saved_model_is_not_strict(tmp_path: Path) -> None:
    """Who trains wants to know of every voice that is missing; who asks a model wants an answer."""
    settings = Speech(strict=True)
    assert ears(settings, Form(width=168, layers=None)).hear([DEAF]).counts()["no recording"] == 2
    with pytest.raises(PrcEmoError, match="a: no recording"):
        ears(settings).hear([DEAF])


def test_what_is_heard_is_named_by_its_content(tmp_path: Path) -> None:
    def contents(settings: Speech) -> list[str]:
        return list(ears(settings, cache=tmp_path / "cache").hear([talk]).contents.values())

    talk = Conversation("talk", (said("a", tmp_path / "a.wav"), said("b")))
    (tmp_path / "features").mkdir()
    found = []
    for seed in (0, 1, 0):
        write(tmp_path / "a.wav", noise(0.3, seed))
        write_jsonl(tmp_path / "units.jsonl", [{"id": "b", "units": [1, seed]}])
        of_features = features(tmp_path / "features", np.full((3, 4), seed, np.float32))
        found.append(
            [contents(one) for one in (Speech(), Speech(units=str(tmp_path / "units.jsonl")), of_features)]
        )
    assert found[0] == found[2] and [len(one) for one in found[0]] == [1, 1, 2]
    assert all(one != other for one, other in zip(found[0], found[1], strict=True))


def test_rare_emotions_weigh_more_where_that_is_asked() -> None:
    """Inverse to how frequent they are; a label that nobody has learned from weighs 1."""
    assert ears(Speech())._alpha(["joy"]) is None
    weights = ears(Speech(alpha="balanced"))._alpha(["joy", "joy", "joy", "fear"])
    assert weights is not None
    assert dict(zip(MELD, weights.tolist(), strict=True)) == pytest.approx(
        {label: {"joy": 2 / 3, "fear": 2.0}.get(label, 1.0) for label in MELD}
    )
