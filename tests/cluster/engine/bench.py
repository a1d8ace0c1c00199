"""One operator at work in a namespace of its own, behind a proxy with faults."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.support.api import Api
from tests.support.operator import Operator
from tests.support.proxy import Call, Proxy
from tests.support.until import until

GEARS = "tests.cluster.engine.gears"
EVENT_IS_DUE = 1.0
"""Seconds in which an operator that has nothing else to do sends the Event of what it has written."""


class Bench:
    """One namespace with an operator that works in it alone, through a proxy."""

    def __init__(self, api: Api, proxy: Proxy, namespace: str, folder: Path) -> None:
        self.api, self.proxy, self.namespace, self.folder = api, proxy, namespace, folder
        self.operator = self.another("first")

    def another(self, identity: str) -> Operator:
        """One more operator of the same namespace."""
        log = self.folder / f"{identity}.log"
        return Operator(self.proxy.kubeconfig(self.folder), self.namespace, log, GEARS, identity)

    async def leads(self, seconds: float = 60, operator: Operator | None = None) -> None:
        """Wait until that operator leads, or the first one."""
        found = operator or self.operator

        async def check() -> bool:
            return found.ready()

        await until(f"the operator leads; its log: {found.log}", check, seconds)

    def path(self, plural: str, name: str = "") -> str:
        groups = {
            "gears": "apis/test.modelyard.dev/v1",
            "jobs": "apis/batch/v1",
            "deployments": "apis/apps/v1",
            "events": "apis/events.k8s.io/v1",
        }
        return f"/{groups.get(plural, 'api/v1')}/namespaces/{self.namespace}/{plural}{'/' if name else ''}{name}"

    async def make(self, name: str, **spec: Any) -> Any:
        gear = {"apiVersion": "test.modelyard.dev/v1", "kind": "Gear", "metadata": {"name": name}, "spec": spec}
        return await self.api("POST", self.path("gears"), gear)

    async def edit(self, plural: str, name: str, body: Any) -> Any:
        return await self.api("PATCH", self.path(plural, name), body)

    async def find(self, plural: str, name: str) -> Any:
        return await self.api.find(self.path(plural, name))

    async def delete(self, plural: str, name: str) -> None:
        await self.api("DELETE", self.path(plural, name))

    async def turning(self, name: str, size: int, seconds: float = 60) -> Any:
        """Wait until the gear is Ready in this size; the gear."""

        async def check() -> Any:
            gear = await self.find("gears", name)
            status = (gear or {}).get("status", {})
            ready = condition(gear, "Ready").get("status") == "True"
            return ready and status["size"] == size and gear

        return await until(f"{name} is Ready in size {size}", check, seconds)

    async def silent(self, seconds: float) -> list[Call]:
        """What was written in that time, from when the last Event that was on its way is there.

        Events come in the background, up to five seconds after what they tell of. So those alone are waited for: an
        operator that goes on writing anything is not silent.
        """
        for _ in range(30):
            before = len(self.proxy.writes())
            await asyncio.sleep(EVENT_IS_DUE)
            if not any("/events" in call.path for call in self.proxy.writes()[before:]):
                break
        before = len(self.proxy.writes())
        await asyncio.sleep(seconds)
        return self.proxy.writes()[before:]


def condition(obj: Any, type_: str) -> dict[str, Any]:
    items = ((obj or {}).get("status") or {}).get("conditions", ())
    return next((item for item in items if item["type"] == type_), {})
