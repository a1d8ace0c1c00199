"""Plays the gateway's controller: it marks Gateways as programmed and routes as accepted as soon as they exist."""

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
    """Plays Envoy Gateway's controller in one namespace, so that the operator writes all objects it has for Envoy.

    The policy among them gets no status, because the operator doesn't read it.
    """

    def __init__(self, api: Api, mirror: Mirror, namespace: str) -> None:
        super().__init__(mirror, namespace)
        self._api = api
        self.wrong: list[str] = []
        """One line for each route that sent traffic to a missing Service, for however short a time."""

    def on_change(self, plural: str, obj: Object) -> None:
        if plural == "gateways":
            self._update(plural, obj, {"conditions": _true(obj, "Accepted", "Programmed")})
        if plural == "httproutes":
            accepted = {"controllerName": CONTROLLER, "conditions": _true(obj, "Accepted", "ResolvedRefs")}
            parents = [accepted | {"parentRef": reference} for reference in obj["spec"]["parentRefs"]]
            self._update(plural, obj, {"parents": parents})
            self.start(self._check(obj))

    def on_delete(self, plural: str, obj: Object) -> None:
        if plural == "services":
            for route in self._mirror.list("httproutes", self._namespace):
                self.start(self._check(route))

    async def _check(self, route: Object) -> None:
        """Records missing Services of the route: a Service must exist for as long as a route sends traffic to it."""
        url = path("httproutes", self._namespace, route["metadata"]["name"])
        for name in sorted(_backends(route)):
            if await self._api.find(path("services", self._namespace, name)):
                continue
            # The watch may lag behind: the route is wrong only if it still has the generation that was checked.
            now = await self._api.find(url)
            if now and _generation(now) == _generation(route):
                self.wrong.append(f"httproutes/{route['metadata']['name']} sends requests to {name}, which is gone")

    def _update(self, plural: str, obj: Object, status: Object) -> None:
        if _timeless(status) != _timeless({key: (obj.get("status") or {}).get(key) for key in status}):
            self.start(self._write(path(plural, self._namespace, obj["metadata"]["name"]), obj, status))

    async def _write(self, url: str, obj: Object, status: Object) -> None:
        version = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        with contextlib.suppress(AssertionError):  # the object is gone, or has changed, which calls on_change again
            await self._api("PATCH", f"{url}/status", {"metadata": version, "status": status})


def _generation(obj: Object) -> tuple[str, int]:
    return obj["metadata"]["uid"], obj["metadata"]["generation"]


def _backends(route: Object) -> set[str]:
    """Returns the names of the Services to which the route sends requests or copies of them."""
    rules = route["spec"]["rules"]
    refs = [ref for rule in rules for ref in rule["backendRefs"]]
    mirrors = [filter_["requestMirror"]["backendRef"] for rule in rules for filter_ in rule.get("filters") or ()]
    return {str(ref["name"]) for ref in (*refs, *mirrors)}


def _true(obj: Object, *types: str) -> list[Object]:
    now, generation = timestamp(datetime.now(UTC)), obj["metadata"]["generation"]
    common = {"status": "True", "message": "", "lastTransitionTime": now, "observedGeneration": generation}
    return [{"type": type_, "reason": type_, **common} for type_ in types]


def _timeless(value: Any) -> Any:
    match value:
        case dict():
            return {key: _timeless(item) for key, item in value.items() if key != "lastTransitionTime"}
        case list():
            return [_timeless(item) for item in value]
        case _:
            return value
