"""The baseline `voice`: what its two ways of pooling hear, and which settings it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prc_emo.baselines.voice.recognizer import build, load
from prc_emo.conversation import Conversation, Utterance
from prc_emo.errors import PrcEmoError
from prc_emo.labels import LabelSet

LABELS = LabelSet("tiny", ("calm", "cross"))
LEVELS = {"calm": -21.0, "cross": -20.0}  # little beside how far both are from zero


def talks(features: Path, split: str, count: int) -> list[Conversation]:
    """Each frame is flat: its level alone says which emotion it is."""
    found = []
    chance = np.random.default_rng(len(split))
    for number in range(count):
        emotion = LABELS.labels[number % 2]
        id = f"{split}-{number}"
        level = LEVELS[emotion] + 0.1 * chance.standard_normal()
        np.save(features / f"{id}.npy", np.full((3 + number % 4, 4), level, np.float32))
        found.append(Conversation(id, (Utterance(id, "Ada", "Well.", emotion),)))
    return found


def test_the_mean_of_the_frames_tells_levels_and_is_loaded_as_it_was(tmp_path: Path) -> None:
    train, dev = talks(tmp_path, "train", 16), talks(tmp_path, "dev", 6)
    speech = {"features": str(tmp_path), "mask": False}
    voice = build(LABELS, {"pool": "mean", "speech": speech, "learning_rate": 0.1}, 42)
    voice.fit(train, dev, out=tmp_path / "run")
    answers = voice.predict([talk.hidden() for talk in dev])
    assert [one.label for one in answers] == ["calm", "cross"] * 3
    assert load(tmp_path / "run").predict(dev) == answers


@pytest.mark.parametrize(
    ("speech", "message"),
    [
        ({"qeries": 3}, "voice: parameters.speech: unknown setting 'qeries'. Did you mean 'queries'?"),
        ({"queries": "many"}, "voice: parameters.speech: queries: input should be a valid integer"),
        ({"width": 7}, "voice: parameters.speech: width 7 is not a multiple of heads 4."),
        ({"encoder": "wavlm", "tune": 1e-5}, "expected an encoder that stays as it is, got tune=1e-05. Take tune=null."),
    ],
)  # fmt: skip
def test_a_wrong_setting_of_speech_is_told_in_a_sentence(speech: dict[str, Any], message: str) -> None:
    with pytest.raises(PrcEmoError) as error:
        build(LABELS, {"speech": speech}, 42)
    assert message in str(error.value)
