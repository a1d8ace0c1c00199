"""Finds what is new in a namespace: changed conditions of our objects, and Events that say something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.support.kube import Kube, Object, condition

CATEGORY = "modelyard"
"""The category of the kinds whose news is told."""


class Item(NamedTuple):
    mark: str
    """``+`` it is ready, ``.`` it is on its way, ``x`` it is stuck, ``*`` an Event, ``!`` a warning."""
    name: str
    text: str


class News:
    """Remembers what was told of each object."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self._told: dict[str, set[str]] = {}
        self._ready: dict[str, str] = {}
        """Name of an object -> the last message of its Ready condition, which may come again."""

    def told(self, name: str) -> list[str]:
        """Returns what was told of an object, such as ``Model/species``."""
        return sorted(self._told.get(name, ()))

    def latest(self) -> list[Item]:
        """Returns what is new. Events come first, because they say why a condition has changed."""
        objects = self.kube.list(CATEGORY)
        items = list(self._events(objects))
        items += self._conditions(sorted(objects, key=lambda obj: str(obj["metadata"]["creationTimestamp"])))
        return items

    def _is_new(self, name: str, text: str) -> bool:
        told = self._told.setdefault(name, set())
        new = text not in told
        told.add(text)
        return new

    def _events(self, objects: list[Object]) -> Iterator[Item]:
        of = {obj["metadata"]["uid"]: obj for obj in objects}
        events = self.kube.list("events.events.k8s.io") if of else []
        for event in sorted(events, key=_time):
            obj = of.get(event["regarding"].get("uid"))
            if obj is None or any(item["message"] == event["note"] for item in _conditions(obj)):
                continue  # the condition says it itself
            if self._is_new(_name(obj), event["note"]):
                yield Item("!" if event["type"] == "Warning" else "*", _name(obj), event["note"])

    def _conditions(self, objects: list[Object]) -> Iterator[Item]:
        """Yields the messages of Ready, and of the other conditions that are False, that have changed."""
        for obj in objects:
            name, ready = _name(obj), condition(obj, "Ready")
            if ready and self._ready.get(name) != ready["message"]:
                self._ready[name] = ready["message"]
                self._is_new(name, ready["message"])
                mark = "+" if ready["status"] == "True" else "x" if condition(obj, "Stalled") else "."
                yield Item(mark, name, ready["message"])
            for item in _conditions(obj):
                text = f"{item['type']} is False: {item['message']}"
                if item["type"] != "Ready" and item["status"] == "False" and self._is_new(name, text):
                    yield Item("!", name, text)


def _conditions(obj: Object) -> list[Object]:
    return list((obj.get("status") or {}).get("conditions") or ())


def _name(obj: Object) -> str:
    return f"{obj['kind']}/{obj['metadata']['name']}"


def _time(event: Object) -> str:
    return str(event.get("eventTime") or event["metadata"]["creationTimestamp"])
