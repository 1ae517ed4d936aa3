"""Takes over cells that another study has already computed: the same settings and seed under another name.

Tables 3, 4 and 5 of the paper share their best arm; trained once, it serves all of them.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from prc_emo import __version__
from prc_emo.ablation.inputs import Now
from prc_emo.ablation.study import identity
from prc_emo.ablation.work import DONE, State
from prc_emo.bench.run import CONFIG
from prc_emo.config import Experiment
from prc_emo.config_file import experiment, to_yaml
from prc_emo.errors import PrcEmoError
from prc_emo.files import read_json, write_text


def reusable(found: Sequence[State], study: Path, now: Now) -> list[tuple[State, Path]]:
    """The cells that have not begun and that `study` has done, of what is there now, each with the folder of its twin.

    Raises:
        PrcEmoError: There is no study in that folder.
    """
    if not (study / "runs").is_dir():
        raise PrcEmoError(
            f"--reuse {study}: expected the --out folder of a study, and there is no runs/ in it."
        )
    twins = {identity(settings): folder for settings, folder in _done(study)}
    pairs = [(state, twins.get(identity(state.cell.settings))) for state in found]
    return [
        (state, twin)
        for state, twin in pairs
        if twin is not None and not state.folder.exists() and not now.changed(twin, state.cell)
    ]


def copy(state: State, twin: Path) -> None:
    """Makes the cell a copy of its twin, under its own name and without checkpoints."""
    whole = state.folder.with_name(f".{state.folder.name}.copy")
    shutil.rmtree(whole, ignore_errors=True)  # of one that was killed
    shutil.copytree(twin, whole, ignore=shutil.ignore_patterns("checkpoints"))
    write_text(whole / CONFIG, to_yaml(state.cell.settings))
    whole.rename(state.folder)


def _done(study: Path) -> Iterator[tuple[Experiment, Path]]:
    for report in sorted(study.glob(f"runs/*/*/{DONE}")):
        folder = report.parent
        # another version may compute something else
        if read_json(folder / "environment.json").get("prc-emo") == __version__:
            yield experiment(str(folder / CONFIG)), folder
