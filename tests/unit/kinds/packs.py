"""Builds ModelPools for unit tests, and plays their servers, which read the catalogue and serve what it lists."""

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
    """Returns a ModelDeployment, in the pool, of version 1 of the Model of the same name."""
    base = {"modelRef": {"name": name, "version": 1}, "replicas": 1, "pool": POOL}
    return deployment(name, **base | spec)


def catalogue(world: World, name: str = POOL) -> dict[str, list[int]]:
    """Returns the version numbers of each model in the pool's catalogue, the one to serve first."""
    listed = Catalogue.model_validate_json(text(world, name))
    return {model.name: [version.number for version in model.versions] for model in listed.models}


def text(world: World, name: str = POOL) -> str:
    return str(world.get(CONFIG_MAPS, f"{name}-pool")["data"][CATALOGUE_JSON])


class Servers:
    """The pods of a pool.

    ``broken`` maps (model, version) to the state and reason of a failed load; the older version goes on serving.
    """

    def __init__(self, world: World, name: str = POOL, number: int = 2) -> None:
        self.world, self.name = world, name
        self.pods = [self._pod(index) for index in range(number)]
        self.cause = ""
        """The API's reason of every failed load."""
        self.broken: dict[tuple[str, int], tuple[PackedCondition, str]] = {}
        self.serving: dict[str, dict[str, int]] = {pod["metadata"]["name"]: {} for pod in self.pods}
        self._show()

    def read(self, *indexes: int) -> None:
        """These pods, or all of them, read the catalogue and load what it lists."""
        for pod in [self.pods[index] for index in indexes] or self.pods:
            document = text(self.world, self.name)
            state = CatalogueState(digest=catalogue_digest(document))
            listed = Catalogue.model_validate_json(document)
            serving = self.serving[pod["metadata"]["name"]]
            state.models = [self._load(model, serving) for model in listed.models]
            for unlisted in serving.keys() - {model.name for model in listed.models}:
                del serving[unlisted]
            self._answer(pod, state)

    def roll_out(self, ready: int | None = None) -> None:
        """Sets the status of the pool's Deployment, as the Deployment controller does."""
        child = self.world.get(DEPLOYMENTS, f"{self.name}-pool")
        replicas = child["spec"]["replicas"]
        ready = replicas if ready is None else ready
        counts = {"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": ready, "availableReplicas": ready}
        state = {"observedGeneration": child["metadata"]["generation"], **counts}
        self.world.status(DEPLOYMENTS, child["metadata"]["name"], state)
        publish(self.world)

    def settle(self) -> None:
        """Lets controllers and servers take turns until nothing is written any more."""
        for _ in range(10):
            before = self.world.writes
            self.world.settle()
            self.roll_out()
            self.read()
            self.world.tick(1)
            if self.world.writes == before:
                return
        raise AssertionError("it goes on for ever")

    def _load(self, listed: PackedModel, serving: dict[str, int]) -> PackedState:
        first = listed.versions[0]
        for version in listed.versions:
            if (listed.name, version.number) not in self.broken:
                serving[listed.name] = version.number
                break
        state, reason = self.broken.get((listed.name, first.number), ("Ready", ""))
        return PackedState(
            name=listed.name,
            number=first.number,
            digest=first.digest,
            state=state,
            reason=reason,
            cause=self.cause if reason else "",
            serving=serving.get(listed.name),
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

    def _answer(self, pod: Object, state: CatalogueState) -> None:
        url = f"http://{pod['status']['podIP']}:8080/v2/catalogue"
        self.world.pages[url] = json.dumps(state.wire()).encode()
        names = {obj["metadata"]["name"] for obj in self.world.all(MODEL_DEPLOYMENTS)}
        for name in names:
            own = state.model_copy(update={"models": [model for model in state.models if model.name == name]})
            self.world.pages[f"{url}?name={name}"] = json.dumps(own.wire()).encode()


def ready(world: World, name: str) -> tuple[str, str]:
    return world.condition(MODEL_DEPLOYMENTS, name)[:2]


def pool_ready(world: World) -> tuple[str, str]:
    return world.condition(MODEL_POOLS, POOL)[:2]
