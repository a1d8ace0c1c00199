"""The running operator: its parts put together, started in order, and stopped so that nothing is left half done."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from modelyard.engine import anyjson
from modelyard.engine.apply import MANAGED_BY
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
"""How long passes may take to end after SIGTERM; the next leader repairs what they leave."""
LATE = 4
"""Intervals without a whole list, or times of silence of a watch, after which the process counts as dead."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. Tests that wait for them to go by have shorter ones."""

    lease: float = DURATION
    """That the lease holds without being renewed."""
    resync: float = INTERVAL
    """Between whole lists of a resource."""
    silence: float = 70.0
    """That a watch may say nothing; the API server sends a bookmark about every minute."""


@dataclass(frozen=True, slots=True)
class Settings:
    namespace: str
    """The operator's own: its Lease lies there."""
    identity: str
    """The Lease's holder; the same after a restart of the container, different for every other pod."""
    tracking_url: str
    namespaces: tuple[str, ...] = ()
    """Those it works in; empty: all."""
    port: int = 8080
    workers: int = 8
    lease_name: str = "modelyard-operator"
    times: Times = field(default_factory=Times)


class Process:
    """``start`` it and ``stop`` it once; in between kopf tells it of its kinds (``lifecycle``)."""

    def __init__(self, settings: Settings, configuration: Any, controllers: Iterable[Controller]) -> None:
        controllers = tuple(controllers)
        self._settings, self._configuration = settings, configuration
        self.kinds = frozenset(controller.resource for controller in controllers)
        self.metrics = Metrics()
        self.client = ApiClient(configuration, self.metrics.requested, may_write=lambda: self.lease.holds())
        self._lease_client = ApiClient(configuration, self.metrics.requested)
        times = settings.times
        where = (settings.namespace, settings.lease_name)
        self.lease = Lease(self._lease_client, *where, settings.identity, duration=times.lease)
        self.store = Store()
        self.feeds = feeds_of(controllers)
        self.resync = Resync(self.client, self.store, self.feeds, settings.namespaces, self.metrics, times.resync)
        self.streams = Streams(configuration, self.resync, self.kinds, times.silence, self.metrics.requested)
        children = {fed.resource for fed in self.feeds} - self.kinds
        self.feed = Feed(self.client, self.store, self.resync, children, times.silence)
        self.queue = Queue(turn=self.streams.events_first)
        self.recorder = Recorder(self.client, settings.identity, lambda: self.queue.depth() > 0)
        self._reads = Reads(self.client, settings.tracking_url)
        self._reconciler = Reconciler(
            controllers, self.store, self.client, self._reads, self.queue, self.recorder, self.metrics
        )
        self.web = Web(self.metrics, self.live, self.ready, settings.port)
        self._workers: list[asyncio.Task[None]] = []
        self._others: list[asyncio.Task[None]] = []
        self._working = False
        self._keep_in_store(controllers)
        self.metrics.watch_queue(self.queue)

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Those it works in; empty: all."""
        return self._settings.namespaces

    def _keep_in_store(self, controllers: tuple[Controller, ...]) -> None:
        self.store.project(JOBS, _without_containers)
        self.store.project(ENDPOINT_SLICES, _conditions_alone)
        for controller in controllers:
            for resource, indexes in controller.indexes().items():
                for name, function in indexes.items():
                    self.store.add_index(resource, name, function)
        router = Router(controllers, self.store, self.queue)
        self.store.listeners += [self.metrics.changed, router.changed]

    async def start(self) -> None:
        """Wait for CRDs and the lease, list everything, then work. A lease that is lost ends the process at once."""
        anyjson.allow_depth()
        await self.web.start()
        await self.resync.wait_until_served()
        await self._until_discovered()
        await self.lease.acquire()
        self._start(self.lease.keep)
        self.metrics.leading.set(1)
        await self.resync.first(self.lease.version)
        log.info("all is listed: %s", {str(fed.resource): self.store.count(fed.resource) for fed in self.feeds})
        # What lives this long mostly stays; a full collection would walk it again and again.
        gc.collect()
        gc.freeze()
        self._start(self.recorder.run)
        self._start(self.resync.run)
        self._start(self.feed.run)
        self._workers = [asyncio.create_task(self._reconciler.work()) for _ in range(self._settings.workers)]
        for worker in self._workers:
            worker.add_done_callback(_must_end_well)
        self.streams.begin()
        self._working = True

    async def stop(self) -> None:
        """Let the passes that run come to their end, give up the lease, and leave nothing open."""
        await self._drain()
        await self.web.close()
        await self._reads.close()
        await self.client.close()
        await self._lease_client.close()

    async def _until_discovered(self) -> None:
        """kopf watches what discovery names when it starts, and never looks again."""
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

    def _start(self, coroutine: Callable[[], Awaitable[None]]) -> None:
        async def forever() -> None:
            await coroutine()

        task = asyncio.create_task(forever())
        task.add_done_callback(_must_end_well)
        self._others.append(task)

    async def _drain(self) -> None:
        if not self._others:
            return
        self._working = False
        self.queue.close()
        if self._workers:
            _, pending = await asyncio.wait(self._workers, timeout=DRAIN_SECONDS)
            for task in pending:
                log.warning("a pass did not end in %g s", DRAIN_SECONDS)
                task.cancel()
            await self.recorder.flush(2)
        for task in self._others:
            task.cancel()
        await asyncio.gather(*self._workers, *self._others, return_exceptions=True)
        self._workers, self._others = [], []
        await self.lease.release()
        self.metrics.leading.set(0)
        log.info("stopped")

    def live(self) -> tuple[bool, str]:
        if not self._working:
            return True, "not working yet"
        times, listed, heard = self._settings.times, self.resync.age(), self.streams.age()
        live = listed < LATE * times.resync and heard < LATE * times.silence
        return live, f"{listed:.0f} s since the last whole list, {heard:.0f} s since the last word of a watch of kopf's"

    def ready(self) -> tuple[bool, str]:
        """A standby is ready too: it does what it is there for."""
        if self._working:
            return True, "leading"
        standing_by = self.lease.holder not in ("", self._settings.identity)
        return standing_by, f"standing by, {self.lease.holder} leads" if standing_by else "starting or stopping"


def feeds_of(controllers: Iterable[Controller]) -> tuple[Fed, ...]:
    """What is fed: each controller's own kind and what it watches; of kinds that aren't ours, our children only."""
    controllers = tuple(controllers)
    kinds = {controller.resource for controller in controllers}
    resources: dict[Resource, None] = {}
    for controller in controllers:
        resources |= dict.fromkeys((controller.resource, *controller.watches))
    return tuple(Fed(one, "" if one in kinds or one.group == GROUP else f"{MANAGED_BY}=modelyard") for one in resources)


def _without_containers(job: Object) -> Object:
    """A Job's pods are made once: nobody reads their spec again, and it is most of a Job."""
    job.get("spec", {}).get("template", {}).pop("spec", None)
    return job


def _conditions_alone(found: Object) -> Object:
    """Of a Service's endpoints only how many are ready is asked for: most of a great one would be addresses."""
    found["endpoints"] = [{"conditions": one.get("conditions")} for one in found.get("endpoints") or ()]
    return found


def _must_end_well(task: asyncio.Task[None]) -> None:
    """A part of the operator that dies alone must not leave a process that looks alive."""
    if task.cancelled() or (error := task.exception()) is None:
        return
    log.critical("a part of the operator ended", exc_info=error)
    os._exit(1)
