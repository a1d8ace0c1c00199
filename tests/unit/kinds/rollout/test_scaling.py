"""Checks that either a Kubernetes autoscaler or KEDA's changes the number of pods, and never both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Fetch
from modelyard.engine.resource import AUTOSCALERS, DEFINITIONS, MODEL_DEPLOYMENTS, SCALED_OBJECTS, Key
from modelyard.kinds.modeldeployment.autoscaler import PATIENCE
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


NO_METRICS = "unable to fetch metrics from resource metrics API: the server could not find the requested resource"


def say(world: World, name: str, status: str, reason: str, message: str = NO_METRICS, seconds: float = 0) -> None:
    """Sets the conditions of an autoscaler as Kubernetes does; ScalingActive has held for ``seconds``."""
    at = timestamp(world.now - timedelta(seconds=seconds))
    conditions = [
        {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale", "lastTransitionTime": at},
        {"type": "ScalingActive", "status": status, "reason": reason, "message": message, "lastTransitionTime": at},
    ]
    world.status(AUTOSCALERS, name, {"conditions": conditions})
    world.settle()


@pytest.mark.parametrize("status", ["False", "Unknown"])
@pytest.mark.parametrize(("spec", "name"), [(CPU, "species"), (CONCURRENCY, "keda-hpa-species")])
def test_an_autoscaler_without_metrics_is_told(world: World, spec: Any, name: str, status: str) -> None:
    install(world)
    edit(world, autoscaling=spec)
    if spec == CONCURRENCY:
        keda(world)
    say(world, name, status, "FailedGetResourceMetric")
    assert ready(world) == ("True", "Serving"), "metrics of new pods take a while"
    plan = world.run(Key(MODEL_DEPLOYMENTS, NAMESPACE, "species"))
    assert plan is not None
    assert plan.after == world.now + PATIENCE
    world.tick(PATIENCE.total_seconds())
    state, reason, message = world.condition(MODEL_DEPLOYMENTS, "species")
    assert (state, reason) == ("False", "AutoscalerNotActive")
    assert (
        f"{name} doesn't scale, its ScalingActive is {status} (FailedGetResourceMetric: {NO_METRICS}); see" in message
    )
    assert "version 1 serves on 2 of 2 replicas" in message
    assert ("ModelDeployment/species", "AutoscalerNotActive", message) in world.notes
    say(world, name, "True", "ValidMetricFound")
    assert ready(world) == ("True", "Serving")
    say(world, name, "False", "ScalingDisabled", seconds=600)
    assert ready(world) == ("True", "Serving")


def test_an_autoscaler_that_nobody_looks_at_is_told(world: World) -> None:
    edit(world, autoscaling=CPU)
    world.tick(PATIENCE.total_seconds())
    state, reason, message = world.condition(MODEL_DEPLOYMENTS, "species")
    assert (state, reason) == ("False", "AutoscalerNotActive")
    assert "its AbleToScale is Unknown (Unknown: nobody has set it); see to metrics-server" in message


def test_a_scaled_object_that_keda_refuses_is_told(world: World) -> None:
    install(world)
    edit(world, autoscaling=CONCURRENCY)
    at = timestamp(world.now)
    refused = {"type": "Ready", "status": "False", "reason": "ScaledObjectCheckFailed", "message": "no scale"}
    world.status(SCALED_OBJECTS, "species", {"conditions": [refused | {"lastTransitionTime": at}]})
    world.tick(PATIENCE.total_seconds())
    state, reason, message = world.condition(MODEL_DEPLOYMENTS, "species")
    assert (state, reason) == ("False", "AutoscalerNotActive")
    assert "its Ready is False (ScaledObjectCheckFailed: no scale); see kubectl describe scaledobject" in message


def test_it_is_told_when_nobody_knows_whether_keda_still_scales(world: World) -> None:
    install(world)
    edit(world, autoscaling=CONCURRENCY)
    keda(world)
    world.down.add(Fetch)
    edit(world, autoscaling=CPU)
    assert ready(world) == ("False", "AutoscalerUnknown")
    assert scalers(world) == ["keda-hpa-species", "species"]
    world.down.clear()
    world.settle()
    keda(world)
    assert (ready(world), scalers(world)) == (("True", "Serving"), ["species"])
