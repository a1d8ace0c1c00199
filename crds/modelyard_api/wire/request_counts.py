"""Counts a server's requests by HTTP code and by latency: exact counts that can be added over pods and time."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

WINDOW_SECONDS = 10
"""The length of a server's time windows: short, because the steps of a rollout begin and end at any time. Windows start
at multiples of it in Unix time, so that the windows of all pods match."""
CLIENT_GONE = 499
"""The code counted for a client that went away before its answer; nothing is sent."""
STEPS = 5
"""Latency buckets per Prometheus bucket: every STEPS-th of LATENCY_BOUNDS is a bound there."""
_COARSE = tuple(float(f"{0.0001 * 10 ** (step / 6):.2g}") for step in range(37))
LATENCY_BOUNDS: tuple[float, ...] = (
    *(low * (high / low) ** (step / STEPS) for low, high in itertools.pairwise(_COARSE) for step in range(STEPS)),
    _COARSE[-1],
)
"""Upper bounds in seconds, 0.1 ms to 100 s, each at most 8.5 % above the previous one: the accuracy of a quantile.
Bucket i counts latencies above bound i - 1 and at most bound i; a last bucket counts those above the last bound."""


@dataclass(frozen=True)
class Requests:
    """Counts of requests. ``codes`` is HTTP code -> requests, where a gRPC request counts by the equivalent HTTP code;
    ``latencies`` is bucket index -> requests, including failed ones. Neither holds zeros."""

    codes: dict[int, int] = field(default_factory=dict)
    latencies: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.codes.values())

    @property
    def errors(self) -> int:
        """The number of requests answered with a code of 500 or more."""
        return sum(number for code, number in self.codes.items() if code >= 500)

    @property
    def refusals(self) -> int:
        """The number of requests answered with a code of 400 to 499: by the answer the client is at fault.

        499 is left out: the client went away, and nothing was answered.
        """
        return sum(number for code, number in self.codes.items() if 400 <= code < CLIENT_GONE)

    def slower(self, seconds: float) -> int:
        """Returns how many requests certainly took longer than ``seconds``; buckets that begin below it don't count."""
        first = bisect_left(LATENCY_BOUNDS, seconds) + 1
        return sum(number for index, number in self.latencies.items() if index >= first)

    def quantile(self, rank: float) -> float | None:
        """Returns the seconds that a share ``rank`` (0 to 1) of the requests took at most, interpolated within the
        bucket; None if there were no requests."""
        target, below = rank * sum(self.latencies.values()), 0
        for index in sorted(self.latencies):
            number = self.latencies[index]
            if below + number >= target:
                low = LATENCY_BOUNDS[index - 1] if index else 0.0
                high = LATENCY_BOUNDS[min(index, len(LATENCY_BOUNDS) - 1)]
                return low + (high - low) * max(0.0, target - below) / number
            below += number
        return None


def bucket(seconds: float) -> int:
    """Returns the index of the bucket that counts ``seconds``."""
    return bisect_left(LATENCY_BOUNDS, seconds)


def add(parts: Iterable[Requests]) -> Requests:
    """Adds up the requests of pods and time windows."""
    codes: dict[int, int] = {}
    latencies: dict[int, int] = {}
    for part in parts:
        for code, number in part.codes.items():
            codes[code] = codes.get(code, 0) + number
        for index, number in part.latencies.items():
            latencies[index] = latencies.get(index, 0) + number
    return Requests(codes, latencies)


def read(document: dict[str, dict[str, int]]) -> Requests:
    """Reads a document of ``written``. Raises ValueError, KeyError, TypeError or AttributeError for any other."""
    codes = {int(code): number for code, number in document["codes"].items()}
    latencies = {int(index): number for index, number in document["latencies"].items()}
    if any(type(number) is not int or number < 0 for number in (*codes.values(), *latencies.values())):
        raise ValueError("requests that are no counts")
    if any(not 0 <= index <= len(LATENCY_BOUNDS) for index in latencies):
        raise ValueError("a latency's bucket that there is not")
    return Requests(codes, latencies)


def written(requests: Requests) -> dict[str, dict[str, int]]:
    """Returns the counts as a JSON document."""
    return {
        "codes": {str(code): number for code, number in sorted(requests.codes.items())},
        "latencies": {str(index): number for index, number in sorted(requests.latencies.items())},
    }
