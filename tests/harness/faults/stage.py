"""The namespace in which a scenario is played: what a person does there, and what the scenario waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.harness.faults.mirror import Mirror
from tests.harness.faults.player import Player
from tests.harness.faults.resources import Object, path, plural
from tests.harness.faults.servers import Serving
from tests.kinds.sample import placed
from tests.support.api import Api


class Stuck(Exception):
    """A step was not reached in time."""


class Stage:
    def __init__(
        self,
        api: Api,
        mirror: Mirror,
        player: Player,
        serving: Serving,
        namespace: str,
        wrote_at: Callable[[], float],
        patience: float,
    ) -> None:
        self.api, self.mirror, self.player, self.serving, self.namespace = api, mirror, player, serving, namespace
        self._wrote_at = wrote_at
        """Returns when the operator last wrote something, in monotonic seconds."""
        self.patience = patience
        """Longest time in seconds for one step of a scenario, under any fault."""
        self._looked = 0

    def quiet(self) -> float:
        """Returns the seconds since an object changed or the operator wrote."""
        return time.monotonic() - max(self.mirror.changed_at[self.namespace], self._wrote_at())

    async def calm(self, seconds: float = 0.7) -> None:
        ends = time.monotonic() + self.patience
        while (remaining := seconds - self.quiet()) > 0:
            if time.monotonic() > ends:
                raise Stuck("it is never calm")
            await asyncio.sleep(max(remaining, 0.05))

    def get(self, kind: str, name: str) -> Object | None:
        return self.mirror.get(plural(kind), self.namespace, name)

    def list(self, kind: str) -> list[Object]:
        return self.mirror.list(plural(kind), self.namespace)

    async def reach(self, what: str, check: Callable[[], Any]) -> None:
        """Waits until the check holds, and then until nothing happens any more. Raises Stuck."""
        ends = time.monotonic() + self.patience
        while not check():
            if time.monotonic() > ends:
                raise Stuck(f"not within {self.patience:.0f} s: {what}")
            await self.mirror.change(self.namespace, 1)
        await self.calm()

    # --- what a person does ---------------------------------------------------------------------------------------

    async def put_data(self, text: str) -> None:
        self.player.data = text
        meta = {"name": "table", "namespace": self.namespace}
        await self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"table.csv": text}})

    async def put_script(self, text: str) -> None:
        meta = {"name": "code", "namespace": self.namespace}
        await self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"train.py": text}})

    async def apply(self, *objects: Object) -> None:
        for obj in objects:
            url = self._path(obj["kind"], obj["metadata"]["name"]) + "?fieldManager=person&force=true"
            body = placed(obj, self.namespace)
            self._know(obj["kind"], await self.api("PATCH", url, body, "application/apply-patch+yaml"))

    async def edit(self, kind: str, name: str, body: Object) -> None:
        self._know(kind, await self.api("PATCH", self._path(kind, name), body))

    async def wait_for_look(self, dataset: str) -> None:
        """Lets the time pass after which the source is looked at again: the last look is told to be long ago."""
        self._looked += 1
        long_ago = {"status": {"lastCheckTime": f"2026-01-01T00:00:{self._looked:02}Z"}}
        self._know("Dataset", await self.api("PATCH", f"{self._path('Dataset', dataset)}/status", long_ago))

    async def delete(self, kind: str, name: str) -> None:
        await self.api("DELETE", self._path(kind, name))

    async def renew(self, obj: Object) -> None:
        """Deletes an object, and applies it again without waiting for the end of what it owned."""
        await self.delete(obj["kind"], obj["metadata"]["name"])
        await self.apply(obj)

    def _path(self, kind: str, name: str) -> str:
        return path(plural(kind), self.namespace, name)

    def _know(self, kind: str, obj: Object) -> None:
        self.mirror.know(plural(kind), obj)

    # --- what a person sees ---------------------------------------------------------------------------------------

    def status(self, kind: str, name: str) -> Object:
        return dict((self.get(kind, name) or {}).get("status") or {})

    def holds(self, kind: str, name: str, type_: str = "Ready", value: str = "True") -> bool:
        """Returns whether the object has this condition with this value, observed for its current generation."""
        obj = self.get(kind, name)
        items = self.status(kind, name).get("conditions") or ()
        return any(
            item["type"] == type_ and item["status"] == value
            for item in items
            if obj and item.get("observedGeneration") == obj["metadata"].get("generation")
        )

    def serves(self, number: int, replicas: int = 1) -> bool:
        status = self.status("ModelDeployment", "species")
        stable = status.get("stable") == number and not status.get("candidate")
        return stable and status.get("readyReplicas") == replicas and self.holds("ModelDeployment", "species")

    def waits(self, number: int) -> bool:
        """Returns whether this version is the candidate, its pods are ready, and it waits to be promoted."""
        status = self.status("ModelDeployment", "species")
        state = status.get("rollout") or {}
        return status.get("candidate") == state.get("version") == number and "since" in state

    def rejected(self, number: int, reason: str) -> bool:
        """Returns whether this version was rejected for this reason, and the object is Stalled."""
        items = self.status("ModelDeployment", "species").get("rejected") or ()
        listed = any(item["version"] == number and item["reason"] == reason for item in items)
        return listed and self.holds("ModelDeployment", "species", "Stalled")

    def free(self, kind: str, name: str) -> bool:
        """Returns whether the object exists and nothing uses it, so that its deletion would not wait."""
        obj = self.get(kind, name)
        return obj is not None and not obj["metadata"].get("finalizers")

    def blocked(self, kind: str, name: str) -> bool:
        """Returns whether the object is being deleted and waits for its users."""
        return self.holds(kind, name, "DeletionBlocked")

    def gone(self, kind: str, name: str = "") -> bool:
        """Returns whether the object is gone; without a name, whether no object of the kind is left."""
        return self.get(kind, name) is None if name else not self.mirror.list(plural(kind), self.namespace)

    def uid(self, kind: str, name: str) -> str:
        obj = self.get(kind, name)
        return str(obj["metadata"]["uid"]) if obj else ""

    def is_back(self, kind: str, name: str, old_uid: str) -> bool:
        return self.uid(kind, name) not in ("", old_uid)

    def alive_pods(self, run: str) -> int:
        pods = self.mirror.list("pods", self.namespace)
        return sum(pod["metadata"]["labels"].get("modelyard.dev/trainingrun") == run for pod in pods)
