"""The server's Prometheus metrics.

Plain numbers that only the event loop's thread writes, turned into metric families when they are scraped: no lock
and no label look-up on the way of a request.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

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

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds."""
CLIENT_GONE = 499
"""Counted when the client went away before its answer; nothing is sent."""


class Metrics(Collector):
    def __init__(self, model: str, version: str) -> None:
        self.in_flight = 0
        self.ready = False
        self.digest = ""
        self._labels = {"model": model, "version": version}
        self._codes: dict[int, int] = {}
        self._rows = 0
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def count(self, code: int, seconds: float, rows: int) -> None:
        """One infer request: its HTTP code, how long it took with its body's arrival, the rows it answered."""
        self._codes[code] = self._codes.get(code, 0) + 1
        self._buckets[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds
        self._rows += rows

    def collect(self) -> Iterator[Metric]:
        """The families, at the moment of a scrape."""
        requests = CounterMetricFamily(
            "modelyard_server_requests", "Infer requests, by HTTP code.", labels=[*self._labels, "code"]
        )
        for code, number in sorted(self._codes.items()):
            requests.add_metric([*self._labels.values(), str(code)], number)
        yield requests
        cumulative, buckets = 0, []
        for bound, number in zip((*map(str, BUCKETS), "+Inf"), self._buckets, strict=True):
            cumulative += number
            buckets.append((bound, cumulative))
        seconds = HistogramMetricFamily(
            "modelyard_server_request_duration_seconds", "Infer requests, by seconds.", labels=list(self._labels)
        )
        seconds.add_metric(list(self._labels.values()), buckets, self._seconds)
        yield seconds
        rows = CounterMetricFamily("modelyard_server_rows", "Rows answered.", labels=list(self._labels))
        rows.add_metric(list(self._labels.values()), self._rows)
        yield rows
        for name, text, value in (
            ("modelyard_server_requests_in_flight", "Infer requests being answered.", self.in_flight),
            ("modelyard_server_ready", "1 while the server is ready.", int(self.ready)),
        ):
            gauge = GaugeMetricFamily(name, text, labels=list(self._labels))
            gauge.add_metric(list(self._labels.values()), value)
            yield gauge
        if self.digest:
            info = InfoMetricFamily("modelyard_server_model", "The model that is served.")
            info.add_metric([], self._labels | {"digest": self.digest})
            yield info

    def exposition(self) -> bytes:
        """The answer to GET /metrics."""
        return generate_latest(self._registry)
