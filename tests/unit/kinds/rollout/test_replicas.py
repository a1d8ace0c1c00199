"""Checks that a manifest's number of replicas never takes pods away that an autoscaler has asked for."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.resource import AUTOSCALERS, DEPLOYMENTS, MODEL_DEPLOYMENTS
from tests.unit.kinds.rollout.test_scaling import CONCURRENCY, edit, install, keda
from tests.unit.kinds.test_modeldeployment import rolled, served
from tests.unit.kinds.world import World

AUTOSCALING = {"minReplicas": 2, "maxReplicas": 6, "metric": "CPU", "target": 60}
FLUX, HPA = {"manager": "flux"}, {"manager": "kube-controller-manager", "subresource": "scale"}


def write(world: World, replicas: int, by: dict[str, str]) -> None:
    """Writes spec.replicas as this manager does; the API server takes the field from whoever had it."""
    obj = world.get(MODEL_DEPLOYMENTS, "species")
    obj["spec"]["replicas"] = replicas
    operation = "Update" if "subresource" in by else "Apply"
    obj["metadata"]["managedFields"] = [
        {**by, "operation": operation, "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        {"manager": "flux", "operation": "Apply", "fieldsV1": {"f:spec": {"f:modelRef": {"f:name": {}}}}},
    ]
    world.put(MODEL_DEPLOYMENTS, obj)
    world.settle()


def ask(world: World, replicas: int, name: str = "species") -> None:
    """The autoscaler asks for this number: it writes it through the scale subresource, then says so in its status."""
    write(world, replicas, HPA)
    conditions = [{"type": type_, "status": "True"} for type_ in ("AbleToScale", "ScalingActive")]
    world.status(AUTOSCALERS, name, {"desiredReplicas": replicas, "conditions": conditions})
    world.settle()


def pods(world: World) -> int:
    return sum(child["spec"]["replicas"] for child in world.all(DEPLOYMENTS))


def warnings(world: World) -> list[str]:
    return [message for _, reason, message in world.notes if reason == "ReplicasIgnored"]


@pytest.fixture
def world() -> World:
    """Returns a world in which an autoscaler has asked for 4 pods, which serve."""
    world = served()
    edit(world, replicas=1, autoscaling=AUTOSCALING)
    assert pods(world) == 2, "what a manifest says is the number to start with, within the limits"
    ask(world, 4)
    rolled(world)
    world.notes.clear()
    return world


@pytest.mark.parametrize(("written", "kept"), [(1, 4), (3, 4), (50, 4)])
def test_a_manifests_number_is_not_followed_and_told(world: World, written: int, kept: int) -> None:
    write(world, written, FLUX)
    assert pods(world) == kept
    (told,) = warnings(world)
    assert told.startswith(f"spec.replicas: {written} was written by flux and is not followed")
    assert "leave replicas out" in told
    status, _, message = world.condition(MODEL_DEPLOYMENTS, "species")
    assert status == "True"
    assert message == (
        f"version 1 serves on 4 of 4 replicas; spec.replicas: {written} of flux was not followed under "
        "spec.autoscaling: leave replicas out of the manifest"
    )
    held = world.status_of(MODEL_DEPLOYMENTS, "species")["held"]
    assert (held["replicas"], held["written"], held["manager"]) == (4, written, "flux")


def test_pods_stay_while_the_autoscaler_finds_its_number_again(world: World) -> None:
    write(world, 1, FLUX)
    ask(world, 2)  # at once: fewer than minReplicas
    assert pods(world) == 4
    world.tick(15)
    ask(world, 4)  # by the load
    assert pods(world) == 4
    world.tick(300)
    assert pods(world) == 4
    assert "held" not in world.status_of(MODEL_DEPLOYMENTS, "species")
    assert world.condition(MODEL_DEPLOYMENTS, "species")[2] == "version 1 serves on 4 of 4 replicas"
    ask(world, 3)
    assert pods(world) == 3, "the autoscaler takes pods away when it wants"


def test_pods_stay_that_an_autoscaler_without_metrics_does_not_know_of(world: World) -> None:
    ask(world, 2)
    write(world, 4, {"manager": "kubectl", "subresource": "scale"})
    write(world, 1, FLUX)
    assert pods(world) == 4
    ask(world, 2)
    world.tick(301)
    assert pods(world) == 2


def test_pods_stay_that_somebody_has_asked_for_while_others_were_kept(world: World) -> None:
    ask(world, 2)
    write(world, 1, FLUX)
    write(world, 4, {"manager": "kubectl", "subresource": "scale"})
    assert pods(world) == 4
    write(world, 1, FLUX)
    assert pods(world) == 4


def test_more_pods_come_at_once(world: World) -> None:
    write(world, 1, FLUX)
    ask(world, 6)
    assert pods(world) == 6


def test_a_manifest_that_comes_again_and_again_keeps_what_the_load_needs(world: World) -> None:
    for _ in range(12):
        write(world, 1, FLUX)
        world.tick(5)
        ask(world, 2)
        world.tick(15)
        ask(world, 4)
        assert pods(world) == 4
        world.tick(40)
    assert len(set(warnings(world))) == 1, "one series of Events"
    for _ in range(12):
        write(world, 1, FLUX)
        world.tick(5)
        ask(world, 2)
        world.tick(55)
    assert pods(world) == 2, "the load needs no more"


def test_what_is_written_by_scale_counts(world: World) -> None:
    write(world, 5, {"manager": "kubectl", "subresource": "scale"})
    assert pods(world) == 5
    write(world, 1, {"manager": "kubectl", "subresource": "scale"})
    assert pods(world) == 2
    assert not warnings(world)


def test_zero_switches_the_autoscaler_off(world: World) -> None:
    write(world, 0, {"manager": "kubectl", "subresource": "scale"})
    assert pods(world) == 0


def test_without_an_answer_of_the_autoscaler_the_manifest_counts_within_the_limits() -> None:
    world = served()
    edit(world, replicas=3, autoscaling=AUTOSCALING)
    write(world, 3, FLUX)
    assert pods(world) == 3
    write(world, 1, FLUX)
    assert pods(world) == 2
    assert not warnings(world)


def test_kedas_autoscaler_counts_as_well() -> None:
    world = served()
    install(world)
    limits: dict[str, Any] = {**CONCURRENCY, "minReplicas": 2, "maxReplicas": 6}
    edit(world, replicas=2, autoscaling=limits)
    keda(world)
    ask(world, 4, "keda-hpa-species")
    write(world, 1, FLUX)
    assert pods(world) == 4
    assert len(warnings(world)) == 1


def test_without_autoscaling_the_manifest_counts(world: World) -> None:
    write(world, 1, FLUX)
    edit(world, replicas=1)
    assert pods(world) == 1
    assert "held" not in world.status_of(MODEL_DEPLOYMENTS, "species")
