"""Which objects to look at next: every key once, one worker a key, fair between namespaces.

A key that is added while a worker holds it runs again when the worker is done. A key may also wait for a time: a plan's
``after``, or the backoff after a failure. Times are kept as monotonic seconds, so a clock that is set doesn't matter.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable

from modelyard.engine.resource import Key

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 60.0
"""Seconds. The eighth failure in a row, and each after it, waits at least the longest."""
PATIENCE = 10
"""Failures in a row after which changes around an object don't bring the next attempt forward; its own edit does."""


async def _at_once() -> None:
    pass


class Queue:
    """Not for threads: everything runs in one event loop. ``turn`` is awaited before a key is given out."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, turn: Callable[[], Awaitable[None]] = _at_once
    ) -> None:
        self._clock, self._turn = clock, turn
        self._ready: dict[str, deque[Key]] = {}
        """Namespace -> keys, in the order of turns: the first namespace gives one key, then goes to the end."""
        self._waiting: set[Key] = set()
        """The keys in ``_ready``."""
        self._held: dict[Key, bool] = {}
        """The keys that workers hold; true: run again."""
        self._deadlines: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        """Of deadlines (the number keeps keys from being compared); one that ``_deadlines`` doesn't confirm is void."""
        self._numbers = itertools.count()
        self._failures: dict[Key, int] = {}
        self._wake = asyncio.Event()
        self._closed = False

    def add(self, key: Key) -> None:
        """Look at this object as soon as a worker is free."""
        if self._failures.get(key, 0) >= PATIENCE and key in self._deadlines:
            return
        if key in self._held:
            self._held[key] = True
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.setdefault(key.namespace, deque()).append(key)
            self._wake.set()

    def edited(self, key: Key) -> None:
        """Look at this object, which may be right now: what failed before doesn't count."""
        self._failures.pop(key, None)
        self.add(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Look at this object after that time, at the latest. A sooner time that was asked for before stays."""
        deadline = self._clock() + seconds
        if deadline < self._deadlines.get(key, float("inf")):
            self._deadlines[key] = deadline
            heapq.heappush(self._heap, (deadline, next(self._numbers), key))
            self._wake.set()

    async def take(self) -> Key | None:
        """The next key, now held by the caller until ``done``; None when the queue was closed."""
        while not self._closed:
            # A pass that needs to read and write nothing gives nobody else a turn: thousands of them are seconds.
            await asyncio.sleep(0)
            await self._turn()
            self._promote()
            if self._ready:
                return self._next()
            self._wake.clear()
            timeout = self._heap[0][0] - self._clock() if self._heap else None
            try:
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            except TimeoutError:
                pass
        return None

    def done(self, key: Key) -> None:
        """Give a key back."""
        if self._held.pop(key):
            self.add(key)

    def failed(self, key: Key, at_least: float = 0.0) -> float:
        """Count a failure of a held key and plan the next attempt; returns its delay in seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay: float = max(at_least, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 10)))
        delay *= 1 + random.random() / 5
        self.add_after(key, delay)
        return delay

    def succeeded(self, key: Key) -> None:
        self._failures.pop(key, None)

    def close(self) -> None:
        """No key is given out any more; held ones may be finished."""
        self._closed = True
        self._wake.set()

    def depth(self) -> int:
        """How many keys are ready and wait for a worker."""
        return len(self._waiting)

    def held(self) -> int:
        return len(self._held)

    def _next(self) -> Key:
        namespace, keys = next(iter(self._ready.items()))
        key = keys.popleft()
        del self._ready[namespace]
        if keys:
            self._ready[namespace] = keys
        self._waiting.discard(key)
        # This pass is the look that was planned; it will plan the next one.
        self._deadlines.pop(key, None)
        self._held[key] = False
        return key

    def _promote(self) -> None:
        now = self._clock()
        while self._heap:
            deadline, _, key = self._heap[0]
            confirmed = self._deadlines.get(key) == deadline
            if confirmed and deadline > now:
                return
            heapq.heappop(self._heap)
            if confirmed:
                del self._deadlines[key]
                self.add(key)
