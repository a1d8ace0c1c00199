from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from modelyard.engine.queue import LONGEST_BACKOFF, PATIENCE, Queue
from modelyard.engine.reconcile import PAST_DELAY, delay
from modelyard.engine.resource import Key
from tests.unit.engine.objects import key


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def drain(queue: Queue) -> list[Key]:
    """Takes all keys that are due now, gives each back at once, and returns them."""
    keys = []
    while True:
        try:
            async with asyncio.timeout(0.01):
                taken = await queue.take()
        except TimeoutError:
            return keys
        assert taken is not None
        keys.append(taken)
        queue.done(taken)


async def test_a_key_waits_once() -> None:
    queue = Queue()
    for _ in range(3):
        queue.add(key("a"))
    assert queue.depth() == 1
    assert await drain(queue) == [key("a")]


async def test_one_worker_a_key_and_again_after_a_change() -> None:
    queue = Queue()
    queue.add(key("a"))
    taken = await queue.take()
    assert taken == key("a")
    queue.add(key("a"))
    queue.add(key("a"))
    queue.add(key("b"))
    assert await queue.take() == key("b")
    assert queue.depth() == 0
    queue.done(key("a"))
    assert await queue.take() == key("a")
    queue.done(key("a"))
    assert queue.depth() == 0


async def test_namespaces_take_turns() -> None:
    queue = Queue()
    for number in range(100):
        queue.add(key(f"a{number}", "busy"))
    queue.add(key("b", "quiet"))
    queue.add(key("c", "calm"))
    first = (await drain(queue))[:5]
    assert [taken.namespace for taken in first] == ["busy", "quiet", "calm", "busy", "busy"]


async def test_a_deadline_comes_and_an_event_is_sooner() -> None:
    clock = Clock()
    queue = Queue(clock)
    queue.add_after(key("a"), 30)
    queue.add_after(key("a"), 10)
    queue.add_after(key("a"), 20)
    queue.add_after(key("b"), 10)
    assert await drain(queue) == []
    clock.now += 10
    assert await drain(queue) == [key("a"), key("b")]
    clock.now += 100
    assert await drain(queue) == [], "the later deadlines of one look are void"
    queue.add_after(key("a"), 10)
    queue.add(key("a"))
    assert await drain(queue) == [key("a")]
    clock.now += 10
    assert await drain(queue) == [], "the look was taken already"


async def test_a_deadline_wakes_a_waiting_worker() -> None:
    queue = Queue()
    worker = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add_after(key("a"), 0.05)
    assert await asyncio.wait_for(worker, 2) == key("a")


async def test_failures_cost_at_most_one_attempt_a_minute() -> None:
    clock = Clock()
    queue = Queue(clock)
    delays = []
    queue.add(key("a"))
    for _ in range(20):
        clock.now += 2 * LONGEST_BACKOFF
        taken = await queue.take()
        assert taken is not None
        delays.append(queue.failed(taken))
        queue.done(taken)
    assert delays[0] <= 0.6
    assert all(delay >= LONGEST_BACKOFF for delay in delays[10:])
    assert max(delays) <= LONGEST_BACKOFF * 1.2
    queue.succeeded(key("a"))
    queue.add(key("a"))
    await queue.take()
    assert queue.failed(key("a")) <= 0.6
    assert queue.failed(key("a"), at_least=40) >= 40


async def test_what_fails_for_ever_is_not_hurried_by_changes_around_it_but_by_its_own_edit() -> None:
    clock = Clock()
    queue = Queue(clock)
    attempts = 0
    queue.add(key("a"))
    for _ in range(3600):
        attempts += await drain_failing(queue)
        queue.add(key("a"))  # a child of `a` changes each second
        clock.now += 1
    assert attempts <= PATIENCE + 60
    queue.edited(key("a"))
    assert await drain(queue) == [key("a")]
    queue.succeeded(key("a"))
    queue.add(key("a"))
    assert await drain(queue) == [key("a")], "all is as in the beginning"


async def drain_failing(queue: Queue) -> int:
    """Takes all keys that are due now, lets each fail, and returns their number."""
    attempts = 0
    while True:
        taking = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        if not taking.done():
            taking.cancel()
            return attempts
        taken = taking.result()
        assert taken is not None
        attempts += 1
        queue.failed(taken)
        queue.done(taken)


async def test_close_frees_the_workers() -> None:
    queue = Queue()
    workers = [asyncio.create_task(queue.take()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.close()
    assert await asyncio.wait_for(asyncio.gather(*workers), 2) == [None, None, None]
    with pytest.raises(KeyError):
        queue.done(key("never taken"))


async def test_others_get_a_turn_between_two_passes() -> None:
    queue, turns = Queue(), 0
    for number in range(100):
        queue.add(key(str(number)))

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for _ in range(100):
        taken = await queue.take()
        assert taken is not None
        queue.done(taken)
    task.cancel()
    assert turns >= 100


async def test_a_key_waits_for_what_goes_first() -> None:
    first = asyncio.Event()
    queue = Queue(turn=first.wait)
    queue.add(key("a"))
    worker = asyncio.create_task(queue.take())
    for _ in range(100):
        await asyncio.sleep(0)
    assert not worker.done()
    first.set()
    assert await worker == key("a")


@pytest.mark.parametrize(
    ("after", "spent", "seconds"),
    [
        (30.0, 0.0, 30.0),
        (0.004, 0.0, 0.004),
        (0.004, 0.03, 0.0),
        (0.0, 0.0, PAST_DELAY),
        (-5.0, 0.03, PAST_DELAY),
    ],
)
def test_a_time_is_waited_for_exactly_and_a_past_one_does_not_spin(after: float, spent: float, seconds: float) -> None:
    """``after`` counts from the decision, and ``spent`` is what its writes took. No wait is rounded to a second."""
    decided = datetime(2026, 1, 5, 12, tzinfo=UTC)
    now = decided + timedelta(seconds=spent)
    assert delay(decided + timedelta(seconds=after), decided, now) == pytest.approx(seconds)
