"""Somebody else in a run's namespace, whom the cluster doesn't have: sees what changes, and does something about it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

from tests.harness.faults.mirror import Mirror
from tests.harness.faults.resources import Object


class Actor:
    """``saw`` is called with (plural, object) at every change in the namespace but a deletion, ``lost`` at that."""

    def __init__(self, mirror: Mirror, namespace: str) -> None:
        self._mirror, self._namespace = mirror, namespace
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._mirror.listeners.append(self._changed)
        self._mirror.mourners.append(self._gone)
        return self

    def __exit__(self, *_: object) -> None:
        self._mirror.listeners.remove(self._changed)
        self._mirror.mourners.remove(self._gone)
        for task in self._tasks:
            task.cancel()

    def saw(self, plural: str, obj: Object) -> None:
        raise NotImplementedError

    def lost(self, plural: str, obj: Object) -> None:
        pass

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _changed(self, plural: str, obj: Object) -> None:
        if obj["metadata"]["namespace"] == self._namespace:
            self.saw(plural, obj)

    def _gone(self, plural: str, obj: Object) -> None:
        if obj["metadata"]["namespace"] == self._namespace:
            self.lost(plural, obj)
