"""Runs one operator in its own namespace, behind a proxy that injects faults."""

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
"""Seconds within which an idle operator sends the Events about its writes."""


class Bench:
    """One namespace, and an operator that works only in it and reaches the API server through a proxy."""

    def __init__(self, api: Api, proxy: Proxy, namespace: str, folder: Path) -> None:
        self.api, self.proxy, self.namespace, self.folder = api, proxy, namespace, folder
        self.operator = self.another("first")

    def another(self, identity: str) -> Operator:
        """Returns one more operator for the same namespace; the caller starts it."""
        log = self.folder / f"{identity}.log"
        return Operator(self.proxy.kubeconfig(self.folder), self.namespace, log, GEARS, identity)

    async def leads(self, seconds: float = 60, operator: Operator | None = None) -> None:
        """Waits until ``operator`` leads; None means the first operator."""
        operator = operator or self.operator

        async def check() -> bool:
            return operator.ready()

        await until(f"the operator leads; its log: {operator.log}", check, seconds)

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
        """Waits until the gear is Ready in this size and returns it."""

        async def check() -> Any:
            gear = await self.find("gears", name)
            status = (gear or {}).get("status", {})
            ready = condition(gear, "Ready").get("status") == "True"
            return ready and status["size"] == size and gear

        return await until(f"{name} is Ready in size {size}", check, seconds)

    async def silent(self, seconds: float) -> list[Call]:
        """Returns the operator's writes during ``seconds``, counted from when no more Events arrive.

        Events are sent in the background, up to five seconds after the change that they report. Only Events are waited
        for: an operator that keeps writing anything else is not silent.
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
