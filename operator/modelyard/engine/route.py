"""Enqueues the objects that a change concerns. All changes in the cluster reach the queue through this listener."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from modelyard.engine.plan import Controller
from modelyard.engine.queue import Queue
from modelyard.engine.resource import Key, Object, Resource
from modelyard.engine.store import Store

log = logging.getLogger(__name__)


class Router:
    def __init__(self, controllers: Iterable[Controller], store: Store, queue: Queue) -> None:
        self._store, self._queue = store, queue
        self._kinds: set[Resource] = set()
        self._watchers: dict[Resource, list[Controller]] = {}
        for controller in controllers:
            if controller.resource in self._kinds:
                raise ValueError(f"{controller.resource} has two controllers")
            self._kinds.add(controller.resource)
            for resource in controller.watches:
                self._watchers.setdefault(resource, []).append(controller)

    def changed(self, resource: Resource, before: Object | None, after: Object | None, writer: Key | None) -> None:
        """Enqueues every key that either version concerns, except the writer: its own pass continues anyway."""
        edited = _generation(before) != _generation(after)
        for key in self._concerned(resource, before, after):
            if key == writer:
                continue
            if edited and key == _key(resource, after or before):
                self._queue.edited(key)
            else:
                self._queue.add(key)

    def _concerned(self, resource: Resource, before: Object | None, after: Object | None) -> set[Key]:
        keys: set[Key] = set()
        for obj in (before, after):
            if obj is None:
                continue
            meta = obj["metadata"]
            if resource in self._kinds:
                keys.add(_key(resource, obj))
            for controller in self._watchers.get(resource, ()):
                try:
                    keys.update(controller.keys_of(resource, obj, self._store))
                except Exception:
                    log.exception("keys of %s %s/%s", resource.kind, meta["namespace"], meta["name"])
        return keys


def _key(resource: Resource, obj: Object | None) -> Key:
    assert obj is not None
    return Key(resource, obj["metadata"]["namespace"], obj["metadata"]["name"])


def _generation(obj: Object | None) -> int | None:
    return obj["metadata"].get("generation") if obj else None
