"""The requests to a model by time window: differences of sums that run on."""

from __future__ import annotations

from collections.abc import Callable

from modelyard_api.wire.request_counts import Requests, add
from modelyard_server.kept import SECONDS, Kept

Span = tuple[float, float, Requests]
"""From when to when (Unix seconds), and the requests."""
_BYTES = 64
"""What an entry of a dict of two small numbers takes, about."""


class History:
    """``total`` gives the sums since the process began. Belongs to the event loop's thread; costs a request nothing
    but the comparison that says whether its window is over."""

    def __init__(self, total: Callable[[], Requests], clock: Callable[[], float]) -> None:
        self._total, self._clock = total, clock
        self.restart()

    def restart(self) -> None:
        """Forgets what was, for a model that was loaded."""
        self._kept: Kept[Requests] = Kept(_merged, _size)
        self._started = self._clock()
        self._open = self._started // SECONDS * SECONDS
        self._seen = self._total()
        """The sums when the open window began."""

    def roll(self) -> float:
        """Closes the open window when its time is over; returns the seconds until it will be."""
        now = self._clock()
        window = now // SECONDS * SECONDS
        if window != self._open:
            total = self._total()
            if total.codes != self._seen.codes:
                self._kept.add(self._open, _difference(total, self._seen))
                self._seen = total
            self._open = window
            self._kept.age(window)
        return window + SECONDS - now

    def between(self, start: float, end: float) -> Span:
        """The requests of the windows that begin from ``start`` to before ``end`` (Unix seconds)."""
        self.roll()
        now, found = self._clock(), self._kept.between(start, end)
        if start <= self._open < end:
            found.append((self._open, now, _difference(self._total(), self._seen)))
        if not found:
            return now, now, Requests()
        return found[0][0], found[-1][1], add(part for _, _, part in found)

    def whole(self) -> Span:
        """All since the model was loaded."""
        self.roll()
        return self._started, self._clock(), add([*self._kept.whole(), _difference(self._total(), self._seen)])


def _merged(one: Requests, other: Requests) -> Requests:
    return add((one, other))


def _size(requests: Requests) -> int:
    return _BYTES * (len(requests.codes) + len(requests.latencies))


def _difference(late: Requests, early: Requests) -> Requests:
    return Requests(_less(late.codes, early.codes), _less(late.latencies, early.latencies))


def _less(late: dict[int, int], early: dict[int, int]) -> dict[int, int]:
    return {key: number - early.get(key, 0) for key, number in late.items() if number != early.get(key, 0)}
