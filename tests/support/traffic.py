"""Simulates what model servers count of random traffic, with real sketches and histograms."""

from __future__ import annotations

from dataclasses import dataclass, field

import datasketches
import numpy as np
from numpy.typing import NDArray

from modelyard_api.wire.request_counts import LATENCY_BOUNDS, Requests
from modelyard_api.wire.sketches import FREQUENT_LG_SIZE, KLL_K, Column, Sketches

LABELS = ("adelie", "chinstrap", "gentoo")


@dataclass(frozen=True)
class Version:
    """How a version behaves.

    ``errors`` is the share of requests that fail. Latencies are lognormal, with ``median`` in seconds and ``sigma``.
    ``labels`` are the shares of LABELS; the first label's probability follows a beta distribution with ``mean``.
    """

    errors: float = 0.01
    median: float = 0.004
    sigma: float = 0.5
    labels: tuple[float, float, float] = (0.5, 0.3, 0.2)
    mean: float = 0.5


@dataclass
class Server:
    """The counts of one version's server since the beginning of a step."""

    version: Version
    random: np.random.Generator
    requests: int = 0
    errors: int = 0
    latencies: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(LATENCY_BOUNDS) + 1, np.int64))

    def __post_init__(self) -> None:
        self._frequent = datasketches.frequent_strings_sketch(FREQUENT_LG_SIZE)
        self._numbers = datasketches.kll_floats_sketch(KLL_K)

    def answer(self, requests: int) -> None:
        """Counts that many more requests. Each has one row, but a failed one counts no row."""
        version, random = self.version, self.random
        self.requests += requests
        failed = int(random.binomial(requests, version.errors))
        self.errors += failed
        seconds = random.lognormal(np.log(version.median), version.sigma, requests)
        self.latencies += np.bincount(np.searchsorted(LATENCY_BOUNDS, seconds), minlength=len(LATENCY_BOUNDS) + 1)
        answered = requests - failed
        for label, number in zip(LABELS, random.multinomial(answered, version.labels).tolist(), strict=True):
            if number:
                self._frequent.update(label, number)
        self._numbers.update(random.beta(4 * version.mean, 4 * (1 - version.mean), answered).astype(np.float32))

    def sketches(self) -> Sketches:
        rows = self.requests - self.errors
        columns = (
            Column("label", "Output", "Text", rows, 0, None, None, bytes(self._frequent.serialize())),
            Column("probabilities[adelie]", "Output", "Number", rows, 0, None, bytes(self._numbers.serialize())),
        )
        codes = {code: number for code, number in ((200, rows), (500, self.errors)) if number}
        latencies = {index: int(number) for index, number in enumerate(self.latencies.tolist()) if number}
        return Sketches("m", "1", "sha256:1", 0.0, 60.0, rows, columns, Requests(codes, latencies))
