"""Checks that ModelDeployments and ModelPools say why their pods don't run, in the pods' own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import PodsWith
from modelyard.engine.resource import DEPLOYMENTS, MODEL_DEPLOYMENTS, MODEL_POOLS, MODELS, Key, Object
from tests.unit.kinds import packs
from tests.unit.kinds.objects import roll_out
from tests.unit.kinds.test_model import train, with_model
from tests.unit.kinds.test_modeldeployment import deploy, ready, rolled, served, serves
from tests.unit.kinds.world import World

DIGEST = json.dumps({"kind": "Failed", "error": {"reason": "DigestMismatch", "message": "model.onnx was changed"}})
NO_NODE = [{"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available: 2 Insufficient memory."}]


@pytest.fixture
def world() -> World:
    """Returns a world in which version 1 serves on two replicas."""
    return served()


def broken(world: World, number: int, name: str = "species", **status: Any) -> None:
    """Gives a version one pod that is not ready, with this status."""
    pod = {
        "metadata": {"name": f"{name}-v{number}-x", "labels": {"pod-template-hash": "x"}},
        "spec": {"nodeName": "n-1", "containers": [{"name": "server"}]},
        "status": {"phase": "Pending", **status},
    }
    world.serving[f"modelyard.dev/modeldeployment={name},modelyard.dev/version={number}"] = [pod]


def ended(code: int, reason: str = "Error", message: str = "", name: str = "fetch") -> dict[str, Any]:
    last = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    waits = {"waiting": {"reason": "CrashLoopBackOff"}}
    return {"initContainerStatuses": [{"name": name, "state": waits, "lastState": last, "restartCount": 1}]}


def lose(world: World, available: int = 0) -> None:
    """Lets pods of version 1 go, as after a drain: others take their place, and are not ready."""
    lost = {"type": "Available", "status": "False", "lastTransitionTime": timestamp(world.now)}
    child = world.get(DEPLOYMENTS, "species-v1")
    counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": available, "availableReplicas": available}
    state = {"observedGeneration": child["metadata"]["generation"], "conditions": [lost], **counts}
    world.status(DEPLOYMENTS, "species-v1", state)
    world.settle()


def pod_reads(world: World) -> int:
    return sum(count for need, count in world.read.items() if isinstance(need, PodsWith))


def told(world: World) -> tuple[str, str, bool]:
    """Returns status, reason and whether Stalled holds."""
    return *ready(world), world.condition(MODEL_DEPLOYMENTS, "species", "Stalled")[0] == "True"


def message(world: World) -> str:
    return world.condition(MODEL_DEPLOYMENTS, "species")[2]


@pytest.mark.parametrize(
    ("status", "reason", "stalled", "says"),
    [
        ({"conditions": NO_NODE}, "Unschedulable", True, "Insufficient memory.; lower spec.podTemplate.resources"),
        (ended(137, "OOMKilled"), "OOMKilled", True, "raise spec.podTemplate.resources.limits.memory"),
        (ended(2, message=DIGEST), "DigestMismatch", True, "model.onnx was changed"),
        (ended(1, message="boom"), "PodFailed", False, "its last line: boom"),
    ],
)
@pytest.mark.parametrize("candidate", [True, False])
def test_the_pods_own_cause_is_told(
    world: World, status: Any, reason: str, stalled: bool, says: str, candidate: bool
) -> None:
    number = 2 if candidate else 1
    broken(world, number, **status)
    if candidate:
        train(world, "b")
        roll_out(world, ready=0)
        world.settle()
    else:
        lose(world)
    assert told(world)[:2] == ("False", "RollingOut"), "it has just begun"
    world.tick(10)
    assert told(world) == ("False", reason, stalled)
    assert says in message(world)
    assert message(world).startswith((f"version {number}: ", f"ModelVersion species-v{number} is not Ready "))
    assert message(world).endswith("version 1 goes on serving" if candidate else "nothing serves")
    assert ("ModelDeployment/species", reason) in [note[:2] for note in world.notes]
    writes = world.writes
    world.tick(300)
    assert world.writes == writes, "what stays as it is costs no write"


def test_a_look_is_due_within_half_a_minute_while_pods_are_not_ready(world: World) -> None:
    key = Key(MODEL_DEPLOYMENTS, "team", "species")
    lose(world, 1)
    for seconds in (0, 10, 600):
        world.tick(seconds)
        plan = world.run(key)
        assert plan is not None
        assert plan.after is not None
        assert 0 < (plan.after - world.now).total_seconds() <= 30


def test_at_rest_no_pod_is_read(world: World) -> None:
    world.read.clear()
    world.tick(3600)
    plan = world.run(Key(MODEL_DEPLOYMENTS, "team", "species"))
    assert plan is not None
    assert (pod_reads(world), plan.after) == (0, None)


def test_it_is_ready_again_once_its_pods_are(world: World) -> None:
    broken(world, 1, **ended(2, message=DIGEST))
    lose(world, 1)
    world.tick(10)
    assert told(world) == ("False", "DigestMismatch", True)
    assert message(world).endswith("version 1 goes on serving"), "one pod still does"
    rolled(world)
    assert told(world) == ("True", "Serving", False)


def test_what_serves_is_told_of_whatever_version_is_wanted(world: World) -> None:
    deploy(world, rollout={"strategy": "BlueGreen"})
    rolled(world)
    train(world, "b")
    broken(world, 1, **ended(137, "OOMKilled", name="server"))
    lose(world)
    world.tick(10)
    assert serves(world) == (1, 2)
    assert told(world) == ("False", "OOMKilled", True)
    assert message(world).startswith("version 1: container 'server' was killed")
    assert "version 2" in message(world)


def test_what_serves_is_told_of_while_no_version_can_be_resolved(world: World) -> None:
    world.delete(MODELS, "species", cascade=False, force=True)
    broken(world, 1, **ended(137, "OOMKilled", name="server"))
    lose(world)
    assert ready(world) == ("False", "ModelNotFound")
    assert "nothing serves" in message(world)
    world.tick(10)
    assert told(world) == ("False", "OOMKilled", True)
    assert "there is no Model 'species'" in message(world)


def test_an_image_is_told_by_the_field_that_names_it(world: World) -> None:
    waits = {"name": "server", "image": "no/such:1", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    for image, field in ((None, "images.server of the installation"), ("no/such:1", "spec.podTemplate.image")):
        deploy(world, podTemplate={"image": image} if image else {})
        broken(world, 1, containerStatuses=[waits])
        lose(world)
        world.tick(10)
        assert told(world) == ("False", "ImagePullFailed", True)
        assert f"version 1: {field}: the image 'no/such:1' of container 'server'" in message(world)


# --- ModelPools -------------------------------------------------------------------------------------------------------


def test_a_pool_tells_why_its_pods_do_not_run_and_so_does_what_it_serves() -> None:
    world = with_model()
    train(world, "a")
    world.put(MODEL_POOLS, packs.pool())
    world.put(MODEL_DEPLOYMENTS, packs.packed("species"))
    world.settle()
    servers = packs.Servers(world, number=0)
    servers.roll_out(ready=0)
    pod: Object = {
        "metadata": {"name": "small-pool-x", "labels": {}},
        "spec": {},
        "status": {"phase": "Pending", "conditions": NO_NODE},
    }
    world.serving[packs.SELECTOR] = [pod]
    world.tick(10)
    status, reason, text = world.condition(MODEL_POOLS, packs.POOL)
    assert (status, reason) == ("False", "Unschedulable")
    assert text.startswith("0 of 2 pods are ready: no node can take the pod: 0/2 nodes are available")
    assert world.condition(MODEL_POOLS, packs.POOL, "Stalled")[0] == "True"
    assert ("ModelPool/small", "Unschedulable", text) in world.notes
    assert told(world) == ("False", "Unschedulable", True)
    assert message(world).startswith("version 1 serves on 0 of 2 pods of pool small (0 of 2 pods are ready: no node")
    plan = world.run(Key(MODEL_POOLS, "team", packs.POOL))
    assert plan is not None
    assert plan.after is not None
    assert (plan.after - world.now).total_seconds() <= 30
