"""The corpus that ships holds what its data card says, and nothing in it is there twice."""

import doctest
import json
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from prc_emo.conversation import Utterance
from prc_emo.corpora import Corpus, check, everyday_folder, load_corpus, stats
from prc_emo.knowledge import Knowledge
from prc_emo.labels import MELD
from retrieval_store import Embedder, StoreError, normalise_text

DOMAINS = ("healthcare", "workplace", "education", "family", "social", "entertainment", "mixed")
TOO_ALIKE = 0.95  # cosine
CARD = everyday_folder() / "README.md"


@pytest.fixture(scope="module")
def everyday() -> Corpus:
    return load_corpus("everyday")


@pytest.fixture(scope="module")
def turns(everyday: Corpus) -> tuple[Utterance, ...]:
    return tuple(turn for talk in everyday.all() for turn in talk.utterances)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge.load(everyday_folder() / "knowledge.jsonl")


@pytest.fixture(scope="module")
def minilm() -> Embedder:
    try:
        return Embedder("minilm", device="cpu")
    except StoreError as error:
        pytest.skip(str(error))


def domain(id: str) -> str:
    """`everyday/social-01/0` and `everyday/social-01` belong to social."""
    return id.split("/")[1].rpartition("-")[0]


def too_alike(texts: Sequence[tuple[str, str]], encoder: Embedder) -> list[str]:
    """Pairs of (id, text) whose cosine is above `TOO_ALIKE`, the nearest first."""
    vectors = encoder.encode([text for _, text in texts])
    first, second = np.triu_indices(len(texts), 1)
    cosines = (vectors @ vectors.T)[first, second]
    found = sorted(np.flatnonzero(cosines > TOO_ALIKE), key=lambda pair: -cosines[pair])
    return [f"{texts[first[pair]][0]} = {texts[second[pair]][0]} ({cosines[pair]:.3f})" for pair in found]


def test_it_is_large_enough_to_train_and_to_test_on(everyday: Corpus, turns: tuple[Utterance, ...]) -> None:
    assert everyday.labels == MELD
    assert len(everyday.all()) >= 60 and len(turns) >= 480


def test_every_domain_is_in_every_split_and_has_every_label(
    everyday: Corpus, turns: tuple[Utterance, ...]
) -> None:
    for split, talks in everyday.splits.items():
        assert {domain(talk.id) for talk in talks} == set(DOMAINS), split
    assert {(domain(turn.id), turn.gold) for turn in turns} == {
        (at, label) for at in DOMAINS for label in MELD
    }


def test_a_dialogue_has_two_to_four_speakers_and_seven_to_ten_turns(everyday: Corpus) -> None:
    odd = [talk.id for talk in everyday.all() if not (2 <= len(talk.speakers) <= 4 and 7 <= len(talk) <= 10)]
    assert odd == []


def test_a_line_says_the_split_and_the_domain_that_its_file_and_id_say() -> None:
    """The reader takes the split from the file and passes over the domain, so nothing else would notice."""
    for split in ("train", "dev", "test"):
        for line in (everyday_folder() / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            assert (row["split"], row["domain"]) == (split, domain(row["id"])), row["id"]


def test_labels_are_balanced_and_the_splits_are_alike(everyday: Corpus) -> None:
    shares = [
        {label: count / split.utterances for label, count in split.labels.items()}
        for split in stats(everyday).splits
    ]
    for label in MELD:
        of_label = [split[label] for split in shares]
        assert min(of_label) >= 0.08 and max(of_label) <= 0.30, label
        assert max(of_label) - min(of_label) <= 0.03, label


def test_data_check_finds_nothing(everyday: Corpus) -> None:
    assert check(everyday).rows() == []


def test_no_utterance_and_no_interpretation_is_there_twice(
    turns: tuple[Utterance, ...], knowledge: Knowledge
) -> None:
    """Within or across splits; "Second?" may be said again, a line of four words may not."""
    said = [turn.text for turn in turns if len(turn.text.split()) >= 4]
    read = [text for each in knowledge.interpretations.values() for text in (each.explicit, each.implicit)]
    for texts in (said, read, list(knowledge.characteristics.values())):
        seen = Counter(normalise_text(text) for text in texts)
        assert [text for text, count in seen.items() if count > 1] == []


def test_no_label_has_a_stock_opener(turns: tuple[Utterance, ...]) -> None:
    """A label that always begins with "Ugh" would be recognised without reading on."""
    for label in MELD:
        openers = Counter(normalise_text(turn.text).split()[0] for turn in turns if turn.gold == label)
        word, count = openers.most_common(1)[0]
        assert count <= 0.15 * openers.total(), (label, word)


def test_no_two_utterances_are_nearly_the_same(turns: tuple[Utterance, ...], minilm: Embedder) -> None:
    said = [(turn.id, turn.text) for turn in turns if len(turn.text.split()) >= 4]
    assert too_alike(said, minilm) == []
    planted = ("planted", said[0][1].replace(",", "").lower())
    assert len(too_alike([said[0], planted], minilm)) == 1


@pytest.mark.slow
def test_no_two_interpretations_are_nearly_the_same(knowledge: Knowledge, minilm: Embedder) -> None:
    read = knowledge.interpretations.items()
    assert too_alike([(id, each.explicit) for id, each in read], minilm) == []
    assert too_alike([(id, each.implicit) for id, each in read], minilm) == []
    described = [("/".join(who), text) for who, text in knowledge.characteristics.items()]
    assert too_alike(described, minilm) == []


def test_knowledge_is_about_every_utterance_and_every_speaker_and_nothing_else(
    everyday: Corpus, turns: tuple[Utterance, ...], knowledge: Knowledge
) -> None:
    """`Knowledge.load` refuses a second line about the same one, so each is there exactly once."""
    assert set(knowledge.interpretations) == {turn.id for turn in turns}
    assert set(knowledge.characteristics) == {
        (talk.id, name) for talk in everyday.all() for name in talk.speakers
    }


def test_interpretations_have_twenty_to_fifty_words_and_characteristics_forty_to_seventy(
    knowledge: Knowledge,
) -> None:
    odd = [
        (id, len(text.split()))
        for id, each in knowledge.interpretations.items()
        for text in (each.explicit, each.implicit)
        if not 20 <= len(text.split()) <= 50
    ]
    odd += [
        ("/".join(who), len(text.split()))
        for who, text in knowledge.characteristics.items()
        if not 40 <= len(text.split()) <= 70
    ]
    assert odd == []


def test_no_label_is_named_in_knowledge_nor_in_an_utterance(
    turns: tuple[Utterance, ...], knowledge: Knowledge
) -> None:
    """What is read into a turn must leave the answer to the model; that no turn names one, the card says."""
    texts = {f"{id}, explicit": each.explicit for id, each in knowledge.interpretations.items()}
    texts |= {f"{id}, implicit": each.implicit for id, each in knowledge.interpretations.items()}
    texts |= {"/".join(who): text for who, text in knowledge.characteristics.items()}
    texts |= {turn.id: turn.text for turn in turns}
    assert {where: named for where, text in texts.items() if (named := MELD.named_in(text))} == {}


def test_the_data_card_shows_what_data_stats_counts(everyday: Corpus) -> None:
    card = CARD.read_text(encoding="utf-8")
    for row in stats(everyday).rows():
        assert f"| {' | '.join(row)} |".replace("|  |", "| |") in card


@pytest.mark.parametrize("block", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_figures_of_the_data_card_are_what_its_own_lines_print(
    block: int, request: pytest.FixtureRequest
) -> None:
    examples = re.findall(r"```pycon\n(.*?)```", CARD.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    if "Embedder" in examples[block]:
        request.getfixturevalue("minilm")  # skips where its weights are missing
    told: list[str] = []
    test = doctest.DocTestParser().get_doctest(examples[block], {}, "card", str(CARD), 0)
    doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert "".join(told) == ""
