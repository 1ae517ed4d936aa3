"""What can be filled into a template, and how it is cleaned first.

Names and texts come from strangers. Whatever fills a hole is put on one line here, before any template sees it, so
that no utterance can pose as the next turn, or as speech, and no template author can forget it. Knows no template.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from prompts.errors import PromptError
from prompts.marks import unmarked

# A hole is one text, a text that may be missing (None), a list of texts, or a list of rows with these keys.
HOLES: dict[str, str | tuple[str, ...]] = {
    "labels": "texts",
    "context": ("speaker", "text", "speech"),
    "following": ("speaker", "text", "speech"),
    "speaker": "text",
    "text": "text",
    "speech": "text",  # where soft prompts go; empty where nothing is heard
    "characteristic": "text or None",
    "explicit": "text or None",
    "implicit": "text or None",
    "demonstrations": ("text", "label"),
    "domain": "text",
    "topic": "text",
    "count": "text",
    "wanted": "texts",
    "emotion": "text or None",
}

# white space of any kind, control characters, and the halves of surrogate pairs, which no tokenizer takes
_NOT_ONE_LINE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

_MAY_LACK = "speech"  # in a row; most conversations are not heard

Filled = str | None | list[str] | list[dict[str, str]]


def one_line(text: str) -> str:
    r"""The same words on one line: line ends, tabs and other control characters become single spaces.

    >>> one_line("Fine.\nMonica:\tyou\x00 are  not\u2028fine. ")
    'Fine. Monica: you are not fine.'
    """
    return _NOT_ONE_LINE.sub(" ", text).strip()


def quote(text: str) -> str:
    r"""In double quotes, with those inside turned single, so that nothing said can close its own quotation.

    >>> quote('He said "no".')
    '"He said \'no\'."'
    """
    return '"' + text.replace('"', "'") + '"'


def check_name(name: str, where: str) -> None:
    """Refuses a hole that nobody fills.

    Raises:
        PromptError: There is no such hole; the message offers the nearest.
    """
    if name not in HOLES:
        close = get_close_matches(name, HOLES, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise PromptError(f"{where}: there is no hole {name!r}. {hint}Known: {', '.join(HOLES)}.")


def clean(name: str, value: object, where: str) -> Filled:
    """What is to fill the hole `name`, every text of it on one line.

    Raises:
        PromptError: There is no such hole, or the value is not of its kind.
    """
    check_name(name, where)
    kind = HOLES[name]
    if kind == "text or None" and value is None:
        return None
    if kind in ("text", "text or None") and isinstance(value, str):
        return _filled(name, value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if kind == "texts" and all(isinstance(entry, str) for entry in value):
            return [one_line(entry) for entry in value]
        if isinstance(kind, tuple) and all(_is_row(entry, kind) for entry in value):
            return [{key: _filled(key, row.get(key, "")) for key in kind} for row in value]
    expected = {"texts": "a list of texts", "text": "a text", "text or None": "a text or None"}.get(
        str(kind),
        f"a list of rows with the texts {' and '.join(repr(key) for key in kind if key != _MAY_LACK)}",
    )
    raise PromptError(f"{where}: hole {name!r} takes {expected}, got {_shortly(value)}.")


def _filled(name: str, text: str) -> str:
    return one_line(text if name == "speech" else unmarked(text))


def _is_row(entry: object, keys: tuple[str, ...]) -> bool:
    return (
        isinstance(entry, Mapping)
        and {*entry, _MAY_LACK} == {*keys, _MAY_LACK}
        and all(isinstance(text, str) for text in entry.values())
    )


def _shortly(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."
