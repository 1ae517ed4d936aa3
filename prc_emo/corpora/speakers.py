"""Whether the voices of one split are heard in another: a model that knows a voice looks better than it is.

Knows records only. It matters where a name is one real person wherever it stands (`Corpus.people`); MELD's characters are
in all splits by design, and the A and B of two dialogues are nobody.
"""

from itertools import combinations

from prc_emo.corpora.corpus import Corpus
from prc_emo.errors import PrcEmoError

_NAMED = 5


def refuse_shared_speakers(corpus: Corpus, *, force: bool = False) -> None:
    """Refuses a corpus of people of whom one speaks in two splits.

    Args:
        force: Allows it, to compare with work that did so.

    Raises:
        PrcEmoError: Somebody does; the message names who, and the splits.
    """
    if force or not corpus.people:
        return
    heard = {
        split: {speaker for talk in members for speaker in talk.speakers}
        for split, members in corpus.splits.items()
    }
    shared = []
    for one, other in combinations(heard, 2):
        if both := sorted(heard[one] & heard[other]):
            more = f" and {len(both) - _NAMED} more" if len(both) > _NAMED else ""
            shared.append(f"{', '.join(both[:_NAMED])}{more} in {one} and {other}")
    if shared:
        raise PrcEmoError(
            f"{corpus.name}: expected nobody to speak in two splits, but there is {'; '.join(shared)}. "
            "Hold out whole speakers (IEMOCAP: data.options.dev_session=4), or allow it with data.shared_speakers=true and say so beside the figures."
        )
