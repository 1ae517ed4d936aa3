"""Our own CSV: one turn per row. The form is described in the README beside this file.

Knows rows; splits and labels of the whole are put together in `own`.
"""

from collections.abc import Iterator
from itertools import groupby

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.fields import csv_rows, speaker_name, words
from prc_emo.corpora.source import Found, Source, split_name
from prc_emo.errors import PrcEmoError

REQUIRED = ("conversation", "speaker", "text")
OPTIONAL = ("emotion", "split", "audio", "start")

Row = tuple[int, dict[str, str]]


def read(source: Source) -> Iterator[Found]:
    """Yields the conversations in the order of the file; rows of one must stand together.

    Raises:
        PrcEmoError: A row is not of the form, or a conversation begins a second time; the message has the line.
    """
    ends: dict[str, int] = {}
    rows = csv_rows(source.text, source.name, REQUIRED, OPTIONAL)
    for id, members in groupby(rows, key=lambda row: row[1]["conversation"].strip()):
        turns = list(members)
        where = f"{source.name}, line {turns[0][0]}"
        if not id:
            raise PrcEmoError(f"{where}: 'conversation' is empty. Give every row the id of its conversation.")
        if id in ends:
            raise PrcEmoError(
                f"{where}: conversation {id!r} begins again, its rows ended on line {ends[id]}. "
                "Put them together, or give the second one another id."
            )
        ends[id] = turns[-1][0]
        yield _conversation(id, turns, source, where)


def _conversation(id: str, rows: list[Row], source: Source, where: str) -> Found:
    if "start" in rows[0][1]:
        rows = sorted(rows, key=lambda row: _seconds(row, source))
    places = tuple(f"{source.name}, line {line}" for line, _ in rows)
    splits = {
        split_name(row.get("split", "").strip(), place) for (_, row), place in zip(rows, places, strict=True)
    }
    if len(splits) > 1:
        raise PrcEmoError(
            f"{where}: conversation {id!r} is in more than one split. A conversation belongs to one as a whole."
        )
    utterances = tuple(
        Utterance(
            f"{id}/{at}",
            speaker=speaker_name(row["speaker"], place),
            text=words(row["text"], place),
            gold=row.get("emotion", "").strip() or None,
            audio=source.audio(row.get("audio", "").strip(), place),
        )
        for at, ((_, row), place) in enumerate(zip(rows, places, strict=True))
    )
    return Found(Conversation(id, utterances), where, places, splits.pop())


def _seconds(row: Row, source: Source) -> float:
    line, fields = row
    try:
        return float(fields["start"])
    except ValueError:
        raise PrcEmoError(
            f"{source.name}, line {line}: expected seconds in 'start', got {fields['start']!r}."
        ) from None
