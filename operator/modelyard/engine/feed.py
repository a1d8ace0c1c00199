"""Watch events into the store, from the version of the last whole list on, so that nothing between the two is missed.

Our kinds are watched by kopf (``on_events``). Their children are many, filtered by label and trimmed: they come by
light watches of our own (``Feed``). One that was cut goes on after the last version it saw. One that the API server
ends with an error, most often since its history no longer reaches back that far (410), goes on after a new list.
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

SHORT = 1.0
"""Seconds: a watch that ends sooner counts as a failed try."""

log = logging.getLogger(__name__)


def on_events(
    kinds: Iterable[Resource], namespaces: Collection[str], store: Store, registry: kopf.OperatorRegistry | None
) -> None:
    """Let kopf watch these kinds. It may see more namespaces than those (none: all) that are worked in."""

    async def changed(event: Any, namespace: str, param: Resource, **_: Any) -> None:
        if not namespaces or namespace in namespaces:
            take(store, param, event)

    for resource in kinds:
        kopf.on.event(resource.group, resource.version, resource.plural, param=resource, registry=registry)(changed)


def take(store: Store, resource: Resource, event: Object) -> None:
    """Never fails: of one object's sake the others must go on."""
    try:
        if event["type"] == "DELETED":
            store.deleted(resource, event["object"])
        else:
            store.apply(resource, event["object"])
    except Exception:
        log.exception("event of %s", resource)


class Feed:
    """A watch for each of these resources and namespaces, from ``run`` on; ``resync`` must have listed them before.

    A watch that says nothing for ``silence`` seconds, not even a bookmark, is begun anew.
    """

    def __init__(
        self, client: ApiClient, store: Store, resync: Resync, resources: Collection[Resource], silence: float
    ) -> None:
        self._client, self._store, self._resync, self._silence = client, store, resync, silence
        self._resources = resources

    async def run(self) -> None:
        """Watch for ever."""
        async with asyncio.TaskGroup() as tasks:
            for fed, namespace in self._resync.scopes():
                if fed.resource in self._resources:
                    tasks.create_task(self._follow(fed, namespace))

    async def _follow(self, fed: Fed, namespace: str | None) -> None:
        version, pauses = self._resync.version(fed, namespace), _pauses()
        while True:
            began = time.monotonic()
            try:
                async for event in self._client.watch(fed.resource, namespace, fed.selector, version, self._silence):
                    version = self._take(fed, event)
            except ApiError as error:
                log.info("the watch of %s ended: %s", fed.resource, error)
                if error.code:
                    await asyncio.sleep(next(pauses))
                    version = await self._resync.list_again(fed, namespace)
                    continue
            if time.monotonic() - began > SHORT:
                pauses = _pauses()
            else:
                await asyncio.sleep(next(pauses))

    def _take(self, fed: Fed, event: Object) -> int:
        """Returns the version that is known now."""
        if event["type"] != "BOOKMARK":
            take(self._store, fed.resource, event)
        return int(event["object"]["metadata"]["resourceVersion"])


def _pauses() -> Iterator[float]:
    yield from (0.2, 1, 2, 5)
    while True:
        yield 10
