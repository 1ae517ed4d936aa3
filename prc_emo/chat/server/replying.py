"""Replies for many at once: each is made in a thread of its own, and stops where nobody waits for it any more."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator

from prc_emo.chat.replies import Piece, Replier
from prc_emo.chat.replies.answer import reply_to
from prc_emo.chat.server.batching import BusyError
from prc_emo.chat.session import Situation

log = logging.getLogger("prc_emo.serve")


class Replies:
    """Hands on the pieces of replies as they come.

    Args:
        replier: None gives a pointer to help where one is due, and nothing else.
        most: How many replies may be under way; further ones are refused.
    """

    def __init__(self, replier: Replier | None, most: int) -> None:
        self._replier, self._most = replier, most
        self._under_way = 0
        self._change = threading.Lock()

    @property
    def under_way(self) -> int:
        return self._under_way

    async def to(self, situation: Situation) -> AsyncGenerator[Piece]:
        """What is said after a turn. Close it to stop.

        Raises:
            BusyError: Too many are under way.
            PrcEmoError: The reply failed; what came until then was handed on.
        """
        with self._change:
            if self._under_way >= self._most:
                raise BusyError(
                    f"{self._most} replies are under way, and that is the most. Ask again later.", 1
                )
            self._under_way += 1
        loop = asyncio.get_running_loop()
        came: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()
        nobody_waits = threading.Event()

        def hand_on(piece: Piece | BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                loop.call_soon_threadsafe(came.put_nowait, piece)

        def make() -> None:
            pieces = reply_to(situation, self._replier)
            end: BaseException | None = None
            try:
                for piece in pieces:
                    if nobody_waits.is_set():
                        break
                    hand_on(piece)
                pieces.close()
            except Exception as error:
                end = error
            finally:
                with self._change:
                    self._under_way -= 1
                hand_on(end)

        threading.Thread(target=make, name="reply", daemon=True).start()
        try:
            while (piece := await came.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            nobody_waits.set()
