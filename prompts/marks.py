"""Where speech goes in a prompt's text: a mark that names the utterance, which no text of a stranger can hold."""

import re
from collections.abc import Iterable, Mapping

_MARK = re.compile("\ue000(.*?)\ue001", re.DOTALL)
_ENDS = str.maketrans("", "", "\ue000\ue001")  # of the Unicode area that is set aside for private use


def mark(id: str) -> str:
    """What stands in the text for the speech of this utterance."""
    return f"\ue000{id}\ue001"


def unmarked(text: str) -> str:
    """A stranger's text, without anything that could pose as a mark.

    >>> unmarked(mark("call-17/0"))
    'call-17/0'
    """
    return text.translate(_ENDS)


def marked(messages: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The ids of the marks in messages, in order.

    >>> marked([{"role": "user", "content": f"Ross: Fine. {mark('a/0')} | Joey: What? {mark('a/1')}"}])
    ('a/0', 'a/1')
    """
    return tuple(id for message in messages for id in _MARK.findall(message["content"]))


def replace_marks(text: str, stand_in: str) -> str:
    """The text with a stand-in for each mark."""
    return _MARK.sub(stand_in, text)
