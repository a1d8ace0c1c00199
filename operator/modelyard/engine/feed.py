"""Watch events into the store, from the version of the last whole list on, so that nothing between the two is missed.

A watch that was cut goes on after the last version it saw. One that the API server ends with an error, most often since
its history no longer reaches back that far (410), goes on after a new list.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator

from modelyard.engine.client import ApiError, Gateway
from modelyard.engine.resource import Object
from modelyard.engine.resync import Fed, Resync
from modelyard.engine.store import Store

SHORT = 1.0
"""Seconds: a watch that ends sooner counts as a failed try."""

log = logging.getLogger(__name__)


class Feed:
    """One for each resource and namespace, from ``run`` on; ``resync`` must have listed all of them before.

    A watch that says nothing for ``silence`` seconds, not even a bookmark, is begun anew.
    """

    def __init__(self, gateway: Gateway, store: Store, resync: Resync, silence: float) -> None:
        self._gateway, self._store, self._resync, self._silence = gateway, store, resync, silence

    async def run(self) -> None:
        """Watch for ever."""
        async with asyncio.TaskGroup() as tasks:
            for fed, namespace in self._resync.scopes():
                tasks.create_task(self._follow(fed, namespace))

    async def _follow(self, fed: Fed, namespace: str | None) -> None:
        version, pauses = self._resync.version(fed, namespace), _pauses()
        while True:
            began = time.monotonic()
            try:
                async for event in self._gateway.watch(fed.resource, namespace, fed.selector, version, self._silence):
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
        obj = event["object"]
        try:
            if event["type"] == "DELETED":
                self._store.deleted(fed.resource, obj)
            elif event["type"] != "BOOKMARK":
                self._store.apply(fed.resource, obj)
        except Exception:  # of one object: the others must go on
            log.exception("event of %s", fed.resource)
        return int(obj["metadata"]["resourceVersion"])


def _pauses() -> Iterator[float]:
    yield from (0.2, 1, 2, 5)
    while True:
        yield 10
