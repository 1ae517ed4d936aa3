"""Is a model's answer what was asked for? Used as it stands, or refused with the reason; never repaired or invented."""

from collections.abc import Sequence

from prc_emo.asking.question import UnusableReplyError
from prc_emo.labels import LabelSet
from prompts import PromptError, read_object

KEYS = {"utterance": ("explicit", "implicit"), "speaker": ("characteristic",)}
# The paper asks for 20 to 50 words of interpretation and about 100 of characteristic.
WORDS = {"explicit": (20, 50), "implicit": (20, 50), "characteristic": (40, 130)}


def read_reply(text: str, keys: Sequence[str], labels: LabelSet) -> dict[str, str]:
    """The texts of an answer, by key.

    Args:
        text: What the model wrote.
        keys: What was asked for: those of an utterance or of a speaker.
        labels: Their words must not occur, in any form: the answer would give the label away.

    Raises:
        UnusableReplyError: Keys or texts are missing, too short or too long, or name a label.
    """
    try:
        found = read_object(text, keys)
    except PromptError as error:
        raise UnusableReplyError(str(error)) from None
    for key, written in found.items():
        if not isinstance(written, str):
            raise UnusableReplyError(f"Expected a text as {key!r}, got {written!r:.40}.")
        fewest, most = WORDS[key]
        count = len(written.split())
        if not fewest <= count <= most:
            raise UnusableReplyError(f"Expected {fewest} to {most} words as {key!r}, got {count}.")
        if named := labels.named_in(written):
            raise UnusableReplyError(
                f"{key!r} names {', '.join(named)}. Say it without these words and their forms."
            )
    return {key: written.strip() for key, written in found.items()}
