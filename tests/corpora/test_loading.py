"""Corpora by name, and the corpus record."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from prc_emo.conversation import Conversation
from prc_emo.corpora import READERS, Corpus, load_corpus
from prc_emo.errors import PrcEmoError
from prc_emo.labels import EMORYNLP, MELD


def talk(id: str) -> Conversation:
    return Conversation.of([("Ada", "Hi.")], id=id)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        PrcEmoError, match=r"'Meld' is not a corpus\. Did you mean 'meld'\? Known: csv, dailydialog,"
    ):
        load_corpus("Meld", "data")


@pytest.mark.parametrize("name", sorted(set(READERS) - {"everyday", "demonstrations", "shipped"}))
def test_a_folder_that_is_not_there_or_empty_is_an_error_that_names_it(name: str, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(PrcEmoError, match=re.escape(folder.name)):
            load_corpus(name, folder, labels=MELD if name in ("prc-json", "jsonl", "csv") else None)
    with pytest.raises(PrcEmoError, match=f"Corpus '{name}' needs the path of its folder or file"):
        load_corpus(name)


def test_expected_file_names_are_named_where_none_is_found(tmp_path: Path) -> None:
    with pytest.raises(
        PrcEmoError,
        match=r"expected train_sent_emo\.csv, dev_sent_emo\.csv, test_sent_emo\.csv, found none of them",
    ):
        load_corpus("meld", tmp_path)


def test_an_option_that_the_reader_does_not_take_is_an_error() -> None:
    with pytest.raises(PrcEmoError, match=r"'meld' takes no option 'dev_session'\. It takes: audio"):
        load_corpus("meld", "data", dev_session=4)
    with pytest.raises(PrcEmoError, match=r"'iemocap' takes no option 'session'\. It takes: dev_session"):
        load_corpus("iemocap", "data", session=4)


def test_a_corpus_with_labels_of_its_own_takes_no_others(tmp_path: Path) -> None:
    (tmp_path / "dev_sent_emo.csv").write_text(
        "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nHi.,Ada,joy,0,0\n"
    )
    assert load_corpus("meld", tmp_path, labels=MELD).labels == MELD
    with pytest.raises(PrcEmoError, match=r"'meld' has labels of its own \(neutral, joy"):
        load_corpus("meld", tmp_path, labels=EMORYNLP)


def test_the_corpus_that_ships_takes_no_path() -> None:
    with pytest.raises(PrcEmoError, match="'everyday' ships with the project and takes no path, got 'data'"):
        load_corpus("everyday", "data")


def test_ids_are_unique_in_the_whole_corpus() -> None:
    with pytest.raises(PrcEmoError, match=r"two conversations have the id 'a' \(in train and in test\)"):
        Corpus("mine", MELD, {"train": (talk("a"),), "test": (talk("a"),)})


def test_all_is_every_split_in_order() -> None:
    corpus = Corpus("mine", MELD, {"train": (talk("a"), talk("b")), "test": (talk("c"),)})
    assert [each.id for each in corpus.all()] == ["a", "b", "c"]
    assert corpus.split("test") == corpus.test


def test_reading_corpora_needs_none_of_the_heavy_libraries() -> None:
    """`prc-emo data check` answers at once; torch alone takes seconds to import."""
    heavy = "{'torch', 'transformers', 'faiss', 'sentence_transformers', 'sklearn', 'matplotlib', 'numpy'}"
    code = f"import sys, prc_emo.corpora; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
