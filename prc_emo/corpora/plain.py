"""Conversations as one would type them: ``NAME: text`` lines, an empty line between two conversations."""

from collections.abc import Iterator
from itertools import groupby

from prc_emo.conversation import Conversation, Utterance
from prc_emo.corpora.fields import speaker_name, words
from prc_emo.corpora.source import Found, Source
from prc_emo.errors import PrcEmoError


def read(source: Source) -> Iterator[Found]:
    """Yields the conversations; their ids are the source's name and the number of their first line.

    Raises:
        PrcEmoError: A line has no name; the message has its number.
    """
    lines = enumerate(source.text.split("\n"), start=1)
    for blank, members in groupby(lines, key=lambda line: not line[1].strip()):
        if blank:
            continue
        turns = list(members)
        places = tuple(f"{source.name}, line {number}" for number, _ in turns)
        id = f"{source.stem}/{turns[0][0]}"
        utterances = tuple(
            _turn(line, f"{id}/{at}", place)
            for at, ((_, line), place) in enumerate(zip(turns, places, strict=True))
        )
        yield Found(Conversation(id, utterances), places[0], places)


def _turn(line: str, id: str, where: str) -> Utterance:
    name, colon, said = line.partition(":")
    if not colon or not name.strip():
        raise PrcEmoError(
            f"{where}: expected 'NAME: text', got {line.strip()!r:.60}. Begin every line with its speaker."
        )
    return Utterance(id, speaker=speaker_name(name, where), text=words(said, where))
