"""Finds what is new in a namespace, and worth a line: how our objects are, and the Events by which they tell more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.support.kube import Object, condition

EVENTS = {"RunStarted", "Training", "Promoted", "RollingOut", "Stable", "CommitFound", "CommitPassed"}
"""Reasons that are told by the Event, which says more than Ready does. The others are told by a condition."""
SHORT_LIVED = {"PodPending", "Starting", "Registering", "Running"}
"""Reasons of Ready that are over in a moment, or of a run whose steps tell more themselves."""


class Item(NamedTuple):
    mark: str
    """``+`` it is ready, ``.`` it is on its way, ``x`` it is stuck, ``*`` an Event, ``!`` a warning."""
    name: str
    text: str


class News:
    """Remembers what was told of each object."""

    def __init__(self) -> None:
        self._told: dict[str, set[str]] = {}
        self._ready: dict[str, str] = {}
        """Name of an object -> the last reason of its Ready condition, which may come again."""

    def told(self, name: str) -> list[str]:
        """Returns what was told of an object, such as ``Model/species``."""
        return sorted(self._told.get(name, ()))

    def latest(self, objects: Iterable[Object], events: Iterable[Object]) -> list[Item]:
        """Returns what is new. Events come first, because they say why a condition has changed."""
        objects = sorted(objects, key=lambda obj: str(obj["metadata"]["creationTimestamp"]))
        runs = [f"{obj['metadata']['name']}-" for obj in objects if obj["kind"] == "PipelineRun"]
        items = [*self._events(objects, events), *self._conditions(objects)]
        # What one object says another one may say after its name: as a sweep what its training says.
        repeated = [item for item in items if any(item.text.endswith(f": {other.text}") for other in items)]
        return [_short(item, runs) for item in items if item not in repeated]

    def _is_new(self, name: str, text: str) -> bool:
        told = self._told.setdefault(name, set())
        new = text not in told
        told.add(text)
        return new

    def _events(self, objects: Iterable[Object], events: Iterable[Object]) -> Iterator[Item]:
        of = {obj["metadata"]["uid"]: obj for obj in objects}
        for event in sorted(events, key=_time):
            obj, warning = of.get(event["regarding"].get("uid")), event["type"] == "Warning"
            if obj is None or not (event["reason"] in EVENTS or (warning and not _is_said(obj, event["note"]))):
                continue
            if self._is_new(_name(obj), event["note"]):
                yield Item("!" if warning else "*", _name(obj), event["note"])

    def _conditions(self, objects: Iterable[Object]) -> Iterator[Item]:
        """Yields Ready, and the other conditions that are False, where the reason has changed."""
        for obj in objects:
            name, ready = _name(obj), condition(obj, "Ready")
            if ready and self._ready.get(name) != ready["reason"] and ready["reason"] not in SHORT_LIVED | EVENTS:
                self._ready[name] = ready["reason"]
                self._is_new(name, ready["message"])
                mark = "+" if ready["status"] == "True" else "x" if condition(obj, "Stalled") else "."
                yield Item(mark, name, ready["message"])
            for item in _all_conditions(obj):
                said = ready is not None and ready["message"].endswith(item["message"])
                if item["status"] == "False" and not said and self._is_new(name, item["message"]):
                    yield Item("!", name, f"{item['type']} is False: {item['message']}")


def _short(item: Item, runs: list[str]) -> Item:
    """Returns the item with names that are made of a run's name: ``~search-1a2b3c4d``."""
    name, text = item.name, item.text
    for run in runs:
        name, text = name.replace(run, "~"), text.replace(run, "~")
    return Item(item.mark, name, text)


def _is_said(obj: Object, text: str) -> bool:
    return any(item["message"] == text for item in _all_conditions(obj))


def _all_conditions(obj: Object) -> list[Object]:
    return list((obj.get("status") or {}).get("conditions") or ())


def _name(obj: Object) -> str:
    return f"{obj['kind']}/{obj['metadata']['name']}"


def _time(event: Object) -> str:
    return str(event.get("eventTime") or event["metadata"]["creationTimestamp"])
