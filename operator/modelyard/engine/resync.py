"""Puts full lists into the store, which repairs what watches missed.

Lists are made at the start (before any worker), when a watch can't resume, and every few minutes in case an event was
lost.
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
"""Seconds between lists of one resource, plus up to a fifth of jitter."""
FIRST_PAUSE, LAST_PAUSE = 1.0, 30.0
"""Seconds before a failed list is tried again: the first pause, doubled up to the last."""
LONGEST_DISTRUST = 60.0
"""Seconds after which a list is accepted although it is older than it should be: versions of two resources can't be
compared if the API server stores them in different etcds."""

log = logging.getLogger(__name__)


class OutdatedList(Exception):
    """The list is older than a version that the API server has returned before."""


@dataclass(frozen=True, slots=True)
class Fed:
    """One resource that is listed and watched into the store. Only objects that match the label selector are."""

    resource: Resource
    selector: str = ""


class Resync:
    """Lists the fed resources in each of ``namespaces``; empty means all."""

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
        self._oldest_version, self._accepts_any_at = 0, 0.0

    async def wait_until_served(self) -> None:
        """Waits until the API server serves every resource to us: CRDs may be installed after the operator."""
        for fed in self._feeds:
            while True:
                try:
                    async for _ in self._client.pages(fed.resource, self._namespaces[0], fed.selector, size=1):
                        break
                    break
                except ApiError as error:
                    problem = "is not installed" if error.code == 404 else f"can't be listed: {error}"
                    log.warning("waiting: %s %s", fed.resource, problem)
                    await asyncio.sleep(2)

    async def first(self, since: int) -> None:
        """Makes the lists that come before any decision, and retries until they succeed.

        They must be at least as new as version ``since``, the lease's when it was taken: with a list that lacks the
        last leader's writes, some objects would be created twice. An API server that is behind catches up soon.
        """
        self._oldest_version, self._accepts_any_at = since, time.monotonic() + LONGEST_DISTRUST
        async with asyncio.TaskGroup() as tasks:
            for fed in self._feeds:
                tasks.create_task(self._until_listed(fed, self._namespaces))

    async def run(self) -> None:
        """Lists at every interval, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for fed in self._feeds:
                tasks.create_task(self._repeat(fed))

    def scopes(self) -> Iterator[tuple[Fed, str | None]]:
        """Yields what each list covers: a resource in one namespace (None means all)."""
        return ((fed, namespace) for fed in self._feeds for namespace in self._namespaces)

    def version(self, fed: Fed, namespace: str | None) -> int:
        """Returns the version of the last full list: a watch from there misses nothing. Raises KeyError before it."""
        return self._versions[fed.resource, namespace]

    async def list_again(self, fed: Fed, namespace: str | None) -> int:
        """Lists now, retries until it succeeds, and returns the list's version."""
        await self._list_and_report(fed, (namespace,))
        return self.version(fed, namespace)

    def age(self) -> float:
        """Returns the seconds since the oldest of the last full lists; infinite until each was made once."""
        if len(self._listed) < len(self._feeds) * len(self._namespaces):
            return float("inf")
        return time.monotonic() - min(self._listed.values(), default=time.monotonic())

    async def _repeat(self, fed: Fed) -> None:
        while True:
            await asyncio.sleep(self._interval * (1 + random.random() / 5))
            await self._list_and_report(fed, self._namespaces)

    async def _list_and_report(self, fed: Fed, namespaces: Iterable[str | None]) -> None:
        if repairs := await self._until_listed(fed, namespaces):
            log.info("a list of %s found %d changes that no watch event had told of", fed.resource, repairs)
            self._metrics.repairs.labels(str(fed.resource)).inc(repairs)

    async def _until_listed(self, fed: Fed, namespaces: Iterable[str | None]) -> int:
        """Lists these namespaces, retries until it succeeds, and returns the number of changes."""
        changes = 0
        for namespace in namespaces:
            changes += await self._until_namespace_listed(fed, namespace)
        return changes

    async def _until_namespace_listed(self, fed: Fed, namespace: str | None) -> int:
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._list(fed, namespace)
            except (ApiError, OutdatedList) as error:
                log.warning("can't list %s, again in %.0f s: %s", fed.resource, pause, error)
            await asyncio.sleep(pause)
            pause = min(LAST_PAUSE, pause * 2)

    async def _list(self, fed: Fed, namespace: str | None) -> int:
        """Makes one full list, and returns the number of changes."""
        changes = version = 0
        uids: set[str] = set()
        async for page in self._client.pages(fed.resource, namespace, fed.selector):
            # The first page's version holds: later pages continue the same snapshot, or the list fails with 410.
            version = version or int(page["metadata"]["resourceVersion"])
            if version < self._oldest_version and time.monotonic() < self._accepts_any_at:
                raise OutdatedList(f"it is of version {version}, and {self._oldest_version} was there before")
            for obj in page["items"]:
                uids.add(obj["metadata"]["uid"])
                changes += self._store.apply(fed.resource, obj)
        changes += self._store.listed(fed.resource, namespace, uids, version)
        self._versions[fed.resource, namespace] = version
        self._listed[fed.resource, namespace] = time.monotonic()
        self._metrics.listed(fed.resource)
        return changes
