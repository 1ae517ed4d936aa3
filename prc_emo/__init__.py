"""PRC-Emo: emotion recognition in conversations with prompts, retrieval and curriculum learning.

    from prc_emo import PRCEmo, load_corpus, score

Importing this package imports neither torch nor transformers; they come with the first model.
"""

import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Conversations are private: no library below may report home. Set before any of them is imported.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

if TYPE_CHECKING:
    from prc_emo.bench.metrics import score
    from prc_emo.conversation import Conversation, Utterance
    from prc_emo.corpora import load_corpus
    from prc_emo.difficulty import Difficulty
    from prc_emo.errors import PrcEmoError
    from prc_emo.knowledge import Knowledge
    from prc_emo.labels import LabelSet
    from prc_emo.recognizer import PRCEmo

_WHERE = {
    "Conversation": "conversation",
    "Difficulty": "difficulty",
    "Knowledge": "knowledge",
    "LabelSet": "labels",
    "PRCEmo": "recognizer",
    "PrcEmoError": "errors",
    "Utterance": "conversation",
    "load_corpus": "corpora",
    "score": "bench.metrics",
}

__all__ = [
    "Conversation",
    "Difficulty",
    "Knowledge",
    "LabelSet",
    "PRCEmo",
    "PrcEmoError",
    "Utterance",
    "load_corpus",
    "score",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _WHERE:
        raise AttributeError(f"module 'prc_emo' has no attribute {name!r}")
    return getattr(import_module(f"prc_emo.{_WHERE[name]}"), name)
