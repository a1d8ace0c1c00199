"""Tells what happens in namespaces as it happens: each change of an object's conditions, and each of its Events."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.demo.news import News
from tests.support.kube import Kube

CATEGORY = "modelyard"
"""The category of the kinds whose news is told."""


class Story:
    """Prints a line for each piece of news, once. What is not in the first namespace is told with its namespace."""

    def __init__(self, kube: Kube, *others: Kube) -> None:
        self.kube, self.begin = kube, 0.0
        self.news = {place.namespace: News() for place in (kube, *others)}
        self._kubes = (kube, *others)

    def title(self, act: str, text: str) -> None:
        """Begins an act. Times are since the first one began."""
        self.begin = self.begin or time.monotonic()
        print(f"\n{act}: {text}", flush=True)

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.begin:6.1f} s  {text}", flush=True)

    def look(self) -> None:
        for kube in self._kubes:
            place = "" if kube is self.kube else f"{kube.namespace} "
            for item in self.news[kube.namespace].latest(kube.list(CATEGORY), kube.list("events.events.k8s.io")):
                self.say(f"{item.mark} {place}{item.name}: {item.text}")

    def told(self, name: str) -> list[str]:
        """Returns what was told of an object of the first namespace, such as ``Model/species``."""
        return self.news[self.kube.namespace].told(name)

    def until(self, what: str, probe: Callable[[], Any], seconds: float = 240, every: float = 1) -> Any:
        """Waits as ``Kube.until`` does, and tells what is new meanwhile."""

        def look_and_probe() -> Any:
            answer = probe()
            self.look()
            return answer

        return self.kube.until(what, look_and_probe, seconds, every)
