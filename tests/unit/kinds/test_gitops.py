"""Checks that Argo CD and Flux, each by its own engine, judge every object as its conditions say it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from modelyard.engine.resource import MODEL_DEPLOYMENTS, Object, Resource
from modelyard.engine.status import refused
from modelyard_api.kinds.registry import KINDS
from tests.support.health import Health
from tests.unit.kinds.conftest import Witness
from tests.unit.kinds.test_loop import play

IN_PROGRESS = ("Progressing", "InProgress")
DONE = ("Healthy", "Current")
FAILED = ("Degraded", "Failed")
SUSPENDED = ("Suspended", "Current")


def whole(resource: Resource, obj: Object) -> Object:
    return {**obj, "apiVersion": resource.api_version, "kind": resource.kind}


def verdicts(health: Health, obj: Object) -> tuple[str, str]:
    return health.argo(obj).status, health.flux(obj).status


def expected(obj: Object) -> tuple[str, str]:
    status = obj["status"]
    if status.get("observedGeneration") != obj["metadata"]["generation"]:
        return IN_PROGRESS
    true = {item["type"] for item in status.get("conditions", ()) if item["status"] == "True"}
    return next(
        (verdict for name, verdict in (("Stalled", FAILED), ("Suspended", SUSPENDED), ("Ready", DONE)) if name in true),
        IN_PROGRESS,
    )


def test_both_judge_each_state_from_data_to_three_served_versions_as_its_conditions_say(
    health: Health, witness: Witness
) -> None:
    play()
    judged = set()
    for slot, obj, _ in witness.states:
        assert verdicts(health, whole(slot[0], obj)) == expected(obj), (slot, obj["status"])
        judged.add((slot[0].kind, expected(obj)))
    assert {kind for kind, verdict in judged if verdict == DONE} >= {
        "Dataset",
        "TrainingRun",
        "Model",
        "ModelDeployment",
    }
    assert {kind for kind, verdict in judged if verdict == IN_PROGRESS} >= {"Dataset", "TrainingRun", "ModelDeployment"}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_judged_before_the_first_look_after_it_and_when_it_has_failed(name: str, health: Health) -> None:
    world, key = import_module(f"tests.unit.kinds.test_{name.lower()}").done()
    resource = Resource.of(name)
    obj = whole(resource, world.get(resource, key))
    assert verdicts(health, obj) == DONE
    fresh: dict[str, Any] = {**obj, "status": {"observedGeneration": -1}}
    assert verdicts(health, fresh) == IN_PROGRESS
    assert "not looked" in health.argo(fresh).message
    assert health.argo({**obj, "status": None}).status == "Progressing"
    failed = {**obj, "status": refused(obj, obj["status"], "InvalidChild", "spec.replicas: must be one", world.now)}
    assert verdicts(health, failed) == FAILED
    assert health.argo(failed).message == "InvalidChild: spec.replicas: must be one"


def test_a_suspended_object_is_suspended_for_argo_and_nobody_waits_for_it_with_flux(health: Health) -> None:
    item = {"type": "Suspended", "status": "True", "reason": "Suspended", "message": "x", "observedGeneration": 2}
    obj = {"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "conditions": [item]}}
    assert verdicts(health, whole(MODEL_DEPLOYMENTS, obj)) == SUSPENDED
