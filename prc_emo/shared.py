"""What the runs of a study have in common, made by the first that needs it: a folder of things named by what they were made of.

Knows paths and hashes, not what is in them. Any number of processes may ask at once; one makes, the others wait.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

from filelock import FileLock


def once(folder: Path, kind: str, made_of: Mapping[str, object], make: Callable[[Path], None]) -> Path:
    """The path of what `make` wrote, now or for an earlier run.

    Args:
        folder: Of the study.
        kind: A name with a suffix, such as `prompts.jsonl`.
        made_of: Everything that the content depends on, by name.
        make: Writes the whole content, a file or a folder, to the path that it is given.
    """
    stem, dot, suffix = kind.partition(".")
    path = folder / f"{stem}-{fingerprint(made_of)}{dot}{suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{path.name}.lock"):
        if not path.exists():
            # a killed maker leaves a half one under another name, which the next one overwrites
            unfinished = folder / f".unfinished-{path.name}"
            make(unfinished)
            unfinished.rename(path)
    return path


def fingerprint(parts: Mapping[str, object]) -> str:
    """A short hash of values by their `repr`; lists and tuples one element at a time, since they may be long."""
    digest = sha256()
    for name, value in sorted(parts.items()):
        digest.update(f"\0{name}\0".encode())
        for part in value if isinstance(value, list | tuple) else [value]:
            digest.update(repr(part).encode())
    return digest.hexdigest()[:16]
