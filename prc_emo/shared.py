"""What the runs of a study have in common, made by the first that needs it: a folder of things named by what they were made of.

Knows paths and hashes, not what is in them. Any number of processes may ask at once; one makes, the others wait.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from prc_emo.files import fingerprint


def once(folder: Path, kind: str, made_of: Mapping[str, object], make: Callable[[Path], None]) -> Path:
    """The path of what `make` wrote, now or for an earlier run.

    Args:
        folder: Of the study.
        kind: A name with a suffix, such as `prompts.jsonl`.
        made_of: Everything that the content depends on, by name.
        make: Writes the whole content, a file or a folder, to the path that it is given.
    """
    stem, dot, suffix = kind.partition(".")
    key = fingerprint([(name, fingerprint(part)) for name, part in sorted(made_of.items())])
    path = folder / f"{stem}-{key}{dot}{suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{path.name}.lock"):
        if not path.exists():
            # a killed maker leaves a half one under another name, which the next one overwrites
            unfinished = folder / f".unfinished-{path.name}"
            make(unfinished)
            unfinished.rename(path)
    return path
