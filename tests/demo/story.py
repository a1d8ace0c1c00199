"""Tells what happens in a namespace as it happens: each change of an object's conditions, and each of its Events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.kube import Kube, Object, condition

KINDS_THAT_TELL = "modelyard"
"""The category of the kinds whose changes are told."""


class Story:
    """Prints a line for each piece of news, once."""

    def __init__(self, kube: Kube) -> None:
        self.kube, self.begin = kube, time.monotonic()
        self._told: dict[str, set[str]] = {}
        """Name of an object -> what was told of it. An Event often says what a condition has said."""
        self._ready: dict[str, str] = {}
        """Name of an object -> the message of its Ready condition."""

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.begin:6.1f} s  {text}", flush=True)

    def title(self, act: str, text: str) -> None:
        print(f"\n== Act {act}: {text}", flush=True)

    def look(self) -> None:
        """Tells what is new. Events come first, because they say why a condition has changed."""
        objects = self.kube.list(KINDS_THAT_TELL)
        for mark, name, text in [*self._events(objects), *self._conditions(objects)]:
            self._told.setdefault(name, set()).add(text)
            self.say(f"{mark} {name}: {text}")

    def told(self, name: str) -> list[str]:
        """Returns what was told of an object, such as ``Model/species``."""
        return sorted(self._told.get(name, ()))

    def until(self, what: str, probe: Callable[[], Any], seconds: float = 240, every: float = 1) -> Any:
        """Waits as ``Kube.until`` does, and tells what is new meanwhile."""

        def look_and_probe() -> Any:
            answer = probe()
            self.look()
            return answer

        return self.kube.until(what, look_and_probe, seconds, every)

    def _events(self, objects: list[Object]) -> Iterator[tuple[str, str, str]]:
        """Yields the Events that say something else than a condition does."""
        of = {obj["metadata"]["uid"]: obj for obj in objects}
        events = self.kube.list("events.events.k8s.io") if of else []
        for event in sorted(events, key=_time):
            obj = of.get(event["regarding"].get("uid"))
            if obj is None or event["note"] in self._told.get(_name(obj), ()):
                continue
            if any(item["message"] == event["note"] for item in _items(obj)):
                continue
            self._told.setdefault(_name(obj), set()).add(event["note"])
            yield "!" if event["type"] == "Warning" else "*", _name(obj), event["note"]

    def _conditions(self, objects: list[Object]) -> Iterator[tuple[str, str, str]]:
        """Yields the messages of Ready, and of the other conditions that are False, that have changed."""
        for obj in sorted(objects, key=lambda obj: str(obj["metadata"]["creationTimestamp"])):
            name, ready = _name(obj), condition(obj, "Ready")
            if ready and self._ready.get(name) != ready["message"]:
                self._ready[name] = ready["message"]
                yield _mark(obj, ready), name, ready["message"]
            for item in _items(obj):
                if item["type"] not in ("Ready", "Reconciling") and item["status"] == "False":
                    text = f"{item['type']} is False: {item['message']}"
                    if text not in self._told.get(name, ()):
                        yield "!", name, text


def _items(obj: Object) -> list[Object]:
    return list((obj.get("status") or {}).get("conditions") or ())


def _name(obj: Object) -> str:
    return f"{obj['kind']}/{obj['metadata']['name']}"


def _mark(obj: Object, ready: Object) -> str:
    return "+" if ready["status"] == "True" else "x" if condition(obj, "Stalled") else "."


def _time(event: Object) -> str:
    return str(event.get("eventTime") or event["metadata"]["creationTimestamp"])
