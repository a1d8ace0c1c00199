"""The base of the simulated components (kubelet, gateway, servers): it reacts to changes in one run's namespace."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

from tests.harness.faults.mirror import Mirror
from tests.harness.faults.resources import Object


class Actor:
    """Calls ``on_change`` with (plural, object) when an object is created or updated, ``on_delete`` when it is gone."""

    def __init__(self, mirror: Mirror, namespace: str) -> None:
        self._mirror, self._namespace = mirror, namespace
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._mirror.listeners.append(self._changed)
        self._mirror.deletion_listeners.append(self._gone)
        return self

    def __exit__(self, *_: object) -> None:
        self._mirror.listeners.remove(self._changed)
        self._mirror.deletion_listeners.remove(self._gone)
        for task in self._tasks:
            task.cancel()

    def on_change(self, plural: str, obj: Object) -> None:
        raise NotImplementedError

    def on_delete(self, plural: str, obj: Object) -> None:
        pass

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self, plural: str, obj: Object) -> None:
        if obj["metadata"]["namespace"] == self._namespace:
            self.on_change(plural, obj)

    def _gone(self, plural: str, obj: Object) -> None:
        if obj["metadata"]["namespace"] == self._namespace:
            self.on_delete(plural, obj)
