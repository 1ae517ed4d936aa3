"""What the tests of the server share, and a server of its own process, with its page: real HTTP, and a reader that needs no torch.

python tests/chat/serve_kit.py PORT
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from chat_kit import WordReader

from prc_emo.chat.replies import Reply
from prc_emo.chat.server.app import Limits, make_app
from prc_emo.chat.server.batching import BatchingReader
from prc_emo.chat.session import Situation
from prc_emo.chat.turn import Reading
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError


class PlainReader(WordReader):
    """Its answers depend on who said what, not on ids; it notes what it was given, and takes its time.

    Args:
        seconds: For each turn.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self._seconds = seconds
        self.batches: list[list[str]] = []  # the turns that were read together

    def read(self, conversations: Sequence[Conversation], only: Set[str]) -> Mapping[str, Reading]:
        turns = [turn for talk in conversations for turn in talk.utterances if turn.id in only]
        self.batches.append([turn.text for turn in turns])
        time.sleep(self._seconds * len(turns))
        for turn in turns:
            if turn.text == "too long":
                raise PrcEmoError(
                    f"{turn.id}: the utterance alone takes 900 tokens of prompt, and 384 is the most."
                )
            if turn.text == "a mistake of ours":
                raise ZeroDivisionError(turn.text)
        return super().read(conversations, only)

    def _of(self, seen: Sequence[Any], text: str) -> Reading:
        return super()._of([(one.speaker, one.text) for one in seen], text)


class Talker:
    """Says what was said back, word by word, as often as asked."""

    def __init__(self, times: int = 1, seconds: float = 0.0) -> None:
        self._times, self._seconds = times, seconds

    def reply(self, situation: Situation) -> Reply | None:
        if situation.turn.text == "nothing":
            return None
        return Reply("said back", self._pieces(situation.turn.text))

    def _pieces(self, text: str) -> Iterator[str]:
        for _ in range(self._times):
            for word in text.split():
                if word == "fail":
                    raise PrcEmoError("The model that replies is gone.")
                time.sleep(self._seconds)
                yield f"{word} "


def main() -> None:
    from prc_emo.chat.server.run import address_of, bound, serve
    from prc_emo.chat.web import mount, page

    listener = bound("127.0.0.1", int(sys.argv[1]), None)
    reader = BatchingReader(PlainReader(seconds=0.02), batch=8)
    api = make_app(reader, "words", Talker(times=200, seconds=0.02), limits=Limits(seconds=30))
    api = mount(api, page(reader, None, None))
    sys.stdout.write(address_of(listener) + "\n")
    sys.stdout.flush()
    serve(api, listener, finish=30)
    reader.close()
    sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main()
