"""Protects the server from overload by bounding the number, the bytes and the waiting time of requests.

A request beyond the bounds is refused at once with 503 and Retry-After. A refusal costs a tenth of a prediction, so the
requests within the bounds are answered as usual.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from modelyard_server.tensors import BadRequest

MAX_REQUESTS = 1024
"""Most infer requests of one model in flight."""
MIN_REQUESTS = 16
"""This many requests of one model in flight are always allowed."""
MAX_WAIT_SECONDS = 1.0
"""Above MIN_REQUESTS, the requests of one model in flight may together take this long."""
MAX_TURN_SECONDS = 5.0
"""A large request that waited longer than this for a thread is refused."""
MAX_BYTES = 64 * 1024 * 1024
"""Most bytes of bodies in flight: being received, waiting, or being answered."""
RETRY_AFTER = ("retry-after", "1")
BODY_SECONDS = 10.0
"""A body must arrive within this time plus one second for each MiB received so far."""
_SWEEP_SECONDS = 0.25


class Overloaded(BadRequest):
    """The server has too much to do; the answer carries Retry-After."""

    def __init__(self, message: str) -> None:
        super().__init__(f"the server is overloaded: {message}; try again in a second", 503)


class Limiter:
    """Counts the load. Only the event loop's thread may use it."""

    def __init__(self, body_seconds: float = BODY_SECONDS) -> None:
        self.bytes = 0
        self._body_seconds = body_seconds
        self._reading: dict[asyncio.Task[Any], list[float]] = {}
        """Task that waits for a body -> [when it began to wait, bytes received so far]."""
        self._overdue: set[asyncio.Task[Any]] = set()
        self._sweeping = False

    def enter(self, in_flight: int, seconds_a_call: float) -> None:
        """Raises Overloaded if a model with ``in_flight`` requests, each of ``seconds_a_call``, can't take one more."""
        if in_flight >= MIN_REQUESTS and in_flight >= min(MAX_REQUESTS, MAX_WAIT_SECONDS / (seconds_a_call or 1e-9)):
            raise Overloaded(f"{in_flight} requests wait for this model")

    def hold(self, size: int) -> None:
        """Counts a body's ``size`` bytes as in memory until ``release``. Raises Overloaded if there is no room."""
        if self.bytes + size > MAX_BYTES:
            raise Overloaded(f"{self.bytes} bytes of requests are in flight, {size} more are too many")
        self.bytes += size

    def release(self, size: int) -> None:
        self.bytes -= size

    # Slow bodies

    def start(self) -> list[float]:
        """Notes that the current task begins to wait for a body; must be followed by ``end``.

        Returns [begin, bytes received]: the caller keeps the second item up to date.
        """
        task = asyncio.current_task()
        assert task is not None
        state = self._reading[task] = [time.monotonic(), 0.0]
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
        return state

    def overdue(self) -> bool:
        """Returns whether the current task got its CancelledError because its body is too slow."""
        task = asyncio.current_task()
        if task is None or task not in self._overdue:
            return False
        task.uncancel()
        return True

    def end(self) -> None:
        """Notes that the current task waits for its body no more."""
        task = asyncio.current_task()
        assert task is not None
        del self._reading[task]
        self._overdue.discard(task)

    def _sweep(self) -> None:
        now = time.monotonic()
        for task, (began, received) in self._reading.items():
            if now > began + self._body_seconds + received / (1024 * 1024) and task not in self._overdue:
                self._overdue.add(task)
                task.cancel()
        self._sweeping = bool(self._reading)
        if self._sweeping:
            asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)


def check_waited(since: float) -> None:
    """Raises Overloaded if a request waited too long for its turn: its client may be gone while others wait."""
    waited = time.perf_counter() - since
    if waited > MAX_TURN_SECONDS:
        raise Overloaded(f"the request waited {waited:.1f} s for its turn")
