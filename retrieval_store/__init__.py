"""Remembers demonstrations and finds the nearest that may be shown. Importing it imports nothing heavy."""

from retrieval_store.demonstration import Demonstration
from retrieval_store.embedder import Embedder, Encoder
from retrieval_store.errors import StoreError
from retrieval_store.exclude import Exclude, normalise_text
from retrieval_store.found import REASONS, Excluded, Found, Hit, count_excluded
from retrieval_store.index import KINDS
from retrieval_store.store import DemonstrationStore, StoreInfo
from retrieval_store.weights import find_weights

__all__ = [
    "KINDS",
    "REASONS",
    "Demonstration",
    "DemonstrationStore",
    "Embedder",
    "Encoder",
    "Exclude",
    "Excluded",
    "Found",
    "Hit",
    "StoreError",
    "StoreInfo",
    "count_excluded",
    "find_weights",
    "normalise_text",
]
