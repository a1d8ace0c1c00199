"""Closed time windows of anything that can be merged: short ones of the last minutes, whole minutes of an hour."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from modelyard_api.wire.request_counts import WINDOW_SECONDS as SECONDS

SHORT_SECONDS = 600
"""Windows that began so long ago are joined to whole minutes."""
MINUTE = 60
KEPT_SECONDS = 3600
MAX_BYTES = 32 * 1024 * 1024
"""Of the windows of one model; more columns than about 100, and they go back for less than an hour."""

T = TypeVar("T")


class Kept(Generic[T]):
    """``merge`` joins two, the earlier one first; ``size`` is in bytes."""

    def __init__(self, merge: Callable[[T, T], T], size: Callable[[T], int]) -> None:
        self._merge, self._size = merge, size
        self._short: deque[tuple[float, T, int]] = deque()
        """With their begin, and their size."""
        self._minutes: deque[tuple[float, T, int]] = deque()
        self._bytes = 0
        self._before: T | None = None
        """All that is in none of the short windows."""

    def add(self, start: float, window: T) -> None:
        """The window that began at ``start`` is over; those that are added rise in time."""
        size = self._size(window)
        self._short.append((start, window, size))
        self._bytes += size

    def age(self, now: float) -> None:
        """Joins and forgets what is old. It costs two merges a window that was added, never many at once."""
        while self._short and self._short[0][0] <= now - SHORT_SECONDS:
            self._join()
        while self._bytes > MAX_BYTES and (self._minutes or self._short):
            if not self._minutes:
                self._join()
            self._bytes -= self._minutes.popleft()[2]
        while self._minutes and self._minutes[0][0] < now - KEPT_SECONDS:
            self._bytes -= self._minutes.popleft()[2]

    def _join(self) -> None:
        start, window, size = self._short.popleft()
        self._before = window if self._before is None else self._merge(self._before, window)
        minute = start // MINUTE * MINUTE
        if self._minutes and self._minutes[-1][0] == minute:
            _, earlier, held = self._minutes.pop()
            window = self._merge(earlier, window)
            self._bytes -= size + held
            size = self._size(window)
            self._bytes += size
        self._minutes.append((minute, window, size))

    def between(self, start: float, end: float) -> list[tuple[float, float, T]]:
        """The windows that begin from ``start`` to before ``end`` (Unix seconds), oldest first, with begin and end."""
        found = [(at, at + MINUTE, window) for at, window, _ in self._minutes if start <= at < end]
        return found + [(at, at + SECONDS, window) for at, window, _ in self._short if start <= at < end]

    def whole(self) -> list[T]:
        """All that was ever added, in parts."""
        before = [] if self._before is None else [self._before]
        return [*before, *(window for _, window, _ in self._short)]
