"""Which words name an emotion in which corpus, and how one corpus' words map to another's.

Knows words only. A label of one corpus means the same as a label of another when both name the same concept
(`CONCEPTS`); nothing is mapped by resemblance, so frustration never becomes anger.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prc_emo.errors import PrcEmoError, did_you_mean

CONCEPTS: dict[str, tuple[str, ...]] = {
    "neutral": ("neutral", "no emotion", "no_emotion", "neutrality"),
    "joy": ("joy", "happiness", "happy", "joyful"),
    "sadness": ("sadness", "sad"),
    "anger": ("anger", "angry", "mad"),
    "fear": ("fear", "scared", "fearful", "afraid"),
    "disgust": ("disgust", "disgusted"),
    "surprise": ("surprise", "surprised"),
    "excitement": ("excitement", "excited"),
    "frustration": ("frustration", "frustrated"),
    "peaceful": ("peaceful", "contentment", "calm"),
    "powerful": ("powerful", "pride"),
}

# Excitement is read as joy where a corpus has no word for it, as the four-way IEMOCAP protocol does.
BROADER = {"excitement": "joy"}

# How English writes a concept: its words in all their forms.
FORMS: dict[str, str] = {
    "neutral": r"neutral\w*|no[ _]emotion",
    "joy": r"(?:over|un)?joy(?:s|ed|ing|ful\w*|ous\w*|less\w*)?|(?:un)?happ(?:y|i\w+)",
    "sadness": r"sad(?:ly|der|dest|den\w*|ness)?",
    "anger": r"ang(?:er|r)\w*|mad(?:ly|der|dening|ness)?",
    "fear": r"fear\w*|afraid|scar(?:ed|es?|y|ing)",
    "disgust": r"disgust\w*",
    "surprise": r"surpris\w*",
    "excitement": r"excit\w*",
    "frustration": r"frustrat\w*",
    "peaceful": r"peaceful\w*|calm\w*|content(?:ed|ment)",
    "powerful": r"powerful\w*|pr(?:oud\w*|ide)",
}

_CONCEPT_OF = {word: concept for concept, words in CONCEPTS.items() for word in words}


@dataclass(frozen=True)
class LabelSet:
    """The labels of one corpus, in the order in which tables show them.

    >>> MELD.check("joy")
    'joy'
    >>> MELD.translate("happy"), MELD.translate("frustrated")
    ('joy', None)
    """

    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            raise PrcEmoError(
                f"Label set {self.name!r}: expected two or more different labels, got {list(self.labels)}."
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __contains__(self, label: object) -> bool:
        return label in self.labels

    def check(self, label: str, where: str = "") -> str:
        """The label itself, spelled as the set spells it.

        Args:
            label: The word as found; case and surrounding space do not matter.
            where: File and line, or id, for the message.

        Raises:
            PrcEmoError: The set has no such label; the message offers the nearest.
        """
        word = label.strip().lower()
        for known in self.labels:
            if word == known.lower():
                return known
        same = self.translate(label)
        hint = (
            f"Did you mean {same!r}? Known: {', '.join(sorted(self.labels))}."
            if same
            else did_you_mean(word, self.labels)
        )
        raise PrcEmoError(
            f"{where + ': ' if where else ''}{label!r} is not an emotion of {self.name}. {hint}"
        )

    def named_in(self, text: str) -> list[str]:
        """The labels that a text names, in any of their English forms.

        >>> MELD.named_in("He is saddened, not scared.")
        ['sadness', 'fear']
        """
        found = []
        for label in self.labels:
            concept = _CONCEPT_OF.get(label.lower(), "")
            forms = FORMS.get(concept, re.escape(label))
            if re.search(rf"\b(?:{forms})\b", text, re.IGNORECASE):
                found.append(label)
        return found

    def translate(self, label: str) -> str | None:
        """The word of this set for another corpus' label, or None where it has none; its own words stay."""
        word = label.strip().lower()
        concept = _CONCEPT_OF.get(word, word)
        for known in self.labels:
            if known.lower() == word:
                return known
        for wanted in (concept, BROADER.get(concept)):
            for known in self.labels:
                if wanted is not None and _CONCEPT_OF.get(known.lower(), known.lower()) == wanted:
                    return known
        return None


MELD = LabelSet("MELD", ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear"))
EMORYNLP = LabelSet("EmoryNLP", ("joyful", "mad", "peaceful", "neutral", "sad", "powerful", "scared"))
DAILYDIALOG = LabelSet(
    "DailyDialog", ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise")
)
IEMOCAP6 = LabelSet("IEMOCAP", ("happy", "sad", "neutral", "angry", "excited", "frustrated"))
IEMOCAP4 = LabelSet("IEMOCAP (4 way)", ("happy", "sad", "neutral", "angry"))
RAVDESS = LabelSet("RAVDESS", ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"))
DEMONSTRATIONS = LabelSet(
    "the demonstrations that ship",
    ("neutral", "joy", "excitement", "surprise", "sadness", "fear", "anger", "frustration", "disgust"),
)
PRC_DEMONSTRATIONS = LabelSet("PRC-Emo's demonstrations", ("neutral", "happy", "sad", "fear", "anger"))

LABEL_SETS: dict[str, LabelSet] = {
    "meld": MELD,
    "emorynlp": EMORYNLP,
    "dailydialog": DAILYDIALOG,
    "iemocap6": IEMOCAP6,
    "iemocap4": IEMOCAP4,
    "ravdess": RAVDESS,
}
