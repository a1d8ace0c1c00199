"""Keeps closed time windows of anything mergeable: short windows for ten minutes, whole minutes for an hour."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from modelyard_api.wire.request_counts import WINDOW_SECONDS as SECONDS

SHORT_SECONDS = 600
"""Windows that began this many seconds ago are merged into whole minutes."""
MINUTE = 60
KEPT_SECONDS = 3600
MAX_BYTES = 32 * 1024 * 1024
"""Most bytes of the windows of one model. A model with more than about 100 columns keeps less than an hour."""

T = TypeVar("T")


class Kept(Generic[T]):
    """``merge`` takes the earlier window first; ``size`` returns bytes."""

    def __init__(self, merge: Callable[[T, T], T], size: Callable[[T], int]) -> None:
        self._merge, self._size = merge, size
        self._short: deque[tuple[float, T, int]] = deque()
        """(begin, window, size in bytes) of each; so in ``_minutes``."""
        self._minutes: deque[tuple[float, T, int]] = deque()
        self._bytes = 0
        self._before: T | None = None
        """``_before`` is the merge of all windows that are not in ``_short`` any more."""

    def add(self, start: float, window: T) -> None:
        """Adds a closed window that began at ``start``; windows must be added in order of time."""
        size = self._size(window)
        self._short.append((start, window, size))
        self._bytes += size

    def age(self, now: float) -> None:
        """Merges old windows into minutes and drops expired ones: two merges per added window, never many at once."""
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
            _, earlier, earlier_size = self._minutes.pop()
            window = self._merge(earlier, window)
            self._bytes -= size + earlier_size
            size = self._size(window)
            self._bytes += size
        self._minutes.append((minute, window, size))

    def between(self, start: float, end: float) -> list[tuple[float, float, T]]:
        """Returns (begin, end, window), oldest first, for each that begins in ``start`` <= t < ``end`` (Unix time)."""
        minutes = [(at, at + MINUTE, window) for at, window, _ in self._minutes if start <= at < end]
        return minutes + [(at, at + SECONDS, window) for at, window, _ in self._short if start <= at < end]

    def whole(self) -> list[T]:
        """Returns everything ever added, in parts to be merged."""
        before = [] if self._before is None else [self._before]
        return [*before, *(window for _, window, _ in self._short)]
