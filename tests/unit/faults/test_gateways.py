"""Checks that the played gateway's controller reports routes to missing Services, and nothing else."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness.faults.gateways import Gateways
from tests.harness.faults.resources import Object, path

ROUTE = path("httproutes", "f1", "species")


def route(*services: str, mirror: str = "", generation: int = 1) -> Object:
    rule: Object = {"backendRefs": [{"name": name, "port": 80, "weight": 1} for name in services]}
    if mirror:
        rule["filters"] = [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": mirror, "port": 80}}}]
    meta = {"namespace": "f1", "name": "species", "uid": "r", "generation": generation, "resourceVersion": "7"}
    return {"metadata": meta, "spec": {"parentRefs": [{"name": "front"}], "rules": [rule]}}


class Server:
    """An API server that holds these Services and this route."""

    def __init__(self, *services: str, route: Object | None = None) -> None:
        self.objects: dict[str, Object] = {path("services", "f1", name): {"kind": "Service"} for name in services}
        self.objects |= {ROUTE: route} if route else {}
        self.patches: list[Any] = []

    async def __call__(self, method: str, at: str, body: Any = None) -> None:
        self.patches.append((method, at, body))

    async def find(self, at: str) -> Object | None:
        return self.objects.get(at)


async def played(server: Server, observed: Object) -> Gateways:
    mirror = SimpleNamespace(listeners=[], deletion_listeners=[], list=lambda plural, namespace: [observed])
    with Gateways(server, mirror, "f1") as gateways:  # type: ignore[arg-type]
        mirror.listeners[0]("httproutes", observed)
        for listener in mirror.deletion_listeners:
            listener("services", {"metadata": {"namespace": "f1", "name": "any"}})
        await asyncio.gather(*gateways._tasks)
    return gateways


@pytest.mark.parametrize("observed", [route("v1", "v2"), route("v1", mirror="v2")])
async def test_a_service_that_is_not_there_is_found(observed: Object) -> None:
    assert (await played(Server("v1", "v2", route=observed), observed)).wrong == []
    complaints = (await played(Server("v1", route=observed), observed)).wrong
    assert set(complaints) == {"httproutes/species sends requests to v2, which is gone"}


async def test_a_route_that_has_moved_on_is_not_blamed() -> None:
    assert (await played(Server("v1", route=route("v1", generation=2)), route("v1", "v2"))).wrong == []
    assert (await played(Server("v1"), route("v1", "v2"))).wrong == []


async def test_a_route_is_accepted_once_for_each_generation() -> None:
    server, observed = Server("v1"), route("v1")
    await played(server, observed)
    ((method, at, body),) = server.patches
    assert (method, at, body["metadata"]) == ("PATCH", f"{ROUTE}/status", {"resourceVersion": "7"})
    (parent,) = body["status"]["parents"]
    assert [item["type"] for item in parent["conditions"]] == ["Accepted", "ResolvedRefs"]
    await played(server, observed | {"status": body["status"]})
    assert len(server.patches) == 1
    await played(server, route("v1", generation=2) | {"status": body["status"]})
    assert len(server.patches) == 2
