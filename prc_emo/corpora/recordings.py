"""Recordings in a folder by the name of their utterance. Looks at names only; nothing is opened."""

from collections.abc import Sequence
from pathlib import Path

from prc_emo.errors import PrcEmoError

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg")
VIDEO = (".mp4", ".avi", ".mkv")


def recordings(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Path by name without its suffix, from the first folder in `folder` that has one of the names.

    Raises:
        PrcEmoError: None of the folders is there, or no recording is in it; films are told apart.
    """
    found = next((folder / name for name in names if (folder / name).is_dir()), None)
    if found is None:
        raise PrcEmoError(f"{folder}: expected a folder {' or '.join(names)} with recordings, found none.")
    # hidden twins that a Mac leaves in an archive begin with a dot
    everything = sorted(file for file in found.iterdir() if not file.name.startswith("."))
    heard = {file.stem: file for file in everything if file.suffix.lower() in SUFFIXES}
    if not heard and any(file.suffix.lower() in VIDEO for file in everything):
        raise PrcEmoError(
            f"{found}: holds films and no recordings. Take the sound out of them, for example: "
            'for film in *.mp4; do ffmpeg -i "$film" -vn -ac 1 -ar 16000 "${film%.mp4}.wav"; done'
        )
    if not heard:
        raise PrcEmoError(f"{found}: expected recordings ({', '.join(SUFFIXES)}), found none.")
    return heard
