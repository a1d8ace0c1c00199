"""Checks that a ModelDeployment follows its version: rolled out, stuck, scaled, suspended."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.resource import (
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    MODEL_DEPLOYMENTS,
    MODEL_VERSIONS,
    MODELS,
    SERVICES,
    Key,
    Object,
)
from modelyard.workload.server import SPEC_DIGEST
from modelyard.workload.template import quantity
from modelyard_api.installation import Installation
from modelyard_server.__main__ import parser
from modelyard_server.observe import payload
from tests.unit.kinds.objects import LONG, deployment, model, roll_out
from tests.unit.kinds.test_model import GATES, train, with_model
from tests.unit.kinds.world import NameTaken, World

STUCK = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]


def deploy(world: World, **spec: Any) -> None:
    world.put(MODEL_DEPLOYMENTS, deployment(**spec))
    world.settle()


def ready(world: World) -> tuple[str, str]:
    return world.condition(MODEL_DEPLOYMENTS, "species")[:2]


def suspended(world: World) -> tuple[str, str]:
    return world.condition(MODEL_DEPLOYMENTS, "species", "Suspended")[:2]


def status(world: World) -> Object:
    return world.status_of(MODEL_DEPLOYMENTS, "species")


def serves(world: World) -> tuple[int | None, int | None]:
    """Returns the numbers of the stable version and the candidate."""
    return status(world).get("stable"), status(world).get("candidate")


def rolled(world: World) -> None:
    """Lets the Deployment controller and ours take turns until the rollout is over."""
    for _ in range(20):
        before = world.writes
        roll_out(world)
        world.settle()
        if world.writes == before:
            return
    raise AssertionError("it goes on for ever")


def child(world: World) -> Object:
    """Returns the newest Deployment."""
    return world.all(DEPLOYMENTS)[-1]


def args(world: World) -> list[str]:
    (server,) = child(world)["spec"]["template"]["spec"]["containers"]
    return list(server["args"])


def image(world: World) -> str:
    (server,) = child(world)["spec"]["template"]["spec"]["containers"]
    return str(server["image"])


def served() -> World:
    """Returns a world in which version 1 is champion and serves on both replicas."""
    world = with_model()
    train(world, "a")
    deploy(world)
    rolled(world)
    world.notes.clear()
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a ModelDeployment has become Ready, and its name."""
    return served(), "species"


@pytest.fixture
def world() -> World:
    return served()


def test_the_champion_is_served_when_it_is_there() -> None:
    world = with_model()
    deploy(world)
    assert ready(world) == ("False", "AliasNotSet")
    assert "spec.modelRef.alias" in world.condition(MODEL_DEPLOYMENTS, "species")[2]
    assert not world.all(DEPLOYMENTS)
    assert len(world.all(SERVICES)) == 1, "its address is there from the start"
    train(world, "a")
    assert (ready(world), serves(world)) == (("False", "RollingOut"), (None, 1))
    roll_out(world, ready=1)
    world.settle()
    assert "version 1: 1 of 2 pods are ready" in world.condition(MODEL_DEPLOYMENTS, "species")[2]
    rolled(world)
    assert (ready(world), serves(world)) == (("True", "Serving"), (1, None))
    assert status(world)["url"] == "http://species.team.svc"
    assert status(world)["selector"] == "modelyard.dev/modeldeployment=species"
    assert (status(world)["replicas"], status(world)["readyReplicas"]) == (2, 2)


def test_its_children_are_as_a_server_needs_them(world: World) -> None:
    newest = child(world)
    assert newest["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": "25%"}
    (fetch,) = newest["spec"]["template"]["spec"]["initContainers"]
    artifact = world.get(MODEL_VERSIONS, "species-v1")["spec"]["artifact"]
    assert f"--uri={artifact['uri']}" in fetch["args"]
    assert f"--digest={artifact['digest']}" in fetch["args"]
    assert "--model-version=1" in args(world)
    selector = world.get(SERVICES, "species")["spec"]["selector"]
    assert selector == {"modelyard.dev/modeldeployment": "species"}
    own = newest["spec"]["selector"]["matchLabels"]
    assert own == selector | {"modelyard.dev/version": "1"}
    assert own.items() <= newest["spec"]["template"]["metadata"]["labels"].items()
    assert world.get(DISRUPTION_BUDGETS, "species")["spec"] == {
        "minAvailable": 1,
        "selector": {"matchLabels": selector},
    }


def test_its_service_answers_rest_and_grpc(world: World) -> None:
    (server,) = child(world)["spec"]["template"]["spec"]["containers"]
    containers = {port["name"]: port["containerPort"] for port in server["ports"]}
    assert containers == {"http": 8080, "grpc": 9000}
    assert {"--port=8080", "--grpc-port=9000"} <= set(args(world))
    ports = {port["name"]: port for port in world.get(SERVICES, "species")["spec"]["ports"]}
    assert {name: (port["port"], port["targetPort"], port["appProtocol"]) for name, port in ports.items()} == {
        "http": (80, "http", "http"),
        "grpc": (9000, "grpc", "kubernetes.io/h2c"),
    }
    # The server is ready once both ports listen. Liveness is another path: a pod that ends is alive, but not ready.
    assert server["readinessProbe"]["httpGet"] == {"path": "/v2/health/ready", "port": "http"}
    assert server["livenessProbe"]["httpGet"] == {"path": "/v2/health/live", "port": "http"}


def test_requests_are_logged_only_when_asked_for(world: World) -> None:
    before = child(world)
    deploy(world, logging={"sampleRate": 0.0})
    assert child(world)["spec"] == before["spec"]
    assert not any("--log" in argument for argument in args(world))
    deploy(world, logging={"sampleRate": 0.25})
    assert ready(world) == ("False", "RollingOut")
    rolled(world)
    assert ready(world) == ("True", "Serving")
    spec = child(world)["spec"]["template"]["spec"]
    # Parse the arguments as the server does, and check that a writable volume has room for the log.
    options = parser().parse_args(args(world))
    assert options.log_sample_rate == 0.25
    mounts = {mount["mountPath"]: mount for mount in spec["containers"][0]["volumeMounts"]}
    mount = mounts[str(options.log_dir)]
    (volume,) = (volume for volume in spec["volumes"] if volume["name"] == mount["name"])
    assert not mount.get("readOnly")
    assert quantity(volume["emptyDir"]["sizeLimit"]) >= options.log_bytes + 2 * payload.WAITING_BYTES
    assert mount["name"] not in {other["name"] for other in spec["initContainers"][0]["volumeMounts"]}
    digest = child(world)["metadata"]["annotations"][SPEC_DIGEST]
    deploy(world, logging={"sampleRate": 0.5})
    assert child(world)["metadata"]["annotations"][SPEC_DIGEST] != digest
    assert parser().parse_args(args(world)).log_sample_rate == 0.5
    deploy(world, logging={"sampleRate": 0})
    rolled(world)
    assert child(world)["spec"] == before["spec"]


def test_the_alias_moves_and_the_new_version_is_candidate_then_stable(world: World) -> None:
    train(world, "b")
    assert (ready(world), serves(world)) == (("False", "RollingOut"), (1, 2))
    assert "--model-version=2" in args(world)
    rolled(world)
    assert (ready(world), serves(world)) == (("True", "Serving"), (2, None))
    assert [item["version"] for item in status(world)["history"]] == [1, 2]
    notes = [note[1:] for note in world.notes if note[0] == "ModelDeployment/species"]
    assert [reason for reason, _ in notes] == ["RollingOut", "Serving"]
    assert "before: version 1" in notes[1][1]


def test_the_alias_comes_back_in_the_middle_of_a_rollout(world: World) -> None:
    train(world, "b")
    assert serves(world) == (1, 2)
    world.put(MODELS, model(gates=GATES, pin={"version": 1}))
    world.settle()
    assert serves(world) == (1, None)
    rolled(world)
    assert (ready(world), serves(world)) == (("True", "Serving"), (1, None))


def test_a_pinned_version_is_served_whatever_the_aliases_say(world: World) -> None:
    train(world, "b")
    deploy(world, modelRef={"name": "species", "version": 1})
    rolled(world)
    assert serves(world) == (1, None)
    deploy(world, modelRef={"name": "species", "alias": "challenger"})
    assert ready(world) == ("False", "AliasNotSet")


def test_what_cannot_be_served_is_told_and_what_serves_goes_on(world: World) -> None:
    before = child(world)
    cases = (
        ({"name": "nowhere", "alias": "champion"}, "ModelNotFound", "'nowhere'"),
        ({"name": "species", "version": 9}, "VersionNotFound", "it has 1"),
    )
    for ref, reason, says in cases:
        deploy(world, modelRef=ref)
        message = world.condition(MODEL_DEPLOYMENTS, "species")[2]
        assert ready(world) == ("False", reason)
        assert says in message
        assert message.endswith("version 1 goes on serving")
    world.status(MODEL_VERSIONS, "species-v1", None)
    world.results.clear()
    deploy(world)
    assert ready(world) == ("False", "VersionNotReady")
    assert child(world)["spec"] == before["spec"]


def test_a_stuck_rollout_stalls_while_the_stable_version_goes_on(world: World) -> None:
    train(world, "b")
    roll_out(world, ready=0, conditions=STUCK, readyReplicas=2)
    world.settle()
    state, reason, message = world.condition(MODEL_DEPLOYMENTS, "species")
    assert (state, reason, serves(world)) == ("False", "RolloutFailed", (1, 2))
    assert world.condition(MODEL_DEPLOYMENTS, "species", "Stalled")[0] == "True"
    assert "timed out" in message
    assert "version 1 goes on serving" in message
    # The way back to version 1 is immediate: it still has all its pods.
    world.put(MODELS, model(gates=GATES, pin={"version": 1}))
    world.settle()
    assert (ready(world), serves(world)) == (("True", "Serving"), (1, None))
    assert [item["metadata"]["name"] for item in world.all(DEPLOYMENTS)] == ["species-v1"]


def test_pods_that_are_refused_are_told_of_at_once(world: World) -> None:
    train(world, "b")
    words = "exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2"
    cause = f'pods "species-v2-7d9c-" is forbidden: {words}'
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": cause}
    roll_out(world, ready=0, conditions=[refused], readyReplicas=2)
    world.settle()
    advice = "ask for less in spec.podTemplate.resources, have the quota raised, or wait until other pods have ended"
    assert world.condition(MODEL_DEPLOYMENTS, "species") == (
        "False",
        "QuotaExceeded",
        f"version 2: pods can't be created: {words}; {advice}; version 1 goes on serving",
    )
    assert world.condition(MODEL_DEPLOYMENTS, "species", "Stalled") == ("", "", ""), "other pods may end"


def test_the_first_rollout_stuck_serves_nothing() -> None:
    world = with_model()
    train(world, "a")
    deploy(world)
    roll_out(world, ready=0, conditions=STUCK)
    world.settle()
    assert ready(world) == ("False", "RolloutFailed")
    assert "nothing serves" in world.condition(MODEL_DEPLOYMENTS, "species")[2]


def test_scaling_is_ready_when_all_replicas_are(world: World) -> None:
    deploy(world, replicas=5)
    assert child(world)["spec"]["replicas"] == 5
    assert (ready(world), serves(world)) == (("False", "RollingOut"), (1, None))
    rolled(world)
    assert ready(world) == ("True", "Serving")
    deploy(world, replicas=0)
    rolled(world)
    assert ready(world) == ("True", "Serving")


def test_a_changed_pod_template_is_not_ready_by_the_old_pods(world: World) -> None:
    world.put(MODEL_DEPLOYMENTS, deployment(podTemplate={"resources": {"limits": {"memory": "1Gi"}}}))
    world.run(Key(MODEL_DEPLOYMENTS, "team", "species"))
    assert ready(world) == ("False", "RollingOut"), "the very pass that applies it knows that it isn't there yet"
    world.settle()
    rolled(world)
    assert ready(world) == ("True", "Serving")


def test_suspend_takes_the_replicas_and_resume_brings_them_back(world: World) -> None:
    deploy(world, suspend=True)
    assert (child(world)["spec"]["replicas"], ready(world)) == (0, ("False", "Suspending"))
    assert "pods that still run: 2" in world.condition(MODEL_DEPLOYMENTS, "species")[2]
    roll_out(world)
    world.settle()
    assert (ready(world), suspended(world)) == (("", ""), ("True", "Suspended"))
    deploy(world)
    assert child(world)["spec"]["replicas"] == 2
    assert ready(world) == ("False", "RollingOut")
    rolled(world)
    assert (ready(world), serves(world)) == (("True", "Serving"), (1, None))


def test_suspend_and_scale_work_while_there_is_no_version_to_serve(world: World) -> None:
    world.delete(MODELS, "species", cascade=False, force=True)
    deploy(world, replicas=3)
    assert ready(world) == ("False", "ModelNotFound")
    assert child(world)["spec"]["replicas"] == 3
    deploy(world, suspend=True)
    assert child(world)["spec"]["replicas"] == 0
    roll_out(world)
    world.settle()
    assert suspended(world) == ("True", "Suspended")
    assert "--model-version=1" in args(world)


def test_a_new_default_image_waits_for_the_next_version(world: World) -> None:
    old = image(world)
    world.installation = Installation.model_validate({"images": {"server": "new:2"}})
    world.restart()
    world.settle()
    deploy(world, replicas=3)
    assert (image(world), status(world)["image"]) == (old, old)
    rolled(world)
    train(world, "b")
    assert (image(world), status(world)["image"]) == ("new:2", "new:2")


def test_an_own_image_comes_and_goes_with_the_pod_template(world: World) -> None:
    default = image(world)
    deploy(world, podTemplate={"image": "mine:1"})
    rolled(world)
    assert (image(world), status(world)["image"]) == ("mine:1", "mine:1")
    deploy(world)
    assert (image(world), status(world)["image"]) == (default, default)


@pytest.mark.parametrize("resource", [DEPLOYMENTS, SERVICES, DISRUPTION_BUDGETS])
def test_a_child_deleted_by_hand_comes_back(world: World, resource: Any) -> None:
    world.delete(resource, "species-v1" if resource == DEPLOYMENTS else "species")
    world.settle()
    assert len(world.all(resource)) == 1
    assert serves(world) == (1, None)


def test_a_child_changed_by_hand_is_put_right(world: World) -> None:
    edited = child(world)
    edited["spec"]["replicas"] = 7
    world.put(DEPLOYMENTS, edited)
    world.settle()
    assert child(world)["spec"]["replicas"] == 2


def test_somebody_else_s_deployment_of_that_name_is_left_alone() -> None:
    world = with_model()
    train(world, "a")
    world.put(DEPLOYMENTS, {"metadata": {"name": "species-v1"}, "spec": {"replicas": 1}})
    with pytest.raises(NameTaken):
        deploy(world)
    assert child(world)["spec"] == {"replicas": 1}


def test_the_history_is_bounded(world: World) -> None:
    train(world, "b")
    rolled(world)
    for number in [1, 2] * 8:
        deploy(world, modelRef={"name": "species", "version": number})
        rolled(world)
    assert [item["version"] for item in status(world)["history"]] == [1, 2] * 5


def test_names_stay_short_for_the_longest_parents(world: World) -> None:
    # The names and labels of children are checked at every pass, by tests.unit.kinds.rules.
    world.put(MODEL_DEPLOYMENTS, deployment(LONG))
    world.settle()
    assert world.condition(MODEL_DEPLOYMENTS, LONG)[:2] == ("False", "RollingOut")


def test_deleted_and_applied_again_it_starts_anew(world: World) -> None:
    world.delete(MODEL_DEPLOYMENTS, "species")
    assert not world.all(DEPLOYMENTS)
    deploy(world)
    assert (ready(world), serves(world)) == (("False", "RollingOut"), (None, 1))
