"""How many requests a server answered, by HTTP code and by latency: exact counts that add up over pods and time."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

WINDOW_SECONDS = 10
"""The length of the windows that servers keep: short, since the steps of a rollout begin and end at any time. Windows
start at whole multiples of it in Unix time, so that those of several pods match."""
STEPS = 5
"""Buckets of a latency to one of Prometheus: their bounds are each STEPS-th of LATENCY_BOUNDS."""
_COARSE = tuple(float(f"{0.0001 * 10 ** (step / 6):.2g}") for step in range(37))
LATENCY_BOUNDS: tuple[float, ...] = (
    *(low * (high / low) ** (step / STEPS) for low, high in itertools.pairwise(_COARSE) for step in range(STEPS)),
    _COARSE[-1],
)
"""Upper bounds in seconds, 0.1 ms to 100 s, each at most 8.5 % above the one before: a quantile is known that well.
Bucket i holds what is above bound i - 1 and at most bound i; one more bucket holds what is above the last."""


@dataclass(frozen=True)
class Requests:
    """``codes``: HTTP code -> requests; a gRPC request counts by the code that HTTP would have. ``latencies``: index of
    the bucket -> requests, those that failed among them. Neither holds zeros."""

    codes: dict[int, int] = field(default_factory=dict)
    latencies: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.codes.values())

    @property
    def errors(self) -> int:
        """Those answered with a code of 500 and more."""
        return sum(number for code, number in self.codes.items() if code >= 500)

    def slower(self, seconds: float) -> int:
        """How many took longer than ``seconds`` for certain: those of a bucket that begins below it are left out."""
        first = bisect_left(LATENCY_BOUNDS, seconds) + 1
        return sum(number for index, number in self.latencies.items() if index >= first)

    def quantile(self, rank: float) -> float | None:
        """Seconds that a share ``rank`` (0 to 1) of the requests took at most, interpolated within its bucket; None
        when none came."""
        wanted, below = rank * sum(self.latencies.values()), 0
        for index in sorted(self.latencies):
            here = self.latencies[index]
            if below + here >= wanted:
                low = LATENCY_BOUNDS[index - 1] if index else 0.0
                high = LATENCY_BOUNDS[min(index, len(LATENCY_BOUNDS) - 1)]
                return low + (high - low) * max(0.0, wanted - below) / here
            below += here
        return None


def bucket(seconds: float) -> int:
    """The index of the bucket that holds ``seconds``."""
    return bisect_left(LATENCY_BOUNDS, seconds)


def add(parts: Iterable[Requests]) -> Requests:
    """Those of pods and time windows as one."""
    codes: dict[int, int] = {}
    latencies: dict[int, int] = {}
    for part in parts:
        for code, number in part.codes.items():
            codes[code] = codes.get(code, 0) + number
        for index, number in part.latencies.items():
            latencies[index] = latencies.get(index, 0) + number
    return Requests(codes, latencies)


def read(document: dict[str, dict[str, int]]) -> Requests:
    """Of the document that ``written`` makes. Raises ValueError, KeyError, TypeError or AttributeError for another."""
    codes = {int(code): number for code, number in document["codes"].items()}
    latencies = {int(index): number for index, number in document["latencies"].items()}
    if any(type(number) is not int or number < 0 for number in (*codes.values(), *latencies.values())):
        raise ValueError("requests that are no counts")
    if any(not 0 <= index <= len(LATENCY_BOUNDS) for index in latencies):
        raise ValueError("a latency's bucket that there is not")
    return Requests(codes, latencies)


def written(requests: Requests) -> dict[str, dict[str, int]]:
    """As JSON has it."""
    return {
        "codes": {str(code): number for code, number in sorted(requests.codes.items())},
        "latencies": {str(index): number for index, number in sorted(requests.latencies.items())},
    }
