"""Where a command writes: results to stdout, notes to stderr, and of several processes only the first."""

import os

from rich.console import Console

out = Console(soft_wrap=False)
notes = Console(stderr=True, soft_wrap=True)


def tell(line: str) -> None:
    """A note, once, however many processes there are."""
    if first_process():
        notes.print(line, markup=False, highlight=False)


def first_process() -> bool:
    """Told from what the launcher set: asking accelerate would import torch."""
    return os.environ.get("RANK", "0") == "0"
