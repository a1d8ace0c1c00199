"""What keeps the server whole when more comes than it can answer: bounded numbers, bytes and times.

Above the bounds a request is refused at once with 503 and Retry-After: an answer that costs a tenth of a prediction,
so that those within the bounds are answered as if nothing were the matter.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from modelyard_server.tensors import BadRequest

MAX_REQUESTS = 1024
"""Infer requests in flight, of one model."""
MIN_REQUESTS = 16
MAX_WAIT_SECONDS = 1.0
"""A model's requests in flight, MIN_REQUESTS apart, together take no longer than this."""
MAX_TURN_SECONDS = 5.0
"""A large request that waited longer for a thread is refused."""
MAX_BYTES = 64 * 1024 * 1024
"""Bodies in flight: those that come, that wait, and that are computed."""
RETRY_AFTER = ("retry-after", "1")
BODY_SECONDS = 10.0
"""A body that has not come after this time, and a second more for each MiB that has, is not waited for."""
_SWEEP_SECONDS = 0.25


class Overloaded(BadRequest):
    """Answered with Retry-After."""

    def __init__(self, message: str) -> None:
        super().__init__(f"the server is overloaded: {message}; try again in a second", 503)


class Limiter:
    """Belongs to the event loop's thread."""

    def __init__(self, body_seconds: float = BODY_SECONDS) -> None:
        self.bytes = 0
        self._body_seconds = body_seconds
        self._reading: dict[asyncio.Task[Any], list[float]] = {}
        """The tasks that wait for a body, with the time it began and the bytes that have come."""
        self._overdue: set[asyncio.Task[Any]] = set()
        self._sweeping = False

    def enter(self, in_flight: int, seconds_a_call: float) -> None:
        """Raises Overloaded when ``in_flight`` requests of a model that takes so long are too many for one more."""
        if in_flight >= MIN_REQUESTS and in_flight >= min(MAX_REQUESTS, MAX_WAIT_SECONDS / (seconds_a_call or 1e-9)):
            raise Overloaded(f"{in_flight} requests wait for this model")

    def hold(self, size: int) -> None:
        """Notes that a body of ``size`` bytes takes memory, until ``release``. Raises Overloaded."""
        if self.bytes + size > MAX_BYTES:
            raise Overloaded(f"{self.bytes} bytes of requests are in flight, {size} more are too many")
        self.bytes += size

    def release(self, size: int) -> None:
        self.bytes -= size

    # Bodies that come slowly

    def start(self) -> list[float]:
        """The current task begins to wait for a body. The second item of what is returned is for the bytes that have
        come. Must be followed by ``end``."""
        task = asyncio.current_task()
        assert task is not None
        state = self._reading[task] = [time.monotonic(), 0.0]
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
        return state

    def overdue(self) -> bool:
        """Whether the CancelledError that the current task has seen means that its body is too slow."""
        task = asyncio.current_task()
        if task is None or task not in self._overdue:
            return False
        task.uncancel()
        return True

    def end(self) -> None:
        """The body has come, or will not."""
        task = asyncio.current_task()
        assert task is not None
        del self._reading[task]
        self._overdue.discard(task)

    def _sweep(self) -> None:
        now = time.monotonic()
        for task, (began, come) in self._reading.items():
            if now > began + self._body_seconds + come / (1024 * 1024) and task not in self._overdue:
                self._overdue.add(task)
                task.cancel()
        self._sweeping = bool(self._reading)
        if self._sweeping:
            asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)


def check_waited(since: float) -> None:
    """Raises Overloaded when a request waited too long for its turn: its client may be gone, others wait behind."""
    waited = time.perf_counter() - since
    if waited > MAX_TURN_SECONDS:
        raise Overloaded(f"the request waited {waited:.1f} s for its turn")
