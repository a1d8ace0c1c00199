"""Plays the pods of Jobs: when one runs and its namespace is calm, its result is written and the pod ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from modelyard_api.wire.task import ANNOTATION
from tests.harness.faults import results
from tests.harness.faults.actor import Actor
from tests.harness.faults.mirror import Mirror
from tests.harness.faults.resources import Object, path
from tests.localcluster.kwok import FINISH
from tests.support.api import Api
from tests.support.tracking import Tracking

LONGEST = 15.0
"""Longest time in seconds that a pod runs when its namespace never gets calm."""


class Player(Actor):
    """Plays the pods of one namespace. ``calm`` returns for how many seconds nothing has happened there."""

    def __init__(self, api: Api, mirror: Mirror, tracking: Tracking, namespace: str, calm: Callable[[], float]) -> None:
        super().__init__(mirror, namespace)
        self._api, self._tracking, self._calm = api, tracking, calm
        self.data = ""
        """The content of the Dataset's source."""
        self.stopped = False
        """While True, no pod ends."""
        self._played: set[str] = set()

    def on_change(self, plural: str, obj: Object) -> None:
        meta = obj["metadata"]
        if plural != "pods" or meta["uid"] in self._played:
            return
        if "job-name" not in (meta.get("labels") or {}):  # a Workspace's pod has a task too, and does not end
            return
        if (obj.get("status") or {}).get("phase") == "Running" and ANNOTATION in (meta.get("annotations") or {}):
            self._played.add(meta["uid"])
            self.start(self._play(obj))

    async def _play(self, pod: Object) -> None:
        data = self.data  # the pod reads the source as it was when the pod started
        name = pod["metadata"]["labels"]["job-name"]
        ends = asyncio.get_running_loop().time() + LONGEST
        while self.stopped or not self._is_settled(name):
            if asyncio.get_running_loop().time() > ends and not self.stopped:
                break
            await asyncio.sleep(0.1)
        succeeded = results.ended(pod["metadata"]["annotations"][ANNOTATION], data, self._tracking)
        notes = {FINISH: "Succeeded" if succeeded else "Failed", "kwok.modelyard.dev/exit-code": "2"}
        url = path("pods", self._namespace, pod["metadata"]["name"])
        if await self._api.find(url):
            with contextlib.suppress(AssertionError):  # the pod was deleted in between
                await self._api("PATCH", url, {"metadata": {"annotations": notes}})

    def _is_settled(self, name: str) -> bool:
        job = self._mirror.get("jobs", self._namespace, name)
        return bool(job and (job.get("status") or {}).get("ready")) and self._calm() > 0.4
