"""What a search may not show, and when two texts count as the same. Knows nothing of stores."""

import re
import unicodedata
from dataclasses import dataclass

from retrieval_store.errors import StoreError

# An apostrophe joins, all other punctuation parts: "don't", "don’t" and "dont" are one word. The last two are the
# apostrophes of Windows-1252 in a file that was read as Latin-1.
_APOSTROPHES = "'’‘ʼ`´\x91\x92"
# Some corpora part a contraction from its word: "don ' t", "I 'm".
_PARTED = re.compile(rf"(?<=\w)\s*[{_APOSTROPHES}]\s*(?=(?:d|ll|m|re|s|t|ve)\b)")


class _Marks(dict[int, str]):
    """How each character is compared; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        mark = chr(code)
        self[code] = "" if mark in _APOSTROPHES else mark if unicodedata.category(mark)[0] in "LMN" else " "
        return self[code]


_MARKS = _Marks()


def normalise_text(text: str) -> str:
    """The text as it is compared: letters and digits in lower case, single spaces between them.

    >>> normalise_text("  I’m FINE -- really!")
    'im fine really'
    >>> normalise_text("I ' m fine , really .")
    'im fine really'

    A text without any letter or digit is compared by its marks, so that "?!" and "..." stay two texts.

    >>> normalise_text(" ?! ")
    '?!'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_PARTED.sub("", folded).translate(_MARKS).split()) or " ".join(folded.split())


@dataclass(frozen=True, slots=True)
class Exclude:
    """What one query may not be shown. A search has no default for this: the caller says it, each time.

    For an utterance in training: its id, its whole conversation, its text wherever else it was said, and the splits
    that are evaluated on.

    >>> Exclude(ids=frozenset({"meld/train/dia0/utt1"}), dialogues=frozenset({"meld/train/dia0"}),
    ...         texts=frozenset({"What?"}), splits=frozenset({"meld/test"})).splits
    frozenset({'meld/test'})

    ``texts`` are compared by ``normalise_text``; ``splits`` are "source/split" as in ``Demonstration.origin``, so
    MELD's test set can be barred while another corpus' stays. What the store does not hold is passed over.
    """

    ids: frozenset[str] = frozenset()
    dialogues: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    splits: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for field in ("ids", "dialogues", "texts", "splits"):
            # one name given as a string would be read letter by letter, and exclude nothing
            if not isinstance(getattr(self, field), frozenset):
                raise StoreError(
                    f"Exclude: {field} should be a frozenset of names, got {getattr(self, field)!r}."
                )

    @classmethod
    def nothing(cls) -> "Exclude":
        """For a question that is in no corpus: said aloud, so that it cannot happen by omission."""
        return cls()
