"""What is answered in a chat: `answer` puts help before any reply; one file for each way to reply."""

from prc_emo.chat.replies.answer import Piece, Prepared, Replier, Reply, answer, silent

__all__ = ["Piece", "Prepared", "Replier", "Reply", "answer", "silent"]
