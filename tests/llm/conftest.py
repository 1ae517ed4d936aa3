"""A toy of Qwen3's architecture, and the embedded model; loaded once, since no test changes them."""

import pytest

from prc_emo.llm.load import LanguageModel, load

QWEN = "Qwen/Qwen3-8B"
MELD = ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear")


@pytest.fixture(scope="session")
def toy() -> LanguageModel:
    return load(QWEN, tiny=True, precision="fp32")


@pytest.fixture(scope="session")
def minilm() -> LanguageModel:
    return load("minilm", precision="fp32")


@pytest.fixture(params=["toy", "minilm"])
def lm(request: pytest.FixtureRequest) -> LanguageModel:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.fixture
def fresh_toy() -> LanguageModel:
    """For tests that put an adapter on it: peft changes the model that it wraps."""
    return load(QWEN, tiny=True, precision="fp32")
