import pytest
from retrieval_store_kit import LetterPairs, talk

from retrieval_store import DemonstrationStore


@pytest.fixture
def encoder() -> LetterPairs:
    return LetterPairs()


@pytest.fixture
def store(encoder: LetterPairs) -> DemonstrationStore:
    return DemonstrationStore.build(talk(60), encoder)
