"""Puts watch events into the store, starting at the version of the last full list, so that no change is missed.

kopf watches our kinds (``on_events``). Their children are many, filtered by label and trimmed, so lighter watches of
our own read them (``Feed``). A watch that was cut resumes after the last version it saw. A watch that the API server
ends with an error, most often because its history no longer reaches back that far (410), resumes after a new list.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import kopf

from modelyard.engine.client import ApiClient, ApiError
from modelyard.engine.resource import Object, Resource
from modelyard.engine.resync import Fed, Resync
from modelyard.engine.store import Store

SHORTEST_WATCH = 1.0
"""A watch that ends within this many seconds counts as failed, and the next one starts after a pause."""

log = logging.getLogger(__name__)


def on_events(
    kinds: Iterable[Resource], namespaces: Collection[str], store: Store, registry: kopf.OperatorRegistry | None
) -> None:
    """Makes kopf watch these kinds. Events of other namespaces are ignored; empty ``namespaces`` means all."""

    async def changed(event: Any, namespace: str, param: Resource, **_: Any) -> None:
        if not namespaces or namespace in namespaces:
            take(store, param, event)

    for resource in kinds:
        kopf.on.event(resource.group, resource.version, resource.plural, param=resource, registry=registry)(changed)


def take(store: Store, resource: Resource, event: Object) -> None:
    """Puts one event into the store. Logs every exception: one bad object must not stop the watch of the others."""
    try:
        if event["type"] == "DELETED":
            store.deleted(resource, event["object"])
        else:
            store.apply(resource, event["object"])
    except Exception:
        log.exception("event of %s", resource)


class Feed:
    """Watches each of these resources in each namespace; ``resync`` must have listed them before ``run``.

    A watch that sends nothing for ``silence`` seconds, not even a bookmark, is restarted.
    """

    def __init__(
        self, client: ApiClient, store: Store, resync: Resync, resources: Collection[Resource], silence: float
    ) -> None:
        self._client, self._store, self._resync, self._silence = client, store, resync, silence
        self._resources = resources

    async def run(self) -> None:
        """Watches until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for fed, namespace in self._resync.scopes():
                if fed.resource in self._resources:
                    tasks.create_task(self._follow(fed, namespace))

    async def _follow(self, fed: Fed, namespace: str | None) -> None:
        version, pauses = self._resync.version(fed, namespace), _pauses()
        while True:
            started = time.monotonic()
            try:
                async for event in self._client.watch(fed.resource, namespace, fed.selector, version, self._silence):
                    version = self._take(fed, event)
            except ApiError as error:
                log.info("the watch of %s ended: %s", fed.resource, error)
                if error.code:
                    await asyncio.sleep(next(pauses))
                    version = await self._resync.list_again(fed, namespace)
                    continue
            if time.monotonic() - started > SHORTEST_WATCH:
                pauses = _pauses()
            else:
                await asyncio.sleep(next(pauses))

    def _take(self, fed: Fed, event: Object) -> int:
        """Puts an event into the store, and returns the resourceVersion to resume from."""
        if event["type"] != "BOOKMARK":
            take(self._store, fed.resource, event)
        return int(event["object"]["metadata"]["resourceVersion"])


def _pauses() -> Iterator[float]:
    """Yields the seconds to wait before each further attempt."""
    yield from (0.2, 1, 2, 5)
    while True:
        yield 10
