"""Does somebody speak of suicide or of hurting themselves? Looks for words (crisis.txt) and judges nothing else.

It errs on the side of help: a pointer too many costs a line. English only.
"""

import re
from functools import cache
from importlib.resources import files

from retrieval_store import normalise_text

HELP = (
    "If you are thinking of ending your life or of hurting yourself, please talk to a person now. In danger, call your "
    "local emergency number (112 in Europe, 911 in the USA and Canada). Help lines, free and by country: "
    "findahelpline.com. Or tell somebody near you that you should not be alone. I am a program: I go by words, I cannot "
    "tell how you are, and I am no help line."
)


def speaks_of_crisis(text: str) -> bool:
    """Whether one of the phrases is in the text, once the harmless ones are taken out.

    >>> speaks_of_crisis("Some nights I want to end it all.")
    True
    >>> speaks_of_crisis("This job is killing me.")
    False
    """
    phrases, harmless = _patterns()
    return bool(phrases.search(harmless.sub(" | ", normalise_text(text))))


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    lines = (files("prc_emo.chat.replies") / "crisis.txt").read_text(encoding="utf-8").splitlines()
    entries = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    harmless = [entry.removeprefix("not:") for entry in entries if entry.startswith("not:")]
    return _any([entry for entry in entries if not entry.startswith("not:")]), _any(harmless)


def _any(phrases: list[str]) -> re.Pattern[str]:
    """Each phrase as whole words; `*` in a word stands for letters, alone for one word, and `a/b` for either."""

    def word(pattern: str) -> str:
        if pattern == "*":
            return r"\w+"
        return "(?:" + "|".join(re.escape(one).replace(r"\*", r"\w*") for one in pattern.split("/")) + ")"

    return re.compile(r"\b(?:" + "|".join(" ".join(map(word, phrase.split())) for phrase in phrases) + r")\b")
