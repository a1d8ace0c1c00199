"""Queues the objects to reconcile: each key once, one worker per key, fair between namespaces.

A key that is added while a worker holds it runs again when the worker is done. A key may also wait for a time: a plan's
``after``, or the backoff after a failure. Times are monotonic seconds, so changes of the clock don't matter.
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
"""Seconds. From the eighth failure in a row the delay is at least the longest."""
PATIENCE = 10
"""Failures in a row after which only an edit of the object itself, not a change around it, runs it before its time."""


async def _no_wait() -> None:
    pass


class Queue:
    """A queue for one event loop; it is not thread-safe. ``turn`` is awaited before a key is given out."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, turn: Callable[[], Awaitable[None]] = _no_wait
    ) -> None:
        self._clock, self._turn = clock, turn
        self._ready: dict[str, deque[Key]] = {}
        """Namespace -> keys. The first namespace gives one key and then moves to the end."""
        self._waiting: set[Key] = set()
        """The keys in ``_ready``."""
        self._held: dict[Key, bool] = {}
        """Keys that workers hold -> whether to run them again afterwards."""
        self._deadlines: dict[Key, float] = {}
        """Key -> when it becomes ready at the latest."""
        self._heap: list[tuple[float, int, Key]] = []
        """(Deadline, number that avoids comparing keys, key). Only entries that match ``_deadlines`` are valid."""
        self._numbers = itertools.count()
        self._failures: dict[Key, int] = {}
        self._wake = asyncio.Event()
        self._closed = False

    def add(self, key: Key) -> None:
        """Runs this object as soon as a worker is free."""
        if self._failures.get(key, 0) >= PATIENCE and key in self._deadlines:
            return
        if key in self._held:
            self._held[key] = True
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.setdefault(key.namespace, deque()).append(key)
            self._wake.set()

    def edited(self, key: Key) -> None:
        """Runs an object that was edited. Its earlier failures no longer count, since the edit may have fixed it."""
        self._failures.pop(key, None)
        self.add(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Runs this object after that time at the latest. An earlier deadline is kept."""
        deadline = self._clock() + seconds
        if deadline < self._deadlines.get(key, float("inf")):
            self._deadlines[key] = deadline
            heapq.heappush(self._heap, (deadline, next(self._numbers), key))
            self._wake.set()

    async def take(self) -> Key | None:
        """Returns the next key, which the caller holds until ``done``; None after the queue was closed."""
        while True:
            # Yield to other tasks: passes that neither read nor write never do, and thousands take seconds.
            await asyncio.sleep(0)
            await self._turn()
            if self._closed:
                return None
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

    def done(self, key: Key) -> None:
        """Gives a key back."""
        if self._held.pop(key):
            self.add(key)

    def failed(self, key: Key, at_least: float = 0.0) -> float:
        """Counts a failure of a held key, plans the next attempt, and returns its delay in seconds."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay: float = max(at_least, min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 10)))
        delay *= 1 + random.random() / 5
        self.add_after(key, delay)
        return delay

    def succeeded(self, key: Key) -> None:
        """Resets the failures of a held key."""
        self._failures.pop(key, None)

    def close(self) -> None:
        """Stops giving out keys. Held ones may be finished."""
        self._closed = True
        self._wake.set()

    def depth(self) -> int:
        """Returns the number of ready keys that wait for a worker."""
        return len(self._waiting)

    def held(self) -> int:
        """Returns the number of keys that workers hold."""
        return len(self._held)

    def _next(self) -> Key:
        namespace, keys = next(iter(self._ready.items()))
        key = keys.popleft()
        del self._ready[namespace]
        if keys:
            self._ready[namespace] = keys
        self._waiting.discard(key)
        # This pass fulfils the deadline, and will plan the next one.
        self._deadlines.pop(key, None)
        self._held[key] = False
        return key

    def _promote(self) -> None:
        """Moves keys whose deadline has passed to the ready ones."""
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
