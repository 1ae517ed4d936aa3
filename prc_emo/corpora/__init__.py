"""Corpora in, conversations out: one file per form; the forms are described in the README beside this file."""

from prc_emo.corpora.check import CheckReport, check
from prc_emo.corpora.corpus import Corpus
from prc_emo.corpora.jsonl import write_jsonl
from prc_emo.corpora.load import READERS, load_as_found, load_corpus
from prc_emo.corpora.own import everyday_folder, read_conversations, translated
from prc_emo.corpora.speakers import refuse_shared_speakers
from prc_emo.corpora.stats import CorpusStats, stats

__all__ = [
    "READERS",
    "CheckReport",
    "Corpus",
    "CorpusStats",
    "check",
    "everyday_folder",
    "load_as_found",
    "load_corpus",
    "read_conversations",
    "refuse_shared_speakers",
    "stats",
    "translated",
    "write_jsonl",
]
