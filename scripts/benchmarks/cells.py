"""Cells of a study, computed without the command around them: one thread for each of the workers."""

from collections.abc import Callable, Sequence
from pathlib import Path

from prc_emo.ablation.study import Cell
from prc_emo.ablation.work import State, local, states, work


def computed(
    of: Sequence[Cell], folder: Path, workers: int, tell: Callable[[str], None] = lambda line: None
) -> list[State]:
    """The cells once all are done; what is done already is not done again. Ends the program where one has failed."""
    found = states(of, folder)
    alone = local({"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"})
    work(found, folder, [alone] * workers, tell=tell)
    if failed := [f"{state.cell.name}: {state.error}" for state in found if state.status != "done"]:
        raise SystemExit("\n".join(failed))
    return found
