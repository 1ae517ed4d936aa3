"""Code of your own, such as a measure of difficulty: imported because the command line says so, never because a file does.

    # mine.py
    from curriculum import DIFFICULTIES

    def questions(turns, **weights):
        return sum("?" in turn.text for turn in turns) / len(turns)

    DIFFICULTIES["questions"] = questions

Then `prc-emo --import mine.py ablate my_study.yaml` knows `curriculum: {difficulty: questions}`.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

from prc_emo.errors import PrcEmoError

VARIABLE = "PRC_EMO_IMPORT"  # what processes that this one starts import too


def import_extensions(names: str) -> None:
    """Imports modules by name or `.py` file, separated by commas, here and in every process started from here.

    Raises:
        PrcEmoError: One cannot be imported; the message says why.
    """
    kept = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        file = Path(name).resolve() if name.endswith(".py") else None
        try:
            if file is None:
                importlib.import_module(name)
            elif str(file) not in sys.modules:
                _import_file(file)
        except Exception as error:  # it is the user's code: whatever it raises is what they need to hear
            raise PrcEmoError(
                f"--import {name}: it cannot be imported ({type(error).__name__}: {error}). Give a module or a .py file."
            ) from error
        kept.append(str(file or name))
    os.environ[VARIABLE] = ",".join(kept)


def _import_file(file: Path) -> None:
    specification = importlib.util.spec_from_file_location(file.stem, file)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    sys.modules[str(file)] = module
