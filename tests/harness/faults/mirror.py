"""A live copy of the cluster's objects, kept by watches of all namespaces, for the scenarios and the actors."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.harness.faults.resources import RESOURCES, Object, path
from tests.support.api import Api


class Mirror:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._objects: dict[tuple[str, str], dict[str, Object]] = defaultdict(dict)
        """(Resource, namespace) -> name -> object."""
        self.changed_at: dict[str, float] = defaultdict(time.monotonic)
        """Namespace -> monotonic seconds of its last change."""
        self._changes: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.listeners: list[Callable[[str, Object], None]] = []
        """Called with (plural, object) when an object is created or updated."""
        self.deletion_listeners: list[Callable[[str, Object], None]] = []
        """Called with (plural, object) at every deletion that a watch reports."""

    async def __aenter__(self) -> Mirror:
        listed = [asyncio.Event() for _ in RESOURCES]
        pairs = zip(RESOURCES, listed, strict=True)
        self._tasks = [asyncio.create_task(self._follow(plural, event)) for plural, event in pairs]
        for event in listed:
            await event.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def get(self, plural: str, namespace: str, name: str) -> Object | None:
        return self._objects[plural, namespace].get(name)

    def list(self, plural: str, namespace: str) -> list[Object]:
        return list(self._objects[plural, namespace].values())

    def know(self, plural: str, obj: Object) -> None:
        """Stores the answer to a person's write, because the scenario must not read the older object after it."""
        if plural in RESOURCES:
            self._keep(plural, obj)

    async def change(self, namespace: str, seconds: float) -> None:
        """Waits for the next change in the namespace, for at most that long."""
        event = self._changes[namespace]
        event.clear()
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass

    def forget(self, namespace: str) -> None:
        self.changed_at.pop(namespace, None)
        self._changes.pop(namespace, None)

    async def _follow(self, plural: str, listed: asyncio.Event) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        while True:
            try:
                page = await self._api("GET", path(plural))
                for key in [key for key in self._objects if key[0] == plural]:
                    self._objects[key].clear()
                for obj in page["items"]:
                    self._keep(plural, obj)
                listed.set()
                url = self._api.server + path(plural)
                version = page["metadata"]["resourceVersion"]
                while True:
                    query = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true"}
                    async with self._api.session.get(url, params=query, timeout=timeout) as answer:
                        while line := await answer.content.readline():
                            event = json.loads(line)
                            version = self._take(plural, event)
            except (aiohttp.ClientError, AssertionError, KeyError, OSError):
                await asyncio.sleep(1)

    def _take(self, plural: str, event: Any) -> str:
        obj = event["object"]
        if event["type"] not in ("BOOKMARK", "ERROR"):
            if event["type"] == "DELETED":
                meta = obj["metadata"]
                self._objects[plural, meta["namespace"]].pop(meta["name"], None)
                self._changed(meta["namespace"])
                for listener in list(self.deletion_listeners):
                    listener(plural, obj)
            else:
                self._keep(plural, obj)
        return str(obj["metadata"]["resourceVersion"])

    def _keep(self, plural: str, obj: Object) -> None:
        meta = obj["metadata"]
        known = self.get(plural, meta["namespace"], meta["name"])
        if known and int(known["metadata"]["resourceVersion"]) >= int(meta["resourceVersion"]):
            return
        self._objects[plural, meta["namespace"]][meta["name"]] = obj
        self._changed(meta["namespace"])
        for listener in list(self.listeners):
            listener(plural, obj)

    def _changed(self, namespace: str) -> None:
        self.changed_at[namespace] = time.monotonic()
        self._changes[namespace].set()
