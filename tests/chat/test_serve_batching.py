"""Many callers, one reader: everybody gets the answers they would get alone, and nobody waits for the largest request."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from serve_kit import PlainReader

from prc_emo.chat.server.batching import BatchingReader, BusyError
from prc_emo.conversation import Conversation
from prc_emo.errors import PrcEmoError


def talk(id: str, *said: str) -> Conversation:
    return Conversation.of([(f"speaker {at % 2}", text) for at, text in enumerate(said)], id=id)


def all_of(one: Conversation) -> set[str]:
    return {turn.id for turn in one.utterances}


def test_answers_do_not_depend_on_who_else_asks() -> None:
    talks = [talk(f"t{n}", *(f"line {n} {at}" for at in range(1 + n % 7))) for n in range(64)]
    alone = PlainReader()
    expected = [alone.read([one], all_of(one)) for one in talks]
    reader = PlainReader(seconds=0.001)
    together = BatchingReader(reader, batch=16)
    with ThreadPoolExecutor(32) as callers:
        found = list(callers.map(lambda one: together.read([one], all_of(one)), talks))
    together.close()
    assert found == expected
    assert max(map(len, reader.batches)) <= 16
    assert len(reader.batches) < sum(map(len, talks)) / 4  # they were read together


def test_an_error_is_its_own_callers_alone() -> None:
    reader = PlainReader()
    together = BatchingReader(reader, wait=0.2)
    talks = [talk(f"t{n}", "too long" if n == 3 else f"line {n}") for n in range(8)]
    futures = [together.submit([one], all_of(one)) for one in talks]
    with pytest.raises(PrcEmoError, match="t3/0: the utterance alone"):
        futures[3].result(5)
    assert [len(future.result(5)) for at, future in enumerate(futures) if at != 3] == [1] * 7
    together.close()
    assert len(reader.batches[0]) == 8


def test_a_large_request_does_not_hold_up_a_small_one() -> None:
    reader = PlainReader(seconds=0.001)
    together = BatchingReader(reader, batch=10, wait=0.0)
    large, small = talk("large", *map(str, range(300))), talk("small", "now")
    slow = together.submit([large], all_of(large))
    quick = together.submit([small], all_of(small))
    quick.result(5)
    assert not slow.done()
    assert next(at for at, batch in enumerate(reader.batches) if "now" in batch) <= 2
    assert slow.result(10) == PlainReader().read([large], all_of(large))
    together.close()


def test_too_much_is_refused_with_a_time_to_come_back() -> None:
    together = BatchingReader(PlainReader(seconds=0.05), batch=1, wait=0.0, most=4)
    first = talk("first", *"abcd")
    waiting = together.submit([first], all_of(first))  # an empty queue takes what is as long as itself
    second = talk("second", *"abcd")
    with pytest.raises(BusyError, match="4 is the most") as refused:
        together.submit([second], all_of(second))
    assert refused.value.seconds >= 1
    waiting.result(5)
    together.read([second], all_of(second))
    together.close()


def test_what_would_not_be_read_in_time_is_refused_at_once_but_never_because_of_a_longer_request() -> None:
    together = BatchingReader(PlainReader(seconds=0.05), batch=4, wait=0.0)
    short, long = talk("short", "a"), talk("long", *map(str, range(40)))
    together.read([long], all_of(long))  # it learns its pace, 0.05 s a turn
    slow = together.submit([long], all_of(long), within=1)  # alone it is tried: nobody else is in front of it
    with pytest.raises(BusyError, match=r"would not be read in 1 s"):
        together.submit([talk("other", *map(str, range(40)))], {f"other/{at}" for at in range(40)}, within=1)
    assert together.submit([short], all_of(short), within=1).result(5)
    assert not slow.done() and slow.result(10)
    together.close()


def test_however_many_ask_later_who_has_waited_longest_is_read() -> None:
    together = BatchingReader(PlainReader(seconds=0.001), batch=8, wait=0.0)
    large = talk("large", *map(str, range(40)))
    slow = together.submit([large], all_of(large))
    later = [talk(f"later{n}", *map(str, range(10))) for n in range(30)]
    futures = [together.submit([one], all_of(one)) for one in later]
    slow.result(10)
    assert sum(not future.done() for future in futures) > 15
    assert all(future.result(10) for future in futures)
    together.close()


def test_closing_does_not_take_longer_than_it_may() -> None:
    together = BatchingReader(PlainReader(seconds=0.05), batch=2, wait=0.0)
    large = talk("large", *map(str, range(40)))
    left = together.submit([large], all_of(large))
    start = time.monotonic()
    together.close(within=0.2)
    assert time.monotonic() - start < 1
    with pytest.raises(PrcEmoError, match="is being stopped"):
        left.result(0)


def test_who_gives_up_is_not_read_any_more() -> None:
    reader = PlainReader(seconds=0.01)
    together = BatchingReader(reader, batch=5, wait=0.0)
    long = talk("long", *map(str, range(100)))
    future = together.submit([long], all_of(long))
    while len(reader.batches) < 2:
        time.sleep(0.005)
    assert future.cancel()
    other = talk("other", "still here")
    together.read([other], all_of(other))
    together.close()
    assert sum(map(len, reader.batches)) < 50


def test_two_callers_may_call_their_conversations_alike() -> None:
    together = BatchingReader(PlainReader(), wait=0.1)
    one, other = talk("same", "sunshine", "rain"), talk("same", "thunder", "snow")
    futures = [together.submit([each], all_of(each)) for each in (one, other)]
    for each, future in zip((one, other), futures, strict=True):
        assert future.result(5) == PlainReader().read([each], all_of(each))
    together.close()


def test_closing_reads_what_waits_and_takes_nothing_new() -> None:
    together = BatchingReader(PlainReader(seconds=0.01), batch=2)
    talks = [talk(f"t{n}", "line") for n in range(10)]
    futures = [together.submit([one], all_of(one)) for one in talks]
    together.close()
    assert all(len(future.result(0)) == 1 for future in futures)
    with pytest.raises(PrcEmoError, match="is being stopped"):
        together.submit([talks[0]], all_of(talks[0]))
    assert not together.alive


def test_nothing_asked_is_answered_at_once() -> None:
    together = BatchingReader(PlainReader())
    assert together.read([talk("t", "line")], set()) == {}
    together.close()
