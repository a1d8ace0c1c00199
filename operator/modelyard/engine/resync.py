"""Whole lists into the store: the truth that repairs what watches missed.

At start (before any worker), soon after kopf listed anew (then its watch had a gap, in which deletions go unreported),
and every few minutes because the first two can't see everything.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass

from modelyard.engine.gateway import ApiError, Gateway
from modelyard.engine.metrics import Metrics
from modelyard.engine.resource import Resource
from modelyard.engine.store import Store

INTERVAL = 300.0
"""Seconds between lists of one resource, with up to a fifth of jitter."""
QUIET, LONGEST_QUIET = 1.0, 10.0
"""Seconds: a hinted list starts when hints have ended for that long, or after the longest."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fed:
    """One resource that is kept in the store: only the objects that match the label selector."""

    resource: Resource
    selector: str = ""


class Resync:
    """``namespaces``: which to list, or empty for all."""

    def __init__(
        self, gateway: Gateway, store: Store, feeds: Iterable[Fed], namespaces: Iterable[str], metrics: Metrics
    ) -> None:
        self._gateway, self._store, self._metrics = gateway, store, metrics
        self._feeds = tuple(feeds)
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._hints = {fed.resource: asyncio.Event() for fed in self._feeds}
        self._listed: dict[Resource, float] = {}

    async def wait_until_served(self) -> None:
        """Until the API server serves every resource to us: CRDs may be installed after the operator."""
        for fed in self._feeds:
            while True:
                try:
                    async for _ in self._gateway.pages(fed.resource, self._namespaces[0], fed.selector, size=1):
                        break
                    break
                except ApiError as error:
                    what = "is not installed" if error.code == 404 else f"can't be listed: {error}"
                    log.warning("waiting: %s %s", fed.resource, what)
                    await asyncio.sleep(2)

    async def first(self) -> None:
        """The lists that come before any decision; tries until they worked."""
        async with asyncio.TaskGroup() as tasks:
            for fed in self._feeds:
                tasks.create_task(self._until_listed(fed))

    async def run(self) -> None:
        """List again and again, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for fed in self._feeds:
                tasks.create_task(self._repeat(fed))

    def hint(self, resource: Resource | None = None) -> None:
        """A watch (of this resource, or each) may have missed something: list soon."""
        for one, event in self._hints.items():
            if resource in (None, one):
                event.set()

    def age(self) -> float:
        """Seconds since the last whole list of the resource that was listed longest ago; infinite before the first."""
        if len(self._listed) < len(self._feeds):
            return float("inf")
        return time.monotonic() - min(self._listed.values(), default=time.monotonic())

    async def _repeat(self, fed: Fed) -> None:
        while True:
            await self._due(self._hints[fed.resource])
            repairs = await self._until_listed(fed)
            if repairs:
                log.info("a list of %s found %d changes that no watch event had told of", fed.resource, repairs)
                self._metrics.repairs.labels(str(fed.resource)).inc(repairs)

    @staticmethod
    async def _due(hint: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(INTERVAL * (1 + random.random() / 5)):
                await hint.wait()
        except TimeoutError:
            return
        ends = time.monotonic() + LONGEST_QUIET
        while hint.is_set() and time.monotonic() < ends:
            hint.clear()
            await asyncio.sleep(QUIET)
        hint.clear()

    async def _until_listed(self, fed: Fed) -> int:
        pause = 1.0
        while True:
            try:
                return await self._list(fed)
            except ApiError as error:
                log.warning("can't list %s, again in %.0f s: %s", fed.resource, pause, error)
            await asyncio.sleep(pause)
            pause = min(30.0, pause * 2)

    async def _list(self, fed: Fed) -> int:
        """One whole list of each namespace; returns how many changes it brought."""
        changes = 0
        for namespace in self._namespaces:
            seen: set[str] = set()
            version = 0
            async for page in self._gateway.pages(fed.resource, namespace, fed.selector):
                # Of the first page: later pages continue the same snapshot, or the list fails with 410.
                version = version or int(page["metadata"]["resourceVersion"])
                for obj in page["items"]:
                    seen.add(obj["metadata"]["uid"])
                    changes += self._store.apply(fed.resource, obj)
            changes += self._store.listed(fed.resource, namespace, seen, version)
        self._listed[fed.resource] = time.monotonic()
        self._metrics.listed(fed.resource)
        return changes
