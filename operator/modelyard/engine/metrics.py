"""The operator's own Prometheus metrics."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from modelyard.engine.client import Request
from modelyard.engine.object_metrics import ObjectMetrics
from modelyard.engine.queue import Queue
from modelyard.engine.resource import Key, Object, Resource

_BUCKET_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        # Only the library's global registry has these by itself.
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self._depth = Gauge("modelyard_queue_depth", "Objects that wait for a worker.", registry=registry)
        self._running = Gauge("modelyard_passes_running", "Objects that workers are at.", registry=registry)
        self.reconcile_seconds = Histogram(
            "modelyard_reconcile_seconds", "Duration of a pass.", ["kind"], buckets=_BUCKET_SECONDS, registry=registry
        )
        self.reconcile_errors = Counter(
            "modelyard_reconcile_errors", "Passes that ended in an error.", ["kind"], registry=registry
        )
        self._requests = Counter(
            "modelyard_api_requests",
            "Requests to the API server; code 0: no answer.",
            ["verb", "resource", "code"],
            registry=registry,
        )
        self._objects = Gauge(
            "modelyard_objects",
            "Objects by kind, and by phase or reason of Ready.",
            ["kind", "state"],
            registry=registry,
        )
        self._since_list = Gauge(
            "modelyard_seconds_since_list", "Seconds since the last whole list.", ["resource"], registry=registry
        )
        self.repairs = Counter(
            "modelyard_list_repairs",
            "Changes found by a list before any watch event told of them.",
            ["resource"],
            registry=registry,
        )
        self.leading = Gauge("modelyard_leading", "1 while this process holds the lease.", registry=registry)
        self._of_objects = ObjectMetrics()

    def requested(self, request: Request, code: int) -> None:
        self._requests.labels(request.verb, request.resource, str(code)).inc()

    def watch_queue(self, queue: Queue) -> None:
        self._depth.set_function(queue.depth)
        self._running.set_function(queue.held)

    def listed(self, resource: Resource) -> None:
        listed_at = time.monotonic()
        self._since_list.labels(str(resource)).set_function(lambda: time.monotonic() - listed_at)

    def changed(self, resource: Resource, before: Object | None, after: Object | None, writer: Key | None) -> None:
        """Updates the metrics of an object, and the counts of objects by state. It is one of the store's listeners."""
        self._of_objects.changed(resource, before, after, writer)
        old, new = _state(before), _state(after)
        if old == new:
            return
        if old is not None:
            self._objects.labels(resource.kind, old).dec()
        if new is not None:
            self._objects.labels(resource.kind, new).inc()

    def page(self) -> bytes:
        return generate_latest(self.registry) + self._of_objects.page()


def _state(obj: Object | None) -> str | None:
    """Returns the phase, else Suspended, else the reason of the Ready condition, else an empty string.

    It is None without an object.
    """
    if obj is None:
        return None
    status = obj.get("status") or {}
    if phase := status.get("phase"):
        return str(phase)
    reasons = {item.get("type"): item.get("reason") for item in status.get("conditions") or ()}
    return str(reasons.get("Suspended") or reasons.get("Ready") or "")
