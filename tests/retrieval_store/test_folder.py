"""A store on disk: the same after reading, refused after any change, and never half written."""

import json
import resource
import shutil
from pathlib import Path

import numpy as np
import pytest
from retrieval_store_kit import LetterPairs, talk

from retrieval_store import KINDS, DemonstrationStore, Exclude, StoreError
from retrieval_store.index import Kind

NOTHING = Exclude.nothing()


@pytest.fixture
def saved(store: DemonstrationStore, tmp_path: Path) -> Path:
    store.save(tmp_path / "store")
    return tmp_path / "store"


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_answers_after_loading_as_before_saving(
    kind: Kind, tmp_path: Path, encoder: LetterPairs
) -> None:
    store = DemonstrationStore.build(talk(60), encoder, index=kind)
    store.save(tmp_path / "store")
    again = DemonstrationStore.load(tmp_path / "store", encoder)
    queries = [row.text for row in store.demonstrations[::7]]
    assert again.info() == store.info()
    assert again.demonstrations == store.demonstrations
    for mmr in (None, 0.5):
        assert again.search(queries, k=3, exclude=NOTHING, mmr=mmr) == store.search(
            queries, k=3, exclude=NOTHING, mmr=mmr
        )
    more = talk(10, source="more", seed=5)
    assert store.add(more) == again.add(more)
    assert again.search(queries, k=3, exclude=NOTHING) == store.search(queries, k=3, exclude=NOTHING)


def test_the_same_store_is_written_the_same(saved: Path, encoder: LetterPairs) -> None:
    DemonstrationStore.load(saved, encoder).save(saved.with_name("again"))
    assert sorted(path.name for path in saved.iterdir()) == [
        "demonstrations.jsonl",
        "manifest.json",
        "vectors.npy",
    ]
    for path in saved.iterdir():
        assert path.read_bytes() == (saved.with_name("again") / path.name).read_bytes()


@pytest.mark.parametrize("name", ["demonstrations.jsonl", "vectors.npy", "index.faiss"])
def test_a_file_that_was_changed_is_refused(name: str, tmp_path: Path, encoder: LetterPairs) -> None:
    DemonstrationStore.build(talk(60), encoder, index="hnsw").save(tmp_path / "store")
    path = tmp_path / "store" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=rf"{name}: not as it was written"):
        DemonstrationStore.load(tmp_path / "store")
    path.unlink()
    with pytest.raises(StoreError, match=rf"{name}: this file of the store is missing"):
        DemonstrationStore.load(tmp_path / "store")


def test_a_store_accepts_the_encoder_it_was_made_with_and_no_other(saved: Path) -> None:
    other = LetterPairs()
    other.id = "letter-pairs@2"
    with pytest.raises(
        StoreError, match=r"made with the encoder letter-pairs@1 \(48 dimensions\), got letter-pairs@2"
    ):
        DemonstrationStore.load(saved, other)


def test_without_an_encoder_vectors_can_still_be_asked(saved: Path, encoder: LetterPairs) -> None:
    store = DemonstrationStore.load(saved)
    assert store.search(encoder.encode(["Rain."]), k=1, exclude=NOTHING)
    with pytest.raises(
        StoreError, match=r"encoded with letter-pairs@1 here; give it to load\(\.\.\., embedder=\.\.\.\)"
    ):
        store.search(["A text that is not in the store."], k=1, exclude=NOTHING)


def test_a_remembered_text_needs_no_encoder(saved: Path) -> None:
    """As in training, where every utterance that asks is in the store: it has its vector already."""
    store = DemonstrationStore.load(saved)
    (found,) = store.search(["Rain."], k=1, exclude=NOTHING)
    assert found.hits[0].demonstration.text == "Rain."
    assert found.hits[0].score == pytest.approx(1)


@pytest.mark.parametrize("name", ["index.pkl", "model.pt", "deep/weights.bin"])
def test_a_folder_with_a_pickle_is_refused(name: str, saved: Path) -> None:
    (saved / name).parent.mkdir(exist_ok=True)
    (saved / name).write_bytes(b"")
    with pytest.raises(StoreError, match=f"holds '{Path(name).name}', a file that can run code"):
        DemonstrationStore.load(saved)


def change(saved: Path, **values: object) -> None:
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps(manifest | values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 2}, "expected format 1, got 2"),
        ({"index": "tree"}, "kind flat, hnsw, ivfpq, got 'tree'"),
        ({"normalised": False}, "expected a normalised index"),
        ({"rows": "many"}, "rows is 'many', which it cannot be"),
        ({"rows": 3}, r"vectors\.npy: expected \(3, 48\) float32"),
        ({"else": 3}, "not the manifest of a store"),
        (
            {"files": {"../../secrets": {}}},
            r"expected the files demonstrations\.jsonl, vectors\.npy, got \.\./\.\./secrets",
        ),
        ({"files": []}, "expected the files|expected a normalised index"),
    ],
)
def test_a_manifest_is_not_believed(values: dict[str, object], message: str, saved: Path) -> None:
    change(saved, **values)
    with pytest.raises(StoreError, match=message):
        DemonstrationStore.load(saved)


def test_a_pickled_array_is_not_read(saved: Path) -> None:
    from retrieval_store.files import sha256_file

    path = saved / "vectors.npy"
    np.save(path, np.array([{}]), allow_pickle=True)
    files = json.loads((saved / "manifest.json").read_text())["files"]
    change(saved, files=files | {path.name: {"bytes": path.stat().st_size, "sha256": sha256_file(path)}})
    with pytest.raises(StoreError, match="not an array of vectors"):
        DemonstrationStore.load(saved)


def test_a_wrong_row_is_named_by_its_line(saved: Path) -> None:
    from retrieval_store.files import sha256_file

    path = saved / "demonstrations.jsonl"
    for bad, message in (
        ('{"id": "a", "text": "b", "label": 3, "source": "d"}', "line 2: label should be str, got 3"),
        ('{"id": "a", "text": "b", "label": "c"}', "line 2: field 'source' is missing"),
        (
            '{"id": "a", "text": "b", "label": "c", "source": "d", "mood": "x"}',
            "line 2: unknown field 'mood'",
        ),
        ("[]", "line 2: expected an object"),
        ("{", "line 2: not valid JSON"),
    ):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([lines[0], bad, *lines[2:]]) + "\n")
        files = json.loads((saved / "manifest.json").read_text())["files"]
        change(saved, files=files | {path.name: {"bytes": path.stat().st_size, "sha256": sha256_file(path)}})
        with pytest.raises(StoreError, match=message):
            DemonstrationStore.load(saved)


def test_what_a_killed_write_leaves_behind_is_no_store(saved: Path, tmp_path: Path) -> None:
    """The manifest is written last: whatever was there before the kill lacks it."""
    left = tmp_path / ".store.x.part"
    shutil.copytree(saved, left, ignore=shutil.ignore_patterns("manifest.json"))
    with pytest.raises(StoreError, match=r"not a store, it has no manifest\.json"):
        DemonstrationStore.load(left)
    with pytest.raises(StoreError, match="not a store"):
        DemonstrationStore.load(tmp_path / "never")


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_a_full_disk_leaves_the_older_store_as_it_was(
    kind: Kind, tmp_path: Path, encoder: LetterPairs
) -> None:
    folder = tmp_path / "store"
    DemonstrationStore.build(talk(3), encoder, index=kind).save(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    larger = DemonstrationStore.build(talk(60), encoder, index=kind)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limits[1]))  # bytes per file; the vectors need more
    try:
        with pytest.raises(OSError, match=r"vectors\.npy|File too large|could not be written"):
            larger.save(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_saving_replaces_a_store_and_nothing_else(saved: Path, encoder: LetterPairs) -> None:
    smaller = DemonstrationStore.build(talk(3), encoder)
    smaller.save(saved)
    assert len(DemonstrationStore.load(saved)) == len(smaller)
    assert [path.name for path in saved.parent.iterdir()] == ["store"]
    thesis = saved.with_name("thesis")
    thesis.mkdir()
    (thesis / "chapter1.tex").write_text("")
    with pytest.raises(StoreError, match="exists and is not a store, so it is not replaced"):
        smaller.save(thesis)
    assert (thesis / "chapter1.tex").exists()
