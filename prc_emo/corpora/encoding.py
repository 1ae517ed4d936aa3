"""Text whose encoding went wrong on its way into a published corpus: found, and repaired where the repair is certain.

Knows bytes and characters, no corpus. Own files are read strictly as UTF-8 (`prc_emo.files.read_text`); only published
ones, which nobody can be asked to convert, come through here.
"""

import re
from pathlib import Path

from prc_emo.corpora.notes import Notes
from prc_emo.errors import PrcEmoError

# U+0080 to U+009F are control characters that nobody types: Windows-1252 quotes and dashes that were read as Latin-1.
_C1 = re.compile("[\u0080-\u009f]")
_C1_MEANT = {code: bytes([code]).decode("cp1252", errors="replace") for code in range(0x80, 0xA0)}

# UTF-8 read as Windows-1252: a lead byte's character, then characters that stand for continuation bytes.
_CONTINUATION = "".join(bytes([code]).decode("cp1252", errors="ignore") for code in range(0x80, 0xC0))
_MOJIBAKE = re.compile(f"[\u00c2-\u00f4][{re.escape(_CONTINUATION)}\u0080-\u009f]+")


def damage(text: str) -> str | None:
    """What is wrong with the encoding of a text, in a few words, or None.

    >>> damage("Itâ€™s")
    "UTF-8 read as Windows-1252: 'â€™'"
    >>> damage("It’s a café.") is None
    True
    """
    if "\ufffd" in text:
        return "a character that was lost (U+FFFD)"
    if control := _C1.search(text):
        return f"a control character (U+{ord(control[0]):04X})"
    if (found := _MOJIBAKE.search(text)) and _remade(found) != found[0]:
        return f"UTF-8 read as Windows-1252: {found[0]!r}"
    return None


def repaired(text: str) -> str:
    r"""The text as it was meant, where that can be known.

    >>> repaired("Itâ€™s"), repaired("It\x92s"), repaired("It’s a café.")
    ('It’s', 'It’s', 'It’s a café.')
    """
    return _MOJIBAKE.sub(_remade, text).translate(_C1_MEANT)


def read_published(path: Path, notes: Notes) -> str:
    """The text of a file of a published corpus; `notes` receives what was repaired in it.

    Raises:
        PrcEmoError: There is no such file.
    """
    try:
        return decode_published(path.read_bytes(), path.name, notes)
    except FileNotFoundError:
        raise PrcEmoError(f"{path}: no such file.") from None


def decode_published(data: bytes, name: str, notes: Notes) -> str:
    """UTF-8 or, line by line where it is not that, Windows-1252; then repaired, and noted by the file's name and the line.

    By lines, because corpora were put together from parts: one stray byte must not turn the rest of the file around.
    """
    lines: list[str] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text, wrong = line.decode("utf-8"), None
        except UnicodeDecodeError:
            text, wrong = line.decode("cp1252", errors="replace"), "not UTF-8, read as Windows-1252"
        lines.append(repaired(text))
        if wrong or lines[-1] != text:
            notes.repaired.append(f"{name}, line {number} ({wrong or damage(text)})")
    notes.lines += len(lines) - (not lines[-1])  # behind the last line's end stands nothing
    return "\n".join(lines)


def _remade(found: re.Match[str]) -> str:
    """The characters' Windows-1252 bytes read as UTF-8, or the characters unchanged where that is no UTF-8."""
    try:
        # bytes that Windows-1252 leaves undefined were passed through as control characters
        data = b"".join(
            bytes([ord(char)]) if "\u0080" <= char <= "\u009f" else char.encode("cp1252") for char in found[0]
        )
        return data.decode("utf-8")
    except UnicodeError:
        return found[0]
