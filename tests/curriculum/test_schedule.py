import random
import re
import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum import (
    SCHEDULES,
    BabySteps,
    Competence,
    CurriculumError,
    OnePass,
    Order,
    Phase,
    Reversed,
    Shuffled,
    difficulties,
    make_schedule,
)

ALL = [
    BabySteps(buckets=3),
    OnePass(buckets=3),
    Reversed(buckets=3),
    Shuffled(),
    Competence(start=0.1),
]
schedules = st.sampled_from(ALL)
corpora = st.lists(
    st.tuples(st.floats(0, 2, width=16), st.integers(1, 6)), min_size=3, max_size=30
)  # (difficulty, examples) per conversation
batches = st.integers(1, 9)
seeds = st.integers(0, 2**40)


def order_of(schedule, corpus, **options):
    hard, sizes = zip(*corpus, strict=True)
    return schedule.order(hard, sizes=sizes, **options)


def phases_of(order):
    return [order.positions[phase.start : phase.stop].tolist() for phase in order.phases]


def examples_of(corpus, conversations):
    """The numbers of the examples of these conversations."""
    starts = np.cumsum([0, *(size for _, size in corpus)])
    return {int(n) for c in conversations for n in range(starts[c], starts[c + 1])}


def ranked(corpus):
    return sorted(range(len(corpus)), key=lambda c: corpus[c][0])


@given(schedules, corpora, seeds, batches)
def test_the_end_has_seen_everything(schedule, corpus, seed, batch):
    order = order_of(schedule, corpus, seed=seed, batch=batch)
    everything = examples_of(corpus, range(len(corpus)))
    assert set(order.positions.tolist()) == everything
    if not isinstance(schedule, OnePass):
        assert set(phases_of(order)[-1]) == everything, "the last phase alone is a full pass"


@given(corpora, st.integers(1, 3), seeds, batches)
def test_a_phase_draws_all_of_its_buckets_and_nothing_harder(corpus, buckets, seed, batch):
    order = order_of(BabySteps(buckets=buckets, epochs=4), corpus, seed=seed, batch=batch)
    for epoch, drawn in enumerate(phases_of(order), start=1):
        allowed = len(corpus) * min(epoch, buckets) // buckets
        assert set(drawn) == examples_of(corpus, ranked(corpus)[:allowed])


@given(corpora, seeds, batches)
def test_reversed_draws_nothing_easier_than_its_buckets(corpus, seed, batch):
    order = order_of(Reversed(buckets=3, epochs=4), corpus, seed=seed, batch=batch)
    for epoch, drawn in enumerate(phases_of(order), start=1):
        skipped = len(corpus) * max(0, 3 - epoch) // 3
        assert set(drawn) == examples_of(corpus, ranked(corpus)[skipped:])


@given(corpora, seeds)
def test_one_pass_never_goes_back(corpus, seed):
    phases = phases_of(order_of(OnePass(buckets=3, epochs=6), corpus, seed=seed))
    assert [set(phase) for phase in phases[::2]] == [set(phase) for phase in phases[1::2]]
    assert sum(len(phase) for phase in phases[::2]) == sum(size for _, size in corpus)


@given(corpora, seeds, batches)
def test_competence_never_draws_beyond_its_share(corpus, seed, batch):
    schedule = Competence(epochs=3, start=0.1)
    order = order_of(schedule, corpus, seed=seed, batch=batch)
    ranks = ranked(corpus)
    growing = order.phases[-1].start
    for at, example in enumerate(order.positions[:growing].tolist()):
        t = at // batch * batch / growing
        share = (t * (1 - 0.1**2) + 0.1**2) ** 0.5
        allowed = ranks[: int(np.ceil(share * len(corpus) + 1e-9))]
        assert example in examples_of(corpus, allowed)


@given(schedules, corpora, seeds, batches)
def test_no_step_mixes_two_phases(schedule, corpus, seed, batch):
    order = order_of(schedule, corpus, seed=seed, batch=batch)
    assert order.steps(batch)[-1] * batch == len(order)
    assert all(len(phase) % batch == 0 for phase in phases_of(order))


@given(corpora, seeds, batches)
def test_the_odd_tail_is_filled_from_its_own_phase_and_counted(corpus, seed, batch):
    padded = order_of(BabySteps(), corpus, seed=seed, batch=batch)
    exact = order_of(BabySteps(), corpus, seed=seed)
    assert exact.filled == 0
    assert len(padded) == len(exact) + padded.filled
    for longer, phase in zip(phases_of(padded), phases_of(exact), strict=True):
        assert longer[: len(phase)] == phase, "the batch size does not change what is drawn before the tail"
        assert set(longer) == set(phase)


@given(schedules, corpora, seeds, batches)
def test_the_same_seed_gives_the_same_hash(schedule, corpus, seed, batch):
    first, second = (order_of(schedule, corpus, seed=seed, batch=batch) for _ in range(2))
    assert first.sha256 == second.sha256


@pytest.mark.parametrize("schedule", ALL)
def test_another_seed_gives_another_order(schedule):
    hard = np.linspace(0, 1, 50)
    assert schedule.order(hard, seed=1).sha256 != schedule.order(hard, seed=2).sha256


def test_two_phases_over_the_same_examples_are_shuffled_differently():
    first, second = phases_of(Shuffled(epochs=2).order(np.zeros(50), seed=1))
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


@given(schedules, st.lists(st.integers(1, 5), min_size=3, max_size=20), seeds, batches, st.randoms())
def test_the_order_of_the_corpus_changes_numbers_only(schedule, sizes, seed, batch, shuffler):
    """Where no two conversations are equally hard, training sees the same examples at the same time."""

    def seen(conversations):
        corpus = [(float(c), sizes[c]) for c in conversations]
        names = [(c, place) for c in conversations for place in range(sizes[c])]
        order = order_of(schedule, corpus, seed=seed, batch=batch)
        return [names[number] for number in order.positions]

    shuffled = list(range(len(sizes)))
    shuffler.shuffle(shuffled)
    assert seen(shuffled) == seen(range(len(sizes)))


@given(schedules, corpora, seeds, batches, st.integers(0, 40))
def test_arms_with_equal_steps_are_equally_long(schedule, corpus, seed, batch, more):
    """Only the last phase is repeated or cut; what comes before stays as it was."""
    free = order_of(schedule, corpus, seed=seed, batch=batch)
    before = free.phases[-1].start
    steps = before // batch + 1 + more
    order = order_of(schedule, corpus, seed=seed, batch=batch, steps=steps)
    assert len(order) == steps * batch
    assert order.phases[:-1] == free.phases[:-1]
    assert set(order.positions[before:].tolist()) <= set(free.positions[before:].tolist())
    assert order.positions[:before].tolist() == free.positions[:before].tolist()


def test_too_few_steps_for_the_last_phase_are_refused():
    message = (
        "steps=3 leaves nothing for the last phase (epoch 2: buckets 1-2 of 2): the phases before take 5 steps. "
        "Ask for more steps or fewer epochs."
    )
    with pytest.raises(CurriculumError, match=re.escape(message)):
        BabySteps(epochs=2).order(np.zeros(10), seed=0, steps=3)


def test_equally_hard_conversations_keep_their_places():
    order = BabySteps(buckets=2, epochs=2).order([0.0] * 10, seed=3)
    assert set(phases_of(order)[0]) == {0, 1, 2, 3, 4}


def test_a_known_order_keeps_its_hash():
    """An order that changes between versions would refuse to resume what an older version began."""
    order = BabySteps().order([0.9, 0.1, 0.5, 0.3], sizes=[2, 3, 1, 4], seed=42, batch=4)
    assert order.phases[0] == Phase("epoch 1: buckets 1-1 of 2", 0, 8)
    assert order.sha256[:16] == "2f51ab164df724b4"


def test_a_conversation_without_examples_is_passed_over():
    order = BabySteps(buckets=1, epochs=1).order([0.2, 0.1, 0.3], sizes=[2, 0, 1], seed=0)
    assert sorted(order.positions.tolist()) == [0, 1, 2]
    assert Competence(start=0.01).order([0.2, 0.1, 0.3], sizes=[2, 0, 1], seed=0).filled == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: BabySteps(buckets=5),
            "BabySteps: 5 buckets need 5 epochs or more, got 4; some conversations",
        ),
        (lambda: BabySteps(buckets="2"), "BabySteps: expected a whole number from 1 as buckets, got '2'."),
        (lambda: Shuffled(epochs=0), "Shuffled: expected a whole number from 1 as epochs, got 0."),
        (lambda: Competence(start=0), "Competence: expected a start above 0 and up to 1, got 0."),
        (lambda: Competence(epochs=1), "Competence: expected 2 epochs or more, got 1;"),
        (
            lambda: make_schedule("babysteps"),
            "'babysteps' is not a schedule. Did you mean 'baby-steps'? Known: baby",
        ),
        (
            lambda: make_schedule("shuffled", buckets=2),
            "Schedule 'shuffled' has no parameter 'buckets'. Known: epochs.",
        ),
        (
            lambda: make_schedule("one-pass", bucket=2),
            "Schedule 'one-pass' has no parameter 'bucket'. Did you mean 'buckets'? Known: epochs, buckets.",
        ),
        (lambda: BabySteps().order([1.0], seed=0), "BabySteps: 2 buckets need as many conversations, got 1."),
        (
            lambda: BabySteps().order([], seed=0),
            "Expected one difficulty per conversation, got an array of shape (0,).",
        ),
        (
            lambda: BabySteps().order([0.5, float("nan")], seed=0),
            "Conversation 1 (from 0): expected a finite difficulty, got nan.",
        ),
        (
            lambda: BabySteps().order([1, 2], sizes=[1], seed=0),
            "Expected 2 sizes, one per conversation, got 1.",
        ),
        (
            lambda: BabySteps().order([1, 2], sizes=[1, -1], seed=0),
            "Conversation 1 (from 0): expected 0 or more examples, got -1.",
        ),
        (
            lambda: BabySteps().order([1, 2], sizes=[0, 1], seed=0),
            "epoch 1: buckets 1-1 of 2 has no examples. Use fewer buckets.",
        ),
        (
            lambda: BabySteps().order([1, 2], seed=0, batch=0),
            "Expected a batch of 1 or more and a seed of 0 or more, got 0 and 0.",
        ),
        (
            lambda: BabySteps().order([1, 2, 3], seed=0).steps(batch=2),
            "Phase 'epoch 1: buckets 1-1 of 2' ends at example 1, within a batch of 2. Make the order again with batch=2.",
        ),
    ],
)
def test_a_mistake_is_answered_with_what_was_expected(make, message):
    with pytest.raises(CurriculumError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_found_by_its_name(name):
    assert type(make_schedule(name, epochs=3)) is SCHEDULES[name]
    assert make_schedule(name, epochs=3).epochs == 3


def test_an_order_survives_its_file():
    order = BabySteps().order(np.linspace(1, 0, 7), seed=5, batch=4)
    again = Order.from_json(order.to_json())
    assert (again.positions.tolist(), again.phases, again.filled) == (
        order.positions.tolist(),
        order.phases,
        order.filled,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace('"positions": [', '"positions": [9, ', 1),
            "cannot be read: Expected phases without",
        ),
        (
            lambda text: text.replace("epoch 1", "epoch 7"),
            "The order was changed after it was saved: its hash is",
        ),
        (lambda text: text[:40], "Expected the JSON of an order, but it cannot be read:"),
        (lambda text: "[]", "Expected the JSON of an order, but it cannot be read:"),
    ],
)
def test_a_changed_order_is_refused(change, message):
    text = BabySteps().order(np.linspace(1, 0, 7), seed=5).to_json()
    assert change(text) != text
    with pytest.raises(CurriculumError, match=re.escape(message)):
        Order.from_json(change(text))


def test_an_order_cannot_be_changed():
    given_positions = np.array([0, 1])
    order = Order(given_positions, (Phase("all", 0, 2),))
    given_positions[0] = 7
    assert order.positions.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        order.positions[0] = 1


@dataclass(frozen=True, slots=True)
class Line:
    speaker: str
    emotion: str


@pytest.mark.slow
def test_a_million_conversations_are_ordered_in_seconds():
    chance = random.Random(0)
    labels = ["neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear"]
    lines = [Line(speaker, emotion) for speaker in "ABC" for emotion in labels]
    conversations = [tuple(chance.choices(lines, k=8)) for _ in range(1_000_000)]
    started = time.perf_counter()
    hard = difficulties(conversations, "prc-emo", n_labels=7)
    measured = time.perf_counter()
    order = BabySteps().order(hard, sizes=[8] * len(hard), seed=42, batch=32)
    done = time.perf_counter()
    assert len(order) == 28_000_000
    assert measured - started < 30, f"difficulties took {measured - started:.1f} s"
    assert done - measured < 30, f"the order took {done - measured:.1f} s"
