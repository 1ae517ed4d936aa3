"""Where text of our own forms comes from, and what is found in it.

Knows files and text from elsewhere (standard input, a form on a web page) as one thing, so that `jsonl`, `table` and
`plain` read either; and what the three have in common.
"""

from dataclasses import dataclass
from pathlib import Path

from prc_emo.conversation import Conversation
from prc_emo.corpora.corpus import SPLITS
from prc_emo.errors import PrcEmoError, did_you_mean
from prc_emo.files import is_address, read_text


@dataclass(frozen=True, slots=True)
class Source:
    """Text with the name that messages call it by and the folder from which audio paths are meant."""

    name: str
    text: str
    folder: Path

    @classmethod
    def of(cls, file: Path) -> "Source":
        return cls(str(file), read_text(file), file.parent)

    @property
    def stem(self) -> str:
        return Path(self.name).stem

    def audio(self, value: object, where: str) -> Path | None:
        """The path of a recording, or None where the field is empty.

        Relative paths are meant from the file's own folder and stay inside it, so that a corpus moves as a whole and
        reads nothing beside it; an address on the net is never fetched.

        Raises:
            PrcEmoError: It is no path, an address, or leads out of the folder.
        """
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise PrcEmoError(f"{where}: expected the path of a recording, got {value!r}.")
        if is_address(value):
            raise PrcEmoError(
                f"{where}: {value!r} is an address; recordings are read from local files only. Download it first."
            )
        path = Path(value)
        if not path.is_absolute() and ".." in path.parts:
            raise PrcEmoError(
                f"{where}: {value!r} leads out of the file's folder. Put recordings below it or give an absolute path."
            )
        return self.folder / path


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation, the place where it begins, the place of each turn, and the split that is written with it, if any."""

    conversation: Conversation
    where: str
    turns: tuple[str, ...]
    split: str | None = None


def split_name(value: object, where: str) -> str | None:
    """One of train, dev and test, or None where nothing is given.

    Raises:
        PrcEmoError: It is something else.
    """
    if value is None or value == "":
        return None
    if value not in SPLITS:
        raise PrcEmoError(f"{where}: {value!r} is not a split. {did_you_mean(str(value), SPLITS)}")
    return str(value)
