"""A trained toy that the tests of the chat read with."""

from pathlib import Path

import pytest
from chat_kit import corpus

from prc_emo import PRCEmo
from prc_emo.config import Training
from prc_emo.labels import MELD
from prompts import load_template


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A toy of Qwen3's architecture, after a few steps; it looks at two turns before the one it reads."""
    out = tmp_path_factory.mktemp("run")
    model = PRCEmo(
        "Qwen/Qwen3-8B",
        labels=MELD,
        template=load_template("recognize"),
        store="train",
        window=2,
        demonstrations=2,
        training=Training(batch=2, accumulate=1, learning_rate=1e-2, epochs=1),
        loading={"tiny": True, "precision": "fp32"},
    )
    model.fit(corpus("train", 3), corpus("dev", 1), out=out)
    return out
