"""Checks a rollout with a Gateway by its objects: routes, Services, what is read and what is reported."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest

from modelyard.engine.plan import Fetch, Page, PodsWith
from modelyard.engine.resource import (
    BACKEND_POLICIES,
    DEPLOYMENTS,
    GATEWAY_CLASSES,
    GATEWAYS,
    HTTP_ROUTES,
    MODEL_DEPLOYMENTS,
    MODELS,
    SERVICES,
    Key,
    Object,
)
from modelyard.kinds.modeldeployment.traffic.routes import NOBODY
from tests.unit.kinds.objects import deployment, model, roll_out
from tests.unit.kinds.test_model import GATES, train, with_model
from tests.unit.kinds.test_modeldeployment import deploy, ready, rolled, serves, status
from tests.unit.kinds.world import Died, World

GATEWAY = {"name": "modelyard", "hostname": "species.example.com"}
CANARY = {"strategy": "Canary", "steps": [{"weight": 10, "pause": "60s"}]}
ENVOY = "gateway.envoyproxy.io/gatewayclass-controller"


def open_gateway(world: World, controller: str = ENVOY, programmed: str = "True") -> None:
    world.put(GATEWAY_CLASSES, {"metadata": {"name": "envoy", "namespace": ""}, "spec": {"controllerName": controller}})
    meta = {"name": "modelyard", "namespace": "modelyard-system"}
    world.put(GATEWAYS, {"metadata": meta, "spec": {"gatewayClassName": "envoy"}})
    state = {"type": "Programmed", "status": programmed, "reason": "NoAddress", "message": "no address yet"}
    world.status(GATEWAYS, "modelyard", {"conditions": [state]}, "modelyard-system")


@pytest.fixture
def world() -> World:
    """Returns a world in which version 1 serves through the gateway, and version 2 has just become champion."""
    world = served_through_gateway()
    train(world, "b")
    return world


def served_through_gateway() -> World:
    """Returns a world in which version 1 serves through the gateway."""
    world = with_model()
    open_gateway(world)
    train(world, "a")
    deploy(world, gateway=GATEWAY, rollout=CANARY)
    rolled(world)
    return world


def shares(world: World, rule: int = -1) -> dict[str, int]:
    refs = world.get(HTTP_ROUTES, "species")["spec"]["rules"][rule]["backendRefs"]
    return {ref["name"]: ref["weight"] for ref in refs}


def matched(world: World, rule: int) -> list[str]:
    """Returns the names of the headers that a rule of the route matches."""
    match = world.get(HTTP_ROUTES, "species")["spec"]["rules"][rule]["matches"][0]
    return [header["name"] for header in match.get("headers") or ()]


def at_ten(world: World, **spec: Any) -> None:
    if spec:
        deploy(world, gateway=GATEWAY, **spec)
    roll_out(world)
    world.settle()


def test_traffic_follows_the_weight(world: World) -> None:
    assert shares(world) == {"species-v1": 100}
    assert ready(world) == ("False", "WaitingForPods")
    at_ten(world)
    assert shares(world, 0) == shares(world) == {"species-v1": 90, "species-v2": 10}
    assert {ref["port"] for ref in world.get(HTTP_ROUTES, "species")["spec"]["rules"][0]["backendRefs"]} == {9000}
    assert world.get(SERVICES, "species-v2")["spec"]["selector"]["modelyard.dev/version"] == "2"
    assert world.get(SERVICES, "species")["spec"]["selector"]["modelyard.dev/version"] == "1"
    assert ready(world) == ("False", "Canary")
    assert "version 2 gets 10 % of the requests (step 1 of 2)" in world.condition(MODEL_DEPLOYMENTS, "species")[2]
    assert (status(world)["weight"], status(world)["step"]) == (10, "1/2")
    world.tick(60)
    rolled(world)
    assert shares(world) == {"species-v2": 100}
    assert len(world.all(DEPLOYMENTS)) == 2, "the old pods stay until nobody asks them"
    world.tick(5)
    assert [child["metadata"]["name"] for child in world.all(DEPLOYMENTS)] == ["species-v2"]
    assert {child["metadata"]["name"] for child in world.all(SERVICES)} == {"species", "species-v2"}
    assert (ready(world), serves(world)) == (("True", "Serving"), (2, None))
    assert status(world)["url"] == "http://species.example.com"


def test_the_candidates_servers_are_asked_over_the_same_time(world: World) -> None:
    metrics = [{"name": "errors", "metric": "ErrorRate", "max": 0.01}]
    at_ten(world, rollout={**CANARY, "analysis": {"metrics": metrics}})
    at_ten(world)
    for number in (1, 2):
        world.serving[f"modelyard.dev/modeldeployment=species,modelyard.dev/version={number}"] = [pod(number)]
    world.read.clear()
    world.tick(20)
    spans = {need.url.split("sketches")[1] for need in world.read if isinstance(need, Page)}
    assert len(spans) == 1, spans
    assert "answers" not in spans.pop()
    assert sum(isinstance(need, PodsWith) for need in world.read) == 2
    world.tick(60)
    assert ready(world) == ("False", "Inconclusive")
    assert "spec.rollout.promote: 2" in world.condition(MODEL_DEPLOYMENTS, "species")[2]
    assert status(world)["rollout"]["analysis"][0]["verdict"] == "Inconclusive"


def test_answers_are_asked_for_where_they_are_compared(world: World) -> None:
    metrics = [{"name": "same", "metric": "Disagreement", "max": 0.01}]
    shadow = {"strategy": "Shadow", "steps": [{"weight": 100, "pause": "60s"}], "analysis": {"metrics": metrics}}
    at_ten(world, rollout=shadow)
    for number in (1, 2):
        world.serving[f"modelyard.dev/modeldeployment=species,modelyard.dev/version={number}"] = [pod(number)]
    world.read.clear()
    world.tick(20)
    pages = [need.url for need in world.read if isinstance(need, Page)]
    assert len(pages) == 2
    assert all(url.endswith("&answers=true") for url in pages), pages


def pod(number: int, **container: Any) -> Object:
    meta = {"name": f"species-v{number}-x", "creationTimestamp": "2026-01-05T12:00:00Z"}
    state = {"phase": "Running", "podIP": f"10.0.0.{number}", "containerStatuses": [{"name": "server", **container}]}
    return {"metadata": meta, "status": state}


def test_a_candidate_that_crashes_is_rolled_back(world: World) -> None:
    at_ten(world)
    ended = {"terminated": {"exitCode": 139, "reason": "Error", "message": "no memory for the model"}}
    world.serving["modelyard.dev/modeldeployment=species,modelyard.dev/version=2"] = [pod(2, lastState=ended)]
    world.tick(10)
    assert (ready(world), serves(world)) == (("False", "CandidateRejected"), (1, None))
    message = world.condition(MODEL_DEPLOYMENTS, "species")[2]
    assert "killed by signal 11 (SIGSEGV) (Error): no memory for the model" in message
    assert "spec.rollout.promote: 2" in message
    assert shares(world) == {"species": 1}
    assert [child["metadata"]["name"] for child in world.all(DEPLOYMENTS)] == ["species-v1"]
    world.tick(3600)
    assert serves(world) == (1, None)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 7))
def test_an_operator_that_ends_in_a_rollback_does_not_begin_the_rollout_again(
    world: World, number: int, when: str
) -> None:
    at_ten(world)
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    pods = "modelyard.dev/modeldeployment=species,modelyard.dev/version=2"
    world.serving[pods] = [pod(2, state=ended)]
    world.die_at = (world.writes + number, when)
    with contextlib.suppress(Died):
        world.tick(10)
    world.die_at = None
    if len(world.all(DEPLOYMENTS)) == 1:
        del world.serving[pods]
    world.restart()
    world.settle()
    rolled(world)
    assert (serves(world), shares(world)) == ((1, None), {"species": 1})
    assert [(item["version"], item["reason"]) for item in status(world)["rejected"]] == [(2, "Crashed")]
    assert world.created[DEPLOYMENTS, "team", "species-v2"] == 1


def test_a_crash_is_seen_as_soon_as_no_pod_is_ready(world: World) -> None:
    at_ten(world)
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    world.serving["modelyard.dev/modeldeployment=species,modelyard.dev/version=2"] = [pod(2, state=ended)]
    roll_out(world, ready=0)
    world.settle()
    assert serves(world) == (1, None)
    assert [item["reason"] for item in status(world)["rejected"]] == ["Crashed"]


def test_a_status_that_was_lost_keeps_the_stable_version(world: World) -> None:
    at_ten(world)
    world.status(MODEL_DEPLOYMENTS, "species", None)
    world.settle()
    assert serves(world) == (1, 2)
    assert shares(world) == {"species-v1": 90, "species-v2": 10}
    assert [item["version"] for item in status(world)["history"]] == [1]


def test_shadow_mirrors(world: World) -> None:
    at_ten(world, rollout={"strategy": "Shadow", "steps": [{"weight": 30, "pause": "60s"}]})
    at_ten(world)
    rule = world.get(HTTP_ROUTES, "species")["spec"]["rules"][-1]
    assert shares(world) == {"species-v1": 100}
    (mirror,) = rule["filters"]
    assert mirror["requestMirror"]["backendRef"]["name"] == "species-v2"
    assert mirror["requestMirror"]["percent"] == 30


def test_an_ab_test_by_header_and_by_hash(world: World) -> None:
    test = {"headers": {"x-group": "beta"}, "stickyBy": "x-user"}
    steps = [{"weight": 40, "untilPromoted": True}]
    world.put(
        MODEL_DEPLOYMENTS, deployment(gateway=GATEWAY, rollout={"strategy": "ABTest", "abTest": test, "steps": steps})
    )
    world.settle()
    # The rules exist before the test begins but match no request: a gateway briefly answers 503 on a new rule.
    headers = [[], [], ["x-group", NOBODY], ["x-group", NOBODY]]
    assert [matched(world, rule) for rule in range(4)] == headers
    at_ten(world)
    assert [matched(world, rule) for rule in range(4)] == [[], [], ["x-group"], ["x-group"]]
    assert shares(world, 3) == {"species-v2": 1}
    assert shares(world, 1) == {"species-v1": 60, "species-v2": 40}
    consistent = world.get(BACKEND_POLICIES, "species")["spec"]["loadBalancer"]["consistentHash"]
    assert consistent["headers"] == [{"name": "x-user"}]
    assert ready(world) == ("False", "AwaitingPromotion")
    # After the test the rules stay, for the same reason.
    world.put(MODELS, model(gates=GATES, pin={"version": 1}))
    world.settle()
    assert [matched(world, rule) for rule in range(4)] == headers
    rules = world.get(HTTP_ROUTES, "species")["spec"]["rules"]
    assert [rule["backendRefs"][0]["name"] for rule in rules] == ["species"] * 4


TEST = {"strategy": "ABTest", "abTest": {"headers": {"x-group": "beta"}}}
HALF = {"strategy": "Canary", "steps": [{"weight": 50, "untilPromoted": True}]}


def changed(world: World, rollout: Object) -> None:
    """Replaces the rollout in the spec."""
    obj = world.get(MODEL_DEPLOYMENTS, "species")
    world.put(MODEL_DEPLOYMENTS, obj | {"spec": obj["spec"] | {"rollout": rollout}})
    world.settle()


def test_a_test_that_is_taken_out_leaves_its_rules_for_nobody_until_the_rollout_ends(world: World) -> None:
    changed(world, TEST | {"steps": HALF["steps"]})
    at_ten(world)
    assert [matched(world, rule) for rule in range(4)] == [[], [], ["x-group"], ["x-group"]]
    changed(world, HALF)
    assert [matched(world, rule) for rule in range(4)] == [[], [], [NOBODY], [NOBODY]]
    assert shares(world, 0) == shares(world, 1) == {"species-v1": 50, "species-v2": 50}
    world.down.add(Fetch)
    world.tick(60)
    world.down.clear()
    assert len(world.get(HTTP_ROUTES, "species")["spec"]["rules"]) == 4
    world.put(MODELS, model(gates=GATES, pin={"version": 1}))
    world.settle()
    assert len(world.get(HTTP_ROUTES, "species")["spec"]["rules"]) == 2


def test_a_test_that_is_put_on_begins_once_its_rules_are_there(world: World) -> None:
    changed(world, HALF)
    at_ten(world)
    assert shares(world) == {"species-v1": 50, "species-v2": 50}
    key = Key(MODEL_DEPLOYMENTS, "team", "species")
    obj = world.get(MODEL_DEPLOYMENTS, "species")
    world.put(MODEL_DEPLOYMENTS, obj | {"spec": obj["spec"] | {"rollout": TEST | {"steps": HALF["steps"]}}})
    plan = world.run(key)
    assert plan is not None
    assert [matched(world, rule) for rule in range(4)] == [[], [], ["x-group", NOBODY], ["x-group", NOBODY]]
    assert plan.after == world.now + timedelta(seconds=2)
    world.now += timedelta(seconds=2)
    world.run(key)
    assert [matched(world, rule) for rule in range(4)] == [[], [], ["x-group"], ["x-group"]]
    assert (shares(world, 1), shares(world, 3)) == ({"species-v1": 1}, {"species-v2": 1})


@pytest.mark.parametrize(
    ("change", "reason", "says"),
    [
        (lambda world: world.delete(GATEWAYS, "modelyard", namespace="modelyard-system"), "GatewayNotFound", "-A"),
        (lambda world: open_gateway(world, programmed="False"), "GatewayNotProgrammed", "no address yet"),
    ],
)
def test_without_a_way_the_candidate_waits_and_the_stable_version_serves(
    world: World, change: Any, reason: str, says: str
) -> None:
    change(world)
    rolled(world)
    assert (ready(world), serves(world)) == (("False", reason), (1, 2))
    message = world.condition(MODEL_DEPLOYMENTS, "species")[2]
    assert says in message
    assert message.endswith("version 1 goes on serving")
    assert status(world)["weight"] == 0


def test_the_first_has_the_hostname(world: World) -> None:
    world.tick(10)
    world.put(MODEL_DEPLOYMENTS, deployment("late", gateway=GATEWAY))
    world.settle()
    roll_out(world, "late")
    world.settle()
    state, reason, message = world.condition(MODEL_DEPLOYMENTS, "late")
    assert (state, reason) == ("False", "HostnameTaken")
    assert "team/species" in message
    assert [route["metadata"]["name"] for route in world.all(HTTP_ROUTES)] == ["species"]


def test_sticky_needs_envoy_gateway(world: World) -> None:
    open_gateway(world, controller="example.com/other")
    at_ten(world, rollout={"strategy": "ABTest", "abTest": {"stickyBy": "x-user"}})
    at_ten(world)
    assert ready(world) == ("False", "StickyNotSupported")


def without_gateway(world: World) -> None:
    """Removes the gateway from the spec."""
    world.put(MODEL_DEPLOYMENTS, {**world.get(MODEL_DEPLOYMENTS, "species"), "spec": deployment()["spec"]})
    rolled(world)


def test_without_the_gateway_its_route_goes(world: World) -> None:
    at_ten(world)
    without_gateway(world)
    assert not world.all(HTTP_ROUTES)
    assert not world.all(BACKEND_POLICIES)
    assert status(world)["url"] == "http://species.team.svc"
    assert [child["metadata"]["name"] for child in world.all(SERVICES)] == ["species"]


def test_a_route_that_cant_be_read_goes_when_it_can(world: World) -> None:
    at_ten(world)
    world.down.add(Fetch)
    without_gateway(world)
    assert len(world.all(HTTP_ROUTES)) == 1
    assert status(world)["url"] == "http://species.example.com"
    world.down.clear()
    world.tick(60)
    assert not world.all(HTTP_ROUTES)
    assert not world.all(BACKEND_POLICIES)
    assert status(world)["url"] == "http://species.team.svc"


def test_a_gateway_that_is_lost_while_all_is_steady_is_a_warning() -> None:
    world = served_through_gateway()
    assert ready(world) == ("True", "Serving")
    world.delete(GATEWAYS, "modelyard", namespace="modelyard-system")
    plan = world.run(Key(MODEL_DEPLOYMENTS, "team", "species"))
    assert plan is not None
    assert [(note.type, note.reason) for note in plan.notes] == [("Warning", "GatewayNotFound")]
    assert "version 1 serves on 2 of 2 replicas, in the cluster only" in plan.notes[0].message
