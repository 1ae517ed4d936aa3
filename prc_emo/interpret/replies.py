"""Is a model's answer what was asked for? Used as it stands, or refused with the reason; never repaired or invented."""

from prc_emo.labels import LabelSet
from prompts import PromptError, read_object

# The paper asks for 20 to 50 words of interpretation and about 100 of characteristic.
WORDS = {"explicit": (20, 50), "implicit": (20, 50), "characteristic": (40, 130)}


class UnusableReplyError(Exception):
    """Why an answer is not used, in a sentence that also tells the model what to do better."""


def read_reply(text: str, speaker: str | None, labels: LabelSet) -> dict[str, str]:
    """The texts of an answer, by key.

    Args:
        text: What the model wrote.
        speaker: Of whom a characteristic was asked for; None where it was two interpretations.
        labels: Their words must not occur, in any form: the answer would give the label away.

    Raises:
        UnusableReplyError: Keys or texts are missing, too short or too long, or name a label.
    """
    keys = ("explicit", "implicit") if speaker is None else ("characteristic",)
    try:
        found = read_object(text, keys)
    except PromptError as error:
        raise UnusableReplyError(str(error)) from None
    for key, written in found.items():
        fewest, most = WORDS[key]
        count = len(written.split())
        if not fewest <= count <= most:
            raise UnusableReplyError(f"Expected {fewest} to {most} words as {key!r}, got {count}.")
        if named := labels.named_in(written):
            raise UnusableReplyError(
                f"{key!r} names {', '.join(named)}. Say it without these words and their forms."
            )
    return found
