"""The published corpora themselves, where they are at hand: sizes and the known flaws."""

import time
from pathlib import Path

import pytest

from prc_emo.corpora import check, load_corpus, read_conversations, refuse_shared_speakers, write_jsonl

pytestmark = pytest.mark.data


@pytest.mark.parametrize(
    ("name", "train", "dev"),
    [
        ("meld", (1038, 9989), (114, 1109)),
        ("emorynlp", (659, 7551), (89, 954)),
        ("dailydialog", (11118, 87170), (1000, 8069)),
    ],
)
def test_every_published_dialogue_and_utterance_is_read(
    data_root: Path, name: str, train: tuple[int, int], dev: tuple[int, int]
) -> None:
    corpus = load_corpus(name, data_root / name)
    for split, sizes in ((corpus.train, train), (corpus.dev, dev)):
        assert (len(split), sum(len(each) for each in split)) == sizes


@pytest.mark.parametrize(
    ("name", "repeated", "inside", "utterances", "long"),
    [("meld", 0, 1, 170, 7), ("emorynlp", 0, 3, 223, 25), ("dailydialog", 119, 169, 2496, 1909)],
)
def test_the_leaks_from_dev_into_train_are_found_in_seconds(
    data_root: Path, name: str, repeated: int, inside: int, utterances: int, long: int
) -> None:
    corpus = load_corpus(name, data_root / name)
    begun = time.perf_counter()
    report = check(corpus)
    assert time.perf_counter() - begun < 10
    assert report.count("dialogue repeated", "dev in train") == repeated
    assert report.count("dialogue at least 80% inside another") == inside
    assert report.count("utterance repeated") == utterances
    assert report.count("utterance of 4 words or more repeated", "dev in train") == long
    for what in ("unknown label", "turn without a label", "turn without words", "damaged encoding"):
        assert report.count(what) == 0


def test_a_real_corpus_survives_our_own_form(data_root: Path, tmp_path: Path) -> None:
    train = load_corpus("meld", data_root / "meld").train
    write_jsonl(tmp_path / "train.jsonl", train)
    assert tuple(read_conversations(tmp_path / "train.jsonl")) == train


def test_the_demonstrations_of_prc_emos_authors_are_read(data_root: Path) -> None:
    corpus = load_corpus("prc-demonstrations", data_root / "prc_emo_demonstrations")
    assert len(corpus.train) == 14009
    assert check(corpus).count("dialogue repeated", "train") == 96


@pytest.mark.parametrize("fold", range(1, 6))
def test_ravdess_has_four_unseen_actors_in_every_fold(data_root: Path, fold: int) -> None:
    corpus = load_corpus("ravdess", data_root / "ravdess", test_fold=fold, dev_fold=None)
    assert (len(corpus.train), len(corpus.test)) == (960, 240)
    assert len({who for talk in corpus.test for who in talk.speakers}) == 4
    assert all(turn.audio and turn.audio.is_file() for talk in corpus.all() for turn in talk.utterances)
    refuse_shared_speakers(corpus)


def test_dailytalk_is_read_with_its_context_and_without_the_labels_in_it(data_root: Path) -> None:
    corpus = load_corpus("dailytalk", data_root / "dailytalk_units")
    sizes = {
        split: (len(talks), sum(turn.gold is not None for talk in talks for turn in talk.utterances))
        for split, talks in corpus.splits.items()
    }
    assert sizes == {"train": (1358, 2474), "dev": (181, 325)}
    assert not [turn for talk in corpus.all() for turn in talk.utterances if "<" in turn.text]
    assert check(corpus).count("line repaired in reading", "train") == 220
