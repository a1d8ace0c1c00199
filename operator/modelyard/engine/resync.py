"""Whole lists into the store: the truth that repairs what watches missed.

At start (before any worker), when a watch can't go on from where it was, and every few minutes in case that an event
was lost on its way.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.metrics import Metrics
from modelyard.engine.resource import Resource
from modelyard.engine.store import Store

INTERVAL = 300.0
"""Seconds between lists of one resource, with up to a fifth of jitter."""
FIRST_PAUSE, LAST_PAUSE = 1.0, 30.0
"""Seconds until a list that failed is asked for again."""
DISBELIEF = 60.0
"""Seconds after which a list is taken although it is older than it should be: the versions of two resources can't be
compared where an API server keeps them in different etcds."""

log = logging.getLogger(__name__)


class FromThePast(Exception):
    """A list that is older than what the API server has told us before."""


@dataclass(frozen=True, slots=True)
class Fed:
    """One resource that is kept in the store: only the objects that match the label selector."""

    resource: Resource
    selector: str = ""


class Resync:
    """``namespaces``: which to list, or empty for all."""

    def __init__(
        self,
        client: ApiClient,
        store: Store,
        feeds: Iterable[Fed],
        namespaces: Iterable[str],
        metrics: Metrics,
        interval: float = INTERVAL,
    ) -> None:
        self._client, self._store, self._metrics, self._interval = client, store, metrics, interval
        self._feeds = tuple(feeds)
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._versions: dict[tuple[Resource, str | None], int] = {}
        self._listed: dict[tuple[Resource, str | None], float] = {}
        self._since, self._believes_at = 0, 0.0

    async def wait_until_served(self) -> None:
        """Until the API server serves every resource to us: CRDs may be installed after the operator."""
        for fed in self._feeds:
            while True:
                try:
                    async for _ in self._client.pages(fed.resource, self._namespaces[0], fed.selector, size=1):
                        break
                    break
                except ApiError as error:
                    what = "is not installed" if error.code == 404 else f"can't be listed: {error}"
                    log.warning("waiting: %s %s", fed.resource, what)
                    await asyncio.sleep(2)

    async def first(self, since: int) -> None:
        """The lists that come before any decision; tries until they worked.

        They must be as new as version ``since``, that of the lease when it was taken: a list that lacks what the last
        leader wrote would make some of it a second time. An API server that is behind catches up soon.
        """
        self._since, self._believes_at = since, time.monotonic() + DISBELIEF
        async with asyncio.TaskGroup() as tasks:
            for fed in self._feeds:
                tasks.create_task(self._until_listed(fed, self._namespaces))

    async def run(self) -> None:
        """List again and again, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for fed in self._feeds:
                tasks.create_task(self._repeat(fed))

    def scopes(self) -> Iterator[tuple[Fed, str | None]]:
        """What is listed by itself: each resource, in each namespace (None: all)."""
        return ((fed, namespace) for fed in self._feeds for namespace in self._namespaces)

    def version(self, fed: Fed, namespace: str | None) -> int:
        """Of its last whole list: a watch from there on misses nothing. KeyError before the first."""
        return self._versions[fed.resource, namespace]

    async def list_again(self, fed: Fed, namespace: str | None) -> int:
        """List now, as often as it takes; returns the version."""
        await self._repaired(fed, (namespace,))
        return self.version(fed, namespace)

    def age(self) -> float:
        """Seconds since the last whole list of what was listed longest ago; infinite before the first."""
        if len(self._listed) < len(self._feeds) * len(self._namespaces):
            return float("inf")
        return time.monotonic() - min(self._listed.values(), default=time.monotonic())

    async def _repeat(self, fed: Fed) -> None:
        while True:
            await asyncio.sleep(self._interval * (1 + random.random() / 5))
            await self._repaired(fed, self._namespaces)

    async def _repaired(self, fed: Fed, namespaces: Iterable[str | None]) -> None:
        if repairs := await self._until_listed(fed, namespaces):
            log.info("a list of %s found %d changes that no watch event had told of", fed.resource, repairs)
            self._metrics.repairs.labels(str(fed.resource)).inc(repairs)

    async def _until_listed(self, fed: Fed, namespaces: Iterable[str | None]) -> int:
        """Lists these namespaces, as often as it takes; returns how many changes that brought."""
        changes = 0
        for namespace in namespaces:
            changes += await self._until_one_listed(fed, namespace)
        return changes

    async def _until_one_listed(self, fed: Fed, namespace: str | None) -> int:
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._list(fed, namespace)
            except (ApiError, FromThePast) as error:
                log.warning("can't list %s, again in %.0f s: %s", fed.resource, pause, error)
            await asyncio.sleep(pause)
            pause = min(LAST_PAUSE, pause * 2)

    async def _list(self, fed: Fed, namespace: str | None) -> int:
        """One whole list; returns how many changes it brought."""
        changes = version = 0
        seen: set[str] = set()
        async for page in self._client.pages(fed.resource, namespace, fed.selector):
            # Of the first page: later pages continue the same snapshot, or the list fails with 410.
            version = version or int(page["metadata"]["resourceVersion"])
            if version < self._since and time.monotonic() < self._believes_at:
                raise FromThePast(f"it is of version {version}, and {self._since} was there before")
            for obj in page["items"]:
                seen.add(obj["metadata"]["uid"])
                changes += self._store.apply(fed.resource, obj)
        changes += self._store.listed(fed.resource, namespace, seen, version)
        self._versions[fed.resource, namespace] = version
        self._listed[fed.resource, namespace] = time.monotonic()
        self._metrics.listed(fed.resource)
        return changes
