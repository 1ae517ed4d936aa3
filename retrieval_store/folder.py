"""A store on disk: what is written, and what is checked before anything of it is believed.

    manifest.json          what the store is, and size and SHA-256 of every other file
    demonstrations.jsonl   one row per line
    vectors.npy            (N, D) float32, rows of length 1
    index.faiss            the graph or the cells; absent for a flat index

The hashes tell damage and mix-ups; they do not tell an honest author from a dishonest one. That no file can run code does:
nothing here is a pickle, and a folder that holds one is refused.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from retrieval_store.demonstration import Demonstration
from retrieval_store.embedder import Vectors
from retrieval_store.errors import StoreError
from retrieval_store.files import sha256_file, whole_folder
from retrieval_store.index import KINDS, VectorIndex
from retrieval_store.rows import Rows

FORMAT = 1
MANIFEST, ROWS, VECTORS, INDEX = "manifest.json", "demonstrations.jsonl", "vectors.npy", "index.faiss"
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store says of itself; ``encoder`` is the id of what made its vectors."""

    format: int
    encoder: str
    dimension: int
    normalised: bool
    index: str
    rows: int
    skipped: int
    files: dict[str, Any]


def write_store(folder: Path, rows: Rows, index: VectorIndex, encoder: str, skipped: int) -> None:
    """Writes the folder whole or not at all; an older store of that name is replaced.

    Raises:
        StoreError: The folder exists and is no store, so it is not ours to replace.
        OSError: The disk is full or may not be written to; an older store stays as it was.
    """
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise StoreError(f"{folder}: exists and is not a store, so it is not replaced. Give another name.")
    with whole_folder(folder) as fresh:
        with (fresh / ROWS).open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(demonstration.to_json() + "\n" for demonstration in rows.demonstrations)
        np.save(fresh / VECTORS, index.vectors, allow_pickle=False)
        index.save(fresh / INDEX)
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
            for path in sorted(fresh.iterdir())
        }
        manifest = Manifest(
            FORMAT, encoder, index.vectors.shape[1], True, index.kind, len(rows), skipped, files
        )
        # last, so that a folder whose writing was cut short is no store
        (fresh / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


def read_store(folder: Path) -> tuple[Manifest, Rows, VectorIndex]:
    """Reads a store, checking every file first.

    Raises:
        StoreError: The folder is no store, holds a pickle, or a file is missing, changed or not what the manifest says.
    """
    manifest = _read_manifest(folder)
    expected = {ROWS, VECTORS} | (set() if manifest.index == "flat" else {INDEX})
    if set(manifest.files) != expected:
        raise StoreError(
            f"{folder / MANIFEST}: expected the files {', '.join(sorted(expected))}, got {', '.join(sorted(manifest.files))}."
        )
    for name in sorted(expected):
        _check(folder / name, manifest.files[name])
    vectors = _read_vectors(folder / VECTORS, (manifest.rows, manifest.dimension))
    rows = _read_rows(folder / ROWS, manifest)
    return manifest, rows, VectorIndex.load(manifest.index, vectors, folder / INDEX)  # type: ignore[arg-type]


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise StoreError(
            f"{folder}: not a store, it has no {MANIFEST}. Build one with DemonstrationStore.build(...).save(...)."
        )
    if pickles := sorted(entry.name for entry in folder.rglob("*") if entry.suffix.lower() in _PICKLES):
        raise StoreError(
            f"{folder}: holds {pickles[0]!r}, a file that can run code when it is read. A store never needs one; "
            "remove it if you trust the rest."
        )
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(**value)
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path}: not the manifest of a store ({error}).") from None
    if manifest.format != FORMAT:
        raise StoreError(f"{path}: expected format {FORMAT}, got {manifest.format!r}. Build the store again.")
    for field in fields(Manifest):
        if field.name != "files" and type(getattr(manifest, field.name)) is not field.type:
            raise StoreError(
                f"{path}: {field.name} is {getattr(manifest, field.name)!r}, which it cannot be."
            )
    if manifest.index not in KINDS or not manifest.normalised or not isinstance(manifest.files, dict):
        raise StoreError(
            f"{path}: expected a normalised index of kind {', '.join(KINDS)}, got {manifest.index!r}."
        )
    return manifest


def _check(path: Path, about: Any) -> None:
    if not path.is_file():
        raise StoreError(
            f"{path}: this file of the store is missing. Copy the store again, or build it again."
        )
    digest = sha256_file(path)
    if about != {"bytes": path.stat().st_size, "sha256": digest}:
        raise StoreError(
            f"{path}: not as it was written (SHA-256 {digest[:12]}...). Copy or build the store again."
        )


def _read_vectors(path: Path, shape: tuple[int, int]) -> Vectors:
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise StoreError(f"{path}: not an array of vectors ({error}).") from None
    if vectors.shape != shape or vectors.dtype != np.float32:
        raise StoreError(f"{path}: expected {shape} float32, got {vectors.shape} {vectors.dtype}.")
    lengths = np.linalg.norm(vectors, axis=1)
    if not (np.abs(lengths - 1) < 1e-3).all():
        row = int(np.argmax(~(np.abs(lengths - 1) < 1e-3)))
        raise StoreError(f"{path}, row {row}: expected a vector of length 1, got {lengths[row]:.3g}.")
    return vectors


def _read_rows(path: Path, manifest: Manifest) -> Rows:
    with path.open(encoding="utf-8") as file:
        rows = Rows(
            Demonstration.from_json(line, f"{path}, line {at}") for at, line in enumerate(file, start=1)
        )
    if len(rows) != manifest.rows or len(rows.columns["id"].code_of) != len(rows):
        raise StoreError(
            f"{path}: expected {manifest.rows} demonstrations with different ids, got {len(rows)}."
        )
    return rows
