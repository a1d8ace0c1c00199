"""Plays the gateway's controller: a Gateway is programmed and its routes are accepted as soon as they are there."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

from modelyard.engine.conditions import timestamp
from tests.harness.faults.actor import Actor
from tests.harness.faults.mirror import Mirror
from tests.harness.faults.resources import Object, path
from tests.localcluster.addons.gateway import CLASS, CONTROLLER
from tests.support.api import Api

NAME, HOSTNAME = "front", "species.example.com"


def gateway() -> Object:
    listener = {"name": "http", "protocol": "HTTP", "port": 80}
    api = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": NAME}}
    return {**api, "spec": {"gatewayClassName": CLASS, "listeners": [listener]}}


class Gateways(Actor):
    """In one namespace. It is Envoy Gateway's, so that the operator makes all of what it makes for that; the policy
    among it, whose status the operator doesn't read, gets none."""

    def __init__(self, api: Api, mirror: Mirror, namespace: str) -> None:
        super().__init__(mirror, namespace)
        self._api = api
        self.wrong: list[str] = []
        """Routes that sent traffic nowhere, for however short a time."""

    def saw(self, plural: str, obj: Object) -> None:
        if plural == "gateways":
            self._tell(plural, obj, {"conditions": _true(obj, "Accepted", "Programmed")})
        if plural == "httproutes":
            told = {"controllerName": CONTROLLER, "conditions": _true(obj, "Accepted", "ResolvedRefs")}
            parents = [told | {"parentRef": reference} for reference in obj["spec"]["parentRefs"]]
            self._tell(plural, obj, {"parents": parents})
            self.start(self._check(obj))

    def lost(self, plural: str, obj: Object) -> None:
        if plural == "services":
            for route in self._mirror.list("httproutes", self._namespace):
                self.start(self._check(route))

    async def _check(self, route: Object) -> None:
        """What traffic is sent to is there before it is, and goes after."""
        at = path("httproutes", self._namespace, route["metadata"]["name"])
        for name in sorted(_backends(route)):
            if await self._api.find(path("services", self._namespace, name)):
                continue
            # A watch is late: it counts only if the route still is what it was.
            now = await self._api.find(at)
            if now and _generation(now) == _generation(route):
                self.wrong.append(f"httproutes/{route['metadata']['name']} sends requests to {name}, which is gone")

    def _tell(self, plural: str, obj: Object, status: Object) -> None:
        if _timeless(status) != _timeless({key: (obj.get("status") or {}).get(key) for key in status}):
            self.start(self._write(path(plural, self._namespace, obj["metadata"]["name"]), obj, status))

    async def _write(self, at: str, obj: Object, status: Object) -> None:
        version = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        with contextlib.suppress(AssertionError):  # it has changed meanwhile, which will be seen, or is gone
            await self._api("PATCH", f"{at}/status", {"metadata": version, "status": status})


def _generation(obj: Object) -> tuple[str, int]:
    return obj["metadata"]["uid"], obj["metadata"]["generation"]


def _backends(route: Object) -> set[str]:
    """Of copies too."""
    rules = route["spec"]["rules"]
    refs = [ref for rule in rules for ref in rule["backendRefs"]]
    mirrors = [one["requestMirror"]["backendRef"] for rule in rules for one in rule.get("filters") or ()]
    return {str(ref["name"]) for ref in (*refs, *mirrors)}


def _true(obj: Object, *types: str) -> list[Object]:
    now, generation = timestamp(datetime.now(UTC)), obj["metadata"]["generation"]
    said = {"status": "True", "message": "", "lastTransitionTime": now, "observedGeneration": generation}
    return [{"type": one, "reason": one, **said} for one in types]


def _timeless(value: Any) -> Any:
    match value:
        case dict():
            return {key: _timeless(item) for key, item in value.items() if key != "lastTransitionTime"}
        case list():
            return [_timeless(item) for item in value]
        case _:
            return value
