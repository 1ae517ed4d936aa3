"""The small parts that readers share: rows of a CSV, a speaker's name, the words of a turn.

Knows how one field is read and how its error is worded; what the fields mean is for each reader.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches

from prc_emo.errors import PrcEmoError, did_you_mean

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def csv_rows(
    text: str, source: str, required: Collection[str], optional: Collection[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields the line on which a row begins (from 1, the header is line 1) and its fields by column name.

    Raises:
        PrcEmoError: A column is missing, a row has more or fewer fields than the header, or a quote is not closed.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        if not header:
            raise PrcEmoError(
                f"{source}: the file is empty. Expected a header line with {', '.join(required)}."
            )
        for name in required:
            if name not in header:
                raise PrcEmoError(
                    f"{source}, line 1: column {name!r} is missing. {did_you_mean(name, header)}"
                )
        refuse_misspelt(header, {*required, *optional}, f"{source}, line 1")
        begins = reader.line_num + 1
        for row in reader:
            if row and len(row) != len(header):
                raise PrcEmoError(
                    f"{source}, line {begins}: expected {len(header)} fields as in the header, got {len(row)}. "
                    'Texts with commas or line breaks need "quotes" around them.'
                )
            if row:
                yield begins, dict(zip(header, row, strict=True))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise PrcEmoError(f"{source}, line {begins}: not valid CSV ({error}).") from None


def refuse_misspelt(found: Iterable[str], known: Collection[str], where: str) -> None:
    """Refuses a name that is nearly a known one which is missing.

    Other unknown names are left alone, they may be somebody's notes; but an ``emotoin`` that is passed over would cost a
    whole corpus its labels without a word.
    """
    given = set(found)
    for name in sorted(given - set(known)):
        if near := get_close_matches(name.lower(), set(known) - given, n=1, cutoff=0.75):
            raise PrcEmoError(f"{where}: {name!r} is not a known name. Did you mean {near[0]!r}?")


def speaker_name(value: object, where: str) -> str:
    """A name on one line.

    Raises:
        PrcEmoError: It is no text, or empty.
    """
    if not isinstance(value, str) or not value.strip():
        raise PrcEmoError(
            f"{where}: expected the name of a speaker, got {value!r}. Give every turn a speaker."
        )
    return " ".join(words(value, where).split())


def words(value: object, where: str) -> str:
    """The text of a turn without the space around it; an empty one stays, `check` reports it.

    Raises:
        PrcEmoError: It is no text.
    """
    if not isinstance(value, str):
        raise PrcEmoError(f"{where}: expected text, got {value!r}.")
    # half a surrogate pair can stand in JSON but in no UTF-8 file: it would stop a run at the moment of writing
    return _LONE_SURROGATE.sub("\ufffd", value.strip())


def whole_number(row: dict[str, str], column: str, where: str) -> int:
    try:
        return int(row[column])
    except ValueError:
        raise PrcEmoError(f"{where}: expected a whole number in {column!r}, got {row[column]!r}.") from None
