"""The server's Prometheus metrics.

The counts are plain numbers that only the event loop's thread writes, turned into metric families at a scrape: a
request takes no lock and looks up no label.
"""

from __future__ import annotations

import itertools
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from modelyard_api.wire.request_counts import LATENCY_BOUNDS, STEPS, Requests
from modelyard_server.history import History

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = LATENCY_BOUNDS[: 30 * STEPS + 1 : STEPS]
"""Upper bounds in seconds, 0.1 ms to 10 s, of the exported buckets, each the sum of finer ones: a quantile read from
them is at most 47 % too large."""
ROW_BUCKETS = tuple(2**power for power in range(17))
"""Upper bounds of the buckets for the rows of a request."""


class Counts:
    """Counts of the requests to one version of a model: since the process began, and by time window."""

    __slots__ = ("codes", "due", "history", "in_flight", "latencies", "row_buckets", "rows", "seconds")

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.in_flight = 0
        self.codes: dict[int, int] = {}
        self.rows = 0
        self.latencies = [0] * (len(LATENCY_BOUNDS) + 1)
        self.row_buckets = [0] * (len(ROW_BUCKETS) + 1)
        self.seconds = 0.0
        self.history = History(self.copy, clock)
        self.due = 0.0
        """``due`` is when the open window ends, on the clock of ``time.perf_counter``."""

    def count(self, code: int, began: float, ended: float, rows: int) -> None:
        """Counts one infer request: its HTTP code, when it came and was answered (``time.perf_counter``), and the rows
        answered."""
        if ended >= self.due:
            self.due = ended + self.history.roll()
        seconds = ended - began
        self.codes[code] = self.codes.get(code, 0) + 1
        self.latencies[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self.seconds += seconds
        if rows:
            self.rows += rows
            self.row_buckets[min((rows - 1).bit_length(), len(ROW_BUCKETS))] += 1

    def copy(self) -> Requests:
        """Returns the requests since the process began."""
        return Requests(dict(self.codes), {index: number for index, number in enumerate(self.latencies) if number})


class _Manifest(Protocol):
    @property
    def digest(self) -> str: ...


class _Model(Protocol):
    @property
    def manifest(self) -> _Manifest: ...


class _Observer(Protocol):
    failed: int


class Counted(Protocol):
    """The attributes of ``models.Slot`` that metrics read."""

    name: str
    version: str
    counts: Counts

    @property
    def model(self) -> _Model | None: ...

    @property
    def observer(self) -> _Observer | None: ...


class _Held(Protocol):
    bytes: int


class _Log(Protocol):
    rows: int
    dropped: int


class _Engine(Protocol):
    draining: bool

    @property
    def limiter(self) -> _Held: ...

    @property
    def payloads(self) -> _Log | None: ...


class Metrics(Collector):
    def __init__(self, slots: Iterable[Counted], engine: _Engine) -> None:
        self._slots, self._engine = slots, engine
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yields the metric families at the moment of a scrape."""
        labels = ["model", "version"]
        requests = CounterMetricFamily(
            "modelyard_server_requests", "Infer requests, by HTTP code.", labels=[*labels, "code"]
        )
        seconds = HistogramMetricFamily(
            "modelyard_server_request_duration_seconds", "Infer requests, by seconds.", labels=labels
        )
        rows = CounterMetricFamily("modelyard_server_rows", "Rows answered.", labels=labels)
        batches = HistogramMetricFamily(
            "modelyard_server_request_rows", "Answered infer requests, by their rows.", labels=labels
        )
        unobserved = CounterMetricFamily(
            "modelyard_server_unobserved_rows", "Rows that some sketch lacks, after an error.", labels=labels
        )
        in_flight = GaugeMetricFamily(
            "modelyard_server_requests_in_flight", "Infer requests being answered.", labels=labels
        )
        ready = GaugeMetricFamily("modelyard_server_ready", "1 while the model is ready to be asked.", labels=labels)
        info = InfoMetricFamily("modelyard_server_model", "The models that are served.", labels=labels)
        for slot in self._slots:
            values, counts = [slot.name, slot.version], slot.counts
            for code, number in sorted(counts.codes.items()):
                requests.add_metric([*values, str(code)], number)
            seconds.add_metric(values, _cumulative(BUCKETS, _coarse(counts.latencies)), counts.seconds)
            rows.add_metric(values, counts.rows)
            batches.add_metric(values, _cumulative(ROW_BUCKETS, counts.row_buckets), counts.rows)
            if slot.observer is not None:
                unobserved.add_metric(values, slot.observer.failed)
            in_flight.add_metric(values, counts.in_flight)
            ready.add_metric(values, int(slot.model is not None and not self._engine.draining))
            if slot.model is not None:
                info.add_metric(values, {"digest": slot.model.manifest.digest})
        held = GaugeMetricFamily("modelyard_server_body_bytes_in_flight", "Bytes of requests being answered.")
        held.add_metric([], self._engine.limiter.bytes)
        yield from (requests, seconds, rows, batches, in_flight, held, unobserved, ready, info)
        log = self._engine.payloads
        if log is not None:
            logged = CounterMetricFamily("modelyard_server_logged_rows", "Rows of the payload log.", labels=["result"])
            logged.add_metric(["written"], log.rows)
            logged.add_metric(["dropped"], log.dropped)
            yield logged

    def exposition(self) -> bytes:
        """Returns the answer to GET /metrics."""
        return generate_latest(self._registry)


def _cumulative(bounds: Iterable[float], numbers: list[int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for bound, number in zip((*map(str, bounds), "+Inf"), numbers, strict=True):
        total += number
        buckets.append((bound, float(total)))
    return buckets


def _coarse(numbers: list[int]) -> list[int]:
    """Sums the counts per bucket of LATENCY_BOUNDS to counts per bucket of BUCKETS, plus one above all of them."""
    edges = [0, *range(1, STEPS * len(BUCKETS), STEPS), len(numbers)]
    return [sum(numbers[start:end]) for start, end in itertools.pairwise(edges)]
