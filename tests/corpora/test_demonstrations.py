"""The demonstrations that ship: large and varied enough, balanced, labelled twice, and what the data card says of them."""

import json
from collections import Counter
from typing import Any

import pytest

from prc_emo.corpora import Corpus, check, load_corpus, stats
from prc_emo.corpora.own import shipped_folder
from prc_emo.demos.keep import agreement
from prc_emo.knowledge import Knowledge
from prc_emo.labels import DEMONSTRATIONS
from retrieval_store import normalise_text

FOLDER = shipped_folder("demonstrations")
CARD = FOLDER / "README.md"
DOMAINS = {"healthcare", "workplace", "education", "family", "social", "entertainment", "mixed"}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus("demonstrations")


def test_there_are_enough_of_every_label_in_every_domain(corpus: Corpus) -> None:
    assert len(corpus.train) >= 400
    counts = Counter(
        (talk.id.split("/")[1].rpartition("-")[0], turn.gold)
        for talk in corpus.train
        for turn in talk.utterances
        if turn.gold is not None
    )
    assert counts.total() >= 3000
    assert {domain for domain, _ in counts} == DOMAINS
    assert min(counts[domain, label] for domain in DOMAINS for label in DEMONSTRATIONS) >= 25


def test_each_domain_has_twenty_situations_or_more() -> None:
    topics: dict[str, set[str]] = {}
    for row in rows("train.jsonl"):
        assert row["id"].startswith(f"demonstrations/{row['domain']}-")
        topics.setdefault(row["domain"], set()).add(normalise_text(row["topic"]))
    assert set(topics) == DOMAINS and min(map(len, topics.values())) >= 20


def test_two_to_four_people_talk_and_their_feelings_shift(corpus: Corpus) -> None:
    assert {len(talk.speakers) for talk in corpus.train} <= {2, 3, 4}
    (split,) = stats(corpus).splits
    assert 0.5 <= split.shifts <= 0.9


def test_data_check_finds_nothing_that_is_there_twice(corpus: Corpus) -> None:
    assert [row[0] for row in check(corpus).rows() if "repeated" in row[0] or "inside" in row[0]] == []


def test_a_label_is_there_exactly_where_both_judgements_chose_it(corpus: Corpus) -> None:
    judged = {row["id"]: row for row in rows("judgements.jsonl")}
    for talk in corpus.train:
        meant, chosen = judged[talk.id]["meant"], judged[talk.id]["chosen"]
        expected = [first if first == second else None for first, second in zip(meant, chosen, strict=True)]
        assert [turn.gold for turn in talk.utterances] == expected, talk.id


def test_the_data_card_says_how_far_they_agree() -> None:
    judged = rows("judgements.jsonl")
    found = agreement(
        [label for row in judged for label in row["meant"]],
        [label for row in judged for label in row["chosen"]],
        DEMONSTRATIONS,
    )
    card = CARD.read_text(encoding="utf-8")
    assert (
        f"{found.agreed:,} of {found.turns:,} turns ({found.share:.1%}), Cohen's kappa {found.kappa:.3f}"
        in card
    )
    for row in found.labels:
        assert f"| {row.label} | {row.author} | {row.reader} | {row.both} | {row.kappa:.2f} |" in card


def test_the_data_card_says_what_data_stats_counts(corpus: Corpus) -> None:
    card = CARD.read_text(encoding="utf-8")
    for row in stats(corpus).rows()[1:]:
        assert f"| {' | '.join(row)} |" in card


def test_interpretations_are_about_its_turns_and_name_no_label(corpus: Corpus) -> None:
    knowledge = Knowledge.load(FOLDER / "knowledge.jsonl")
    assert set(knowledge.interpretations) <= {turn.id for talk in corpus.train for turn in talk.utterances}
    everyday = Knowledge.load(shipped_folder("everyday") / "knowledge.jsonl")
    assert len(knowledge.interpretations) + len(everyday.interpretations) >= 1000
    for id, one in knowledge.interpretations.items():
        for text in (one.explicit, one.implicit):
            assert 20 <= len(text.split()) <= 50, id
            assert DEMONSTRATIONS.named_in(text) == [], id


def test_the_licence_is_beside_it() -> None:
    assert "CC-BY-4.0" in (FOLDER / "LICENSE").read_text()


@pytest.mark.slow
def test_no_two_utterances_are_nearly_the_same(corpus: Corpus) -> None:
    import numpy as np

    from retrieval_store import Embedder, StoreError

    try:
        encoder = Embedder("minilm", device="cpu")
    except StoreError as error:
        pytest.skip(str(error))
    turns = [turn for talk in corpus.train for turn in talk.utterances if len(turn.text.split()) >= 4]
    vectors = encoder.encode([turn.text for turn in turns])
    cosines = np.triu(vectors @ vectors.T, 1)
    assert [(turns[a].id, turns[b].id) for a, b in zip(*np.where(cosines > 0.95), strict=True)] == []


def test_all_that_ships_is_everyday_with_demonstrations_to_learn_from(corpus: Corpus) -> None:
    everyday, shipped = load_corpus("everyday"), load_corpus("shipped")
    assert (shipped.dev, shipped.test, shipped.labels) == (everyday.dev, everyday.test, everyday.labels)
    assert shipped.train[: len(everyday.train)] == everyday.train
    assert len(shipped.train) == len(everyday.train) + len(corpus.train)
    labels = {
        (before.gold, now.gold)
        for old, new in zip(corpus.train, shipped.train[len(everyday.train) :], strict=True)
        for before, now in zip(old.utterances, new.utterances, strict=True)
    }
    assert {("excitement", "joy"), ("frustration", None), ("fear", "fear")} <= labels
    assert {now for _, now in labels} == {*shipped.labels, None}
    said = {turn.text for talk in shipped.train for turn in talk.utterances}
    for talk in (*shipped.dev, *shipped.test):
        assert not [turn.text for turn in talk.utterances if turn.text in said and len(turn.text.split()) > 3]
