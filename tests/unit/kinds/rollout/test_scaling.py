"""Checks that either a Kubernetes autoscaler or KEDA's changes the number of pods, and never both."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Fetch
from modelyard.engine.resource import AUTOSCALERS, DEFINITIONS, MODEL_DEPLOYMENTS, SCALED_OBJECTS
from tests.unit.kinds.objects import deployment
from tests.unit.kinds.test_modeldeployment import ready, served
from tests.unit.kinds.world import NAMESPACE, Died, World

CPU, CONCURRENCY = {"maxReplicas": 4}, {"maxReplicas": 4, "metric": "Concurrency", "target": 8}


@pytest.fixture
def world() -> World:
    world = served()
    assert ready(world) == ("True", "Serving")
    return world


def edit(world: World, **spec: Any) -> None:
    obj = world.get(MODEL_DEPLOYMENTS, "species")
    world.put(MODEL_DEPLOYMENTS, {**obj, "spec": deployment(**spec)["spec"]})
    world.settle()


def install(world: World) -> None:
    world.put(DEFINITIONS, {"metadata": {"name": "scaledobjects.keda.sh", "namespace": ""}})


def keda(world: World) -> None:
    """Creates the autoscaler of a ScaledObject, or deletes it with the ScaledObject, as KEDA does."""
    names = [scaler["metadata"]["name"] for scaler in world.all(AUTOSCALERS)]
    if (scaled := world.all(SCALED_OBJECTS)) and "keda-hpa-species" not in names:
        labels = scaled[0]["metadata"]["labels"] | {"scaledobject.keda.sh/name": "species"}
        world.put(AUTOSCALERS, {"metadata": {"name": "keda-hpa-species", "labels": labels}, "spec": {}})
    elif not scaled and "keda-hpa-species" in names:
        world.delete(AUTOSCALERS, "keda-hpa-species")
    world.settle()


def scalers(world: World) -> list[str]:
    return [obj["metadata"]["name"] for resource in (AUTOSCALERS, SCALED_OBJECTS) for obj in world.all(resource)]


def test_by_cpu(world: World) -> None:
    edit(world, autoscaling=CPU)
    (autoscaler,) = world.all(AUTOSCALERS)
    assert autoscaler["spec"]["scaleTargetRef"]["kind"] == "ModelDeployment"
    edit(world)
    assert not scalers(world)


def test_by_requests_in_flight(world: World) -> None:
    install(world)
    edit(world, autoscaling=CONCURRENCY)
    (scaled,) = world.all(SCALED_OBJECTS)
    assert scaled["spec"]["scaleTargetRef"]["kind"] == "ModelDeployment"
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (1, 4)
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["targetValue"] == "8"
    assert trigger["metadata"]["url"] == f"http://species.{NAMESPACE}.svc:8080/metrics"
    assert ready(world) == ("True", "Serving")
    # Once KEDA's autoscaler exists, KEDA is known to be installed, so its CRD isn't read again.
    keda(world)
    reads = world.read[Fetch(DEFINITIONS, "", "scaledobjects.keda.sh")]
    edit(world, autoscaling={**CONCURRENCY, "target": 9})
    assert world.all(SCALED_OBJECTS)[0]["spec"]["triggers"][0]["metadata"]["targetValue"] == "9"
    assert world.read[Fetch(DEFINITIONS, "", "scaledobjects.keda.sh")] == reads


def test_without_keda_it_serves_and_says_what_to_do(world: World) -> None:
    edit(world, autoscaling=CONCURRENCY)
    state, reason, message = world.condition(MODEL_DEPLOYMENTS, "species")
    assert (state, reason) == ("False", "AutoscalerNotFound")
    assert "metric: CPU" in message
    assert "version 1 serves on" in message
    install(world)
    world.tick(61)
    world.settle()
    assert ready(world) == ("True", "Serving")
    assert scalers(world) == ["species"]


@pytest.mark.parametrize("after", [CPU, None, "suspend", "pool"])
@pytest.mark.parametrize("died", [None, *range(1, 4)])
def test_keda_scales_no_longer(world: World, after: Any, died: int | None) -> None:
    install(world)
    edit(world, autoscaling=CONCURRENCY)
    keda(world)
    assert scalers(world) == ["keda-hpa-species", "species"]
    spec: dict[str, Any] = {"autoscaling": after}
    if after == "suspend":
        spec = {"autoscaling": CONCURRENCY, "suspend": True}
    elif after == "pool":
        spec = {"pool": "shared"}
    elif after is None:
        spec = {}
    if died:
        world.die_at = (world.writes + died, "after")
    try:
        edit(world, **spec)
    except Died:
        world.restart()
    world.die_at = None
    world.settle()
    keda(world)
    assert scalers(world) == (["species"] if after == CPU else [])


def test_from_cpu_to_requests_the_first_goes_before(world: World) -> None:
    install(world)
    edit(world, autoscaling=CPU)
    before = world.writes
    edit(world, autoscaling=CONCURRENCY)
    assert world.writes > before
    assert not world.all(AUTOSCALERS)
    assert len(world.all(SCALED_OBJECTS)) == 1


def test_a_persons_scaled_object_of_that_name_stays(world: World) -> None:
    install(world)
    world.put(SCALED_OBJECTS, {"metadata": {"name": "species"}, "spec": {}})
    labels = {"app.kubernetes.io/managed-by": "modelyard", "modelyard.dev/modeldeployment": "species"}
    world.put(AUTOSCALERS, {"metadata": {"name": "keda-hpa-species", "labels": labels}, "spec": {}})
    world.settle()
    assert len(world.all(SCALED_OBJECTS)) == 1


def test_keda_is_not_known_to_be_there(world: World) -> None:
    world.down.add(Fetch)
    edit(world, autoscaling=CONCURRENCY)
    assert ready(world)[1] == "AutoscalerUnknown"
    assert not scalers(world)
