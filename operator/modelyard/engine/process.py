"""Assembles the operator's parts, starts them in order, and stops them so that running passes can finish."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from modelyard.engine import anyjson
from modelyard.engine.access import Access
from modelyard.engine.adopt import MANAGED_BY
from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.events import Recorder
from modelyard.engine.feed import Feed
from modelyard.engine.lease import DURATION, Lease
from modelyard.engine.metrics import Metrics
from modelyard.engine.plan import Controller
from modelyard.engine.queue import Queue
from modelyard.engine.reads import Reads
from modelyard.engine.reconcile import Reconciler
from modelyard.engine.resource import ENDPOINT_SLICES, JOBS, Object, Resource
from modelyard.engine.resync import INTERVAL, Fed, Resync
from modelyard.engine.route import Router
from modelyard.engine.store import Store
from modelyard.engine.streams import Streams
from modelyard.engine.web import Web
from modelyard_api import GROUP

DRAIN_SECONDS = 15.0
"""Time that running passes have to end after SIGTERM. The next leader completes what they leave undone."""
OVERDUE = 4
"""Number of resync intervals without a full list, or of ``silence`` periods, after which /livez fails."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Times:
    """Times in seconds. Tests that wait for them set shorter ones."""

    lease: float = DURATION
    """Duration of the lease without renewal."""
    resync: float = INTERVAL
    """Interval between full lists of a resource."""
    silence: float = 70.0
    """Longest silence of a watch. The API server sends a bookmark about every minute."""


@dataclass(frozen=True, slots=True)
class Settings:
    namespace: str
    """The operator's own namespace, which holds its Lease."""
    identity: str
    """The Lease's holder name. It survives a restart of the container and differs for every pod."""
    tracking_url: str
    namespaces: tuple[str, ...] = ()
    """The namespaces whose objects it reconciles. Empty means all."""
    port: int = 8080
    workers: int = 8
    lease_name: str = "modelyard-operator"
    times: Times = field(default_factory=Times)


class Process:
    """The running operator. ``start`` and ``stop`` are called once; in between kopf delivers events (``lifecycle``)."""

    def __init__(self, settings: Settings, configuration: Any, controllers: Iterable[Controller]) -> None:
        controllers = tuple(controllers)
        self._settings, self._configuration = settings, configuration
        self.kinds = frozenset(controller.resource for controller in controllers)
        self.metrics = Metrics()
        self.client = ApiClient(configuration, self.metrics.requested, may_write=lambda: self.lease.holds())
        self._lease_client = ApiClient(configuration, self.metrics.requested)
        times = settings.times
        lease = (settings.namespace, settings.lease_name)
        self.lease = Lease(self._lease_client, *lease, settings.identity, duration=times.lease)
        self.store = Store()
        self.feeds = feeds_of(controllers)
        self.resync = Resync(self.client, self.store, self.feeds, settings.namespaces, self.metrics, times.resync)
        self.streams = Streams(configuration, self.resync, self.kinds, times.silence, self.metrics.requested)
        children = {fed.resource for fed in self.feeds} - self.kinds
        self.feed = Feed(self.client, self.store, self.resync, children, times.silence)
        self.queue = Queue(turn=self.streams.events_first)
        self.recorder = Recorder(self.client, settings.identity, lambda: self.queue.depth() > 0)
        self._reads = Reads(self.client, settings.tracking_url, may_write=lambda: self.lease.holds())
        self._reconciler = Reconciler(
            controllers, self.store, self.client, self._reads, self.queue, self.recorder, self.metrics
        )
        self.web = Web(self.metrics, Access(self._lease_client, "/metrics"), self.live, self.ready, settings.port)
        self._workers: list[asyncio.Task[None]] = []
        self._background: list[asyncio.Task[None]] = []
        self._working = False
        self._set_up_store(controllers)
        self.metrics.watch_queue(self.queue)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces whose objects it reconciles. Empty means all."""
        return self._settings.namespaces

    def _set_up_store(self, controllers: tuple[Controller, ...]) -> None:
        self.store.project(JOBS, _without_containers)
        self.store.project(ENDPOINT_SLICES, _only_conditions)
        for fed in self.feeds:
            if fed.resource.group != GROUP and fed.resource != ENDPOINT_SLICES:
                self.store.attribute(fed.resource)
        for controller in controllers:
            for resource, indexes in controller.indexes().items():
                for name, function in indexes.items():
                    self.store.add_index(resource, name, function)
        router = Router(controllers, self.store, self.queue)
        self.store.listeners += [self.metrics.changed, router.changed]

    async def start(self) -> None:
        """Waits for CRDs and the lease, lists everything, starts the workers. Loss of the lease ends the process."""
        anyjson.allow_depth()
        await self.web.start()
        await self.resync.wait_until_served()
        await self._until_discovered()
        await self.lease.acquire()
        self._start_background(self.lease.keep)
        self.metrics.leading.set(1)
        await self.resync.first(self.lease.version)
        log.info("all is listed: %s", {str(fed.resource): self.store.count(fed.resource) for fed in self.feeds})
        # Exempt the existing objects from garbage collection: most of them stay, and each full one would walk them.
        gc.collect()
        gc.freeze()
        self._start_background(self.recorder.run)
        self._start_background(self.resync.run)
        self._start_background(self.feed.run)
        self._workers = [asyncio.create_task(self._reconciler.work()) for _ in range(self._settings.workers)]
        for worker in self._workers:
            worker.add_done_callback(_exit_on_failure)
        self.streams.begin()
        self._working = True

    async def stop(self) -> None:
        """Lets running passes finish, releases the lease, and closes all connections."""
        await self._drain()
        await self.web.close()
        await self._reads.close()
        await self.client.close()
        await self._lease_client.close()

    async def _until_discovered(self) -> None:
        """Waits until discovery names all our kinds: kopf reads it once, at its start."""
        for group, version in {(kind.group, kind.version) for kind in self.kinds}:
            plurals = {kind.plural for kind in self.kinds if (kind.group, kind.version) == (group, version)}
            while missing := plurals - await self._discovered(group, version):
                log.warning("waiting: discovery doesn't name %s of %s", sorted(missing), group)
                await asyncio.sleep(2)

    async def _discovered(self, group: str, version: str) -> set[str]:
        try:
            return await self.client.discovered(group, version)
        except ApiError as error:
            log.warning("can't read discovery of %s: %s", group, error)
            return set()

    def _start_background(self, coroutine: Callable[[], Awaitable[None]]) -> None:
        async def forever() -> None:
            await coroutine()

        task = asyncio.create_task(forever())
        task.add_done_callback(_exit_on_failure)
        self._background.append(task)

    async def _drain(self) -> None:
        if not self._background:
            return
        self._working = False
        self.queue.close()
        if self._workers:
            _, pending = await asyncio.wait(self._workers, timeout=DRAIN_SECONDS)
            for task in pending:
                log.warning("a pass did not end in %g s", DRAIN_SECONDS)
                task.cancel()
            await self.recorder.flush(2)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._workers, *self._background, return_exceptions=True)
        self._workers, self._background = [], []
        await self.lease.release()
        self.metrics.leading.set(0)
        log.info("stopped")

    def live(self) -> tuple[bool, str]:
        """Whether /livez passes, and its text."""
        if not self._working:
            return True, "not working yet"
        times, list_age, watch_age = self._settings.times, self.resync.age(), self.streams.age()
        live = list_age < OVERDUE * times.resync and watch_age < OVERDUE * times.silence
        text = f"{list_age:.0f} s since the last whole list, {watch_age:.0f} s since the last word of a watch of kopf's"
        return live, text

    def ready(self) -> tuple[bool, str]:
        """Whether /readyz passes, and its text. A standby reports ready: waiting for the lease is its job."""
        if self._working:
            return True, "leading"
        standing_by = self.lease.holder not in ("", self._settings.identity)
        return standing_by, f"standing by, {self.lease.holder} leads" if standing_by else "starting or stopping"


def feeds_of(controllers: Iterable[Controller]) -> tuple[Fed, ...]:
    """Returns what the store is fed: each controller's kind and its ``watches``; of foreign kinds only our children."""
    controllers = tuple(controllers)
    kinds = {controller.resource for controller in controllers}
    resources: dict[Resource, None] = {}
    for controller in controllers:
        resources |= dict.fromkeys((controller.resource, *controller.watches))
    children = f"{MANAGED_BY}=modelyard"
    return tuple(Fed(item, "" if item in kinds or item.group == GROUP else children) for item in resources)


def _without_containers(job: Object) -> Object:
    """Drops a Job's pod spec: it is most of the Job's size, and only the Job's creation needs it."""
    job.get("spec", {}).get("template", {}).pop("spec", None)
    return job


def _only_conditions(slice_: Object) -> Object:
    """Keeps only the endpoints' conditions: controllers count the ready ones, and addresses would take most space."""
    slice_["endpoints"] = [{"conditions": item.get("conditions")} for item in slice_.get("endpoints") or ()]
    return slice_


def _exit_on_failure(task: asyncio.Task[None]) -> None:
    """Ends the process if a background task failed: a process that lacks one must not look alive."""
    if task.cancelled() or (error := task.exception()) is None:
        return
    log.critical("a part of the operator ended", exc_info=error)
    os._exit(1)
