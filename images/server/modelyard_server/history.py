"""The requests to a model by time window: differences between running totals."""

from __future__ import annotations

from collections.abc import Callable

from modelyard_api.wire.request_counts import Requests, add
from modelyard_server.kept import SECONDS, Kept

Span = tuple[float, float, Requests]
"""Begin and end of a time span (Unix seconds), and its requests."""
_BYTES = 64
"""Approximate bytes of a dict entry of two small numbers."""


class History:
    """``total`` returns the totals since the process began. Only the event loop's thread may use it. A request costs
    one comparison: whether its window is over."""

    def __init__(self, total: Callable[[], Requests], clock: Callable[[], float]) -> None:
        self._total, self._clock = total, clock
        self.restart()

    def restart(self) -> None:
        """Forgets all windows, for a newly loaded model."""
        self._kept: Kept[Requests] = Kept(_merged, _size)
        self._started = self._clock()
        self._open = self._started // SECONDS * SECONDS
        self._opening = self._total()
        """``_opening`` is the totals when the open window began."""

    def roll(self) -> float:
        """Closes the open window if its time is over; returns the seconds until the now open window ends."""
        now = self._clock()
        window = now // SECONDS * SECONDS
        if window != self._open:
            total = self._total()
            if total.codes != self._opening.codes:
                self._kept.add(self._open, _difference(total, self._opening))
                self._opening = total
            self._open = window
            self._kept.age(window)
        return window + SECONDS - now

    def between(self, start: float, end: float) -> Span:
        """Returns the requests of the windows that begin in ``start`` <= t < ``end`` (Unix seconds)."""
        self.roll()
        now, windows = self._clock(), self._kept.between(start, end)
        if start <= self._open < end:
            windows.append((self._open, now, _difference(self._total(), self._opening)))
        if not windows:
            return now, now, Requests()
        return windows[0][0], windows[-1][1], add(requests for _, _, requests in windows)

    def whole(self) -> Span:
        """Returns all requests since the model was loaded."""
        self.roll()
        return self._started, self._clock(), add([*self._kept.whole(), _difference(self._total(), self._opening)])


def _merged(early: Requests, late: Requests) -> Requests:
    return add((early, late))


def _size(requests: Requests) -> int:
    return _BYTES * (len(requests.codes) + len(requests.latencies))


def _difference(late: Requests, early: Requests) -> Requests:
    return Requests(_less(late.codes, early.codes), _less(late.latencies, early.latencies))


def _less(late: dict[int, int], early: dict[int, int]) -> dict[int, int]:
    return {key: number - early.get(key, 0) for key, number in late.items() if number != early.get(key, 0)}
