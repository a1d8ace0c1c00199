"""Plays what pods do: when a Job's pod runs and all is calm around it, its result is there, and the pod ends."""

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
"""Seconds that a pod runs at most, calm or not."""


class Player(Actor):
    """Of one namespace. ``calm`` says for how many seconds nothing has happened there."""

    def __init__(self, api: Api, mirror: Mirror, tracking: Tracking, namespace: str, calm: Callable[[], float]) -> None:
        super().__init__(mirror, namespace)
        self._api, self._tracking, self._calm = api, tracking, calm
        self.data = ""
        """What the source of the Dataset holds."""
        self.stopped = False
        """Pods run on for now."""
        self._seen: set[str] = set()

    def saw(self, plural: str, obj: Object) -> None:
        meta = obj["metadata"]
        if plural != "pods" or meta["uid"] in self._seen:
            return
        if (obj.get("status") or {}).get("phase") == "Running" and ANNOTATION in (meta.get("annotations") or {}):
            self._seen.add(meta["uid"])
            self.start(self._play(obj))

    async def _play(self, pod: Object) -> None:
        data = self.data  # as it was when the pod started
        name = pod["metadata"]["labels"]["job-name"]
        ends = asyncio.get_running_loop().time() + LONGEST
        while self.stopped or not self._is_settled(name):
            if asyncio.get_running_loop().time() > ends and not self.stopped:
                break
            await asyncio.sleep(0.1)
        well = results.ended(pod["metadata"]["annotations"][ANNOTATION], data, self._tracking)
        notes = {FINISH: "Succeeded" if well else "Failed", "kwok.modelyard.dev/exit-code": "2"}
        found = path("pods", self._namespace, pod["metadata"]["name"])
        if await self._api.find(found):
            with contextlib.suppress(AssertionError):  # deleted in between
                await self._api("PATCH", found, {"metadata": {"annotations": notes}})

    def _is_settled(self, job: str) -> bool:
        found = self._mirror.get("jobs", self._namespace, job)
        return bool(found and (found.get("status") or {}).get("ready")) and self._calm() > 0.4
