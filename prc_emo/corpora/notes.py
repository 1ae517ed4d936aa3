"""What a reader meets in the files of one split and reads past, so that `check` can count it.

Knows no file format. Nothing of it may be passed over where a corpus is used: `load_corpus` stops at an unknown label,
`load_as_found` does not.
"""

from dataclasses import dataclass, field

from prc_emo.errors import PrcEmoError
from prc_emo.labels import LabelSet


@dataclass(slots=True)
class Notes:
    """Filled while a split is read: how many lines there were, where one was repaired, what is said of unknown labels.

    >>> from prc_emo.labels import MELD
    >>> notes = Notes()
    >>> notes.label(MELD, " Joy", "mine.csv, line 2"), notes.label(MELD, "joyous", "mine.csv, line 3")
    ('joy', 'joyous')
    >>> notes.unknown[0][:60]
    "mine.csv, line 3: 'joyous' is not an emotion of MELD. Did yo"
    """

    lines: int = 0
    repaired: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def label(self, labels: LabelSet, value: str, where: str) -> str:
        """The label as the set spells it; one that the set does not know is noted and stays as it was found."""
        try:
            return labels.check(value, where)
        except PrcEmoError as error:
            self.unknown.append(str(error))
            return value.strip()
