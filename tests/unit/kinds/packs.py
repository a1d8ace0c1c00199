"""A ModelPool in the world of unit tests, and what its servers do: read the catalogue, serve what it lists."""

from __future__ import annotations

import json
from typing import Any

from modelyard.engine.resource import CONFIG_MAPS, DEPLOYMENTS, MODEL_DEPLOYMENTS, MODEL_POOLS, Object
from modelyard_api.wire.packing import (
    CATALOGUE_JSON,
    Catalogue,
    CatalogueState,
    PackedCondition,
    PackedModel,
    PackedState,
    catalogue_digest,
)
from tests.unit.kinds.objects import deployment, meta, publish
from tests.unit.kinds.world import World

POOL, CHILD = "small", "small-pool"
SELECTOR = f"modelyard.dev/modelpool={POOL}"


def pool(name: str = POOL, **spec: Any) -> Object:
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "ModelPool", **meta(name), "spec": {"replicas": 2} | spec}


def packed(name: str, **spec: Any) -> Object:
    """A ModelDeployment of the Model of that name, version 1."""
    wanted = {"modelRef": {"name": name, "version": 1}, "replicas": 1, "pool": POOL}
    return deployment(name, **wanted | spec)


def catalogue(world: World, name: str = POOL) -> dict[str, list[int]]:
    """Model to the numbers of its versions, the wanted one first."""
    found = Catalogue.model_validate_json(text(world, name))
    return {one.name: [version.number for version in one.versions] for one in found.models}


def text(world: World, name: str = POOL) -> str:
    return str(world.get(CONFIG_MAPS, f"{name}-pool")["data"][CATALOGUE_JSON])


class Servers:
    """The pods of a pool. ``broken``: model and version to the state and reason of it. Serves what was there before."""

    def __init__(self, world: World, name: str = POOL, number: int = 2) -> None:
        self.world, self.name = world, name
        self.pods = [self._pod(index) for index in range(number)]
        self.broken: dict[tuple[str, int], tuple[PackedCondition, str]] = {}
        self.serving: dict[str, dict[str, int]] = {pod["metadata"]["name"]: {} for pod in self.pods}
        self._show()

    def read(self, *indexes: int) -> None:
        """These pods, or all of them, read the catalogue and load what it lists."""
        for pod in [self.pods[index] for index in indexes] or self.pods:
            there = text(self.world, self.name)
            said = CatalogueState(digest=catalogue_digest(there))
            listed = Catalogue.model_validate_json(there)
            serving = self.serving[pod["metadata"]["name"]]
            said.models = [self._load(one, serving) for one in listed.models]
            for gone in serving.keys() - {one.name for one in listed.models}:
                del serving[gone]
            self._answer(pod, said)

    def roll_out(self, ready: int | None = None) -> None:
        """What the Deployment controller says."""
        child = self.world.get(DEPLOYMENTS, f"{self.name}-pool")
        wanted = child["spec"]["replicas"]
        ready = wanted if ready is None else ready
        counts = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready, "availableReplicas": ready}
        state = {"observedGeneration": child["metadata"]["generation"], **counts}
        self.world.status(DEPLOYMENTS, child["metadata"]["name"], state)
        publish(self.world)

    def settle(self) -> None:
        """All that there is to do, until nothing is."""
        for _ in range(10):
            before = self.world.writes
            self.world.settle()
            self.roll_out()
            self.read()
            self.world.tick(1)
            if self.world.writes == before:
                return
        raise AssertionError("it goes on for ever")

    def _load(self, wanted: PackedModel, serving: dict[str, int]) -> PackedState:
        first = wanted.versions[0]
        for version in wanted.versions:
            if (wanted.name, version.number) not in self.broken:
                serving[wanted.name] = version.number
                break
        state, reason = self.broken.get((wanted.name, first.number), ("Ready", ""))
        return PackedState(
            name=wanted.name,
            number=first.number,
            digest=first.digest,
            state=state,
            reason=reason,
            serving=serving.get(wanted.name),
        )

    def _pod(self, index: int) -> Object:
        status = {
            "phase": "Running",
            "podIP": f"10.0.{sum(self.name.encode()) % 251}.{index}",
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        return {**meta(f"{self.name}-{index}", uid=f"pod-{index}"), "status": status}

    def _show(self) -> None:
        self.world.serving[f"modelyard.dev/modelpool={self.name}"] = self.pods

    def _answer(self, pod: Object, said: CatalogueState) -> None:
        url = f"http://{pod['status']['podIP']}:8080/v2/catalogue"
        self.world.pages[url] = json.dumps(said.wire()).encode()
        names = {obj["metadata"]["name"] for obj in self.world.all(MODEL_DEPLOYMENTS)}
        for name in names:
            own = said.model_copy(update={"models": [one for one in said.models if one.name == name]})
            self.world.pages[f"{url}?name={name}"] = json.dumps(own.wire()).encode()


def ready(world: World, name: str) -> tuple[str, str]:
    return world.condition(MODEL_DEPLOYMENTS, name)[:2]


def pool_ready(world: World) -> tuple[str, str]:
    return world.condition(MODEL_POOLS, POOL)[:2]
