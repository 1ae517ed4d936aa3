"""Do the cells of a study belong together? Settings do not tell all: data, a measure of one's own, and prc-emo itself change.

Reads what finished cells wrote down about themselves.
"""

from collections.abc import Iterator, Sequence

from prc_emo import __version__
from prc_emo.ablation.inputs import Now
from prc_emo.ablation.work import State
from prc_emo.errors import PrcEmoError
from prc_emo.files import fingerprint, read_object

VERSION = "version of prc-emo"
_BY_SEED = {"order", "training setting"}  # these differ from seed to seed, as they should
_OF_THE_DATA = {VERSION, "training data", "development data"}  # alike in all arms that name the same data


def refuse_changed(states: Sequence[State], now: Now) -> None:
    """Compares what finished cells were made of with what is there now.

    Raises:
        PrcEmoError: Something is another; the message names the folder and what it is.
    """
    for state in states:
        if state.status == "done" and (changed := now.changed(state.folder, state.cell)):
            raise PrcEmoError(
                f"{state.folder} is done, and since then {' and '.join(changed)} changed, so that what is computed now would not "
                "belong with it. Undo the change, choose another --out folder, or delete that one: the same command computes it "
                "anew."
            )


def refuse_mixed(states: Sequence[State]) -> None:
    """Compares the cells that are done with each other, and with what this version would do with the others.

    Raises:
        PrcEmoError: Two differ in more than their settings say; the message names both and what differs.
    """
    done = [state for state in states if state.status == "done"]
    if len(done) < len(states) and (old := [one for one in done if _version(one) != __version__]):
        raise PrcEmoError(
            f"{old[0].folder} was computed by prc-emo {_version(old[0])}, and the cells that are left would be by {__version__}. "
            "Choose another --out folder, or finish the study with that version."
        )
    first: dict[str, tuple[str, State]] = {}
    for state in done:
        for key, name, value in _origin(state):
            before, other = first.setdefault(key, (value, state))
            if before != value:
                raise PrcEmoError(
                    f"{other.folder} and {state.folder} do not belong together: they differ in {name}, though their settings "
                    "are the same. Delete the older one; the same command computes it anew."
                )


def _origin(state: State) -> Iterator[tuple[str, str, str]]:
    """Who has to agree, in what, and what it is here."""
    arm, data = f"arm {state.cell.arm}", f"data {state.cell.settings.data.model_dump_json()}"
    # a baseline writes no training.json
    found = {**read_object(state.folder / "training.json"), VERSION: str(_version(state))}
    for name, value in found.items():
        if name not in _BY_SEED:
            yield f"{data if name in _OF_THE_DATA else arm}: {name}", name, str(value)
    if hardness := read_object(state.folder / "order.json").get("difficulties"):
        yield f"{arm}: difficulty", "the difficulty of conversations", fingerprint(hardness)


def _version(state: State) -> object:
    return read_object(state.folder / "environment.json").get("prc-emo")
