"""Checks with the real kstatus how GitOps tools judge an object of any kind: never done before its first pass."""

from __future__ import annotations

from importlib import import_module

import pytest

from modelyard.engine.resource import Resource
from modelyard.engine.status import refused
from modelyard_api.kinds.registry import KINDS
from tests.support.kstatus import Kstatus
from tests.unit.kinds.conftest import Witness
from tests.unit.kinds.test_loop import play
from tests.unit.kinds.world import World

Done = tuple[World, Resource, str]


@pytest.fixture(params=KINDS)
def done(request: pytest.FixtureRequest, witness: Witness) -> Done:
    """Runs the kind's own story, in which an object becomes Ready; returns its world, resource and name."""
    module = import_module(f"tests.unit.kinds.test_{request.param.lower()}")
    world, name = module.done()
    return world, Resource.of(request.param), name


def test_it_is_in_progress_until_it_is_done(done: Done, witness: Witness) -> None:
    _, resource, name = done
    assert witness.verdicts(resource, name) == ["InProgress", "Current"]


def test_it_is_in_progress_until_somebody_has_looked(done: Done, kstatus: Kstatus) -> None:
    """The CRD's default status makes an object without status InProgress: without the default it would be Current."""
    world, resource, name = done
    fresh = world.status(resource, name, None) | {"apiVersion": resource.api_version, "kind": resource.kind}
    verdict = kstatus.of(fresh)
    assert verdict.status == "InProgress"
    assert verdict.message.endswith("but latest observed generation is -1")
    assert kstatus.of({**fresh, "status": {}}).status == "Current"


def test_an_edited_spec_is_in_progress_until_somebody_has_looked(done: Done, witness: Witness) -> None:
    world, resource, name = done
    current = world.get(resource, name)
    edited = world.put(resource, {**current, "spec": {**current["spec"], "edited": True}})
    assert edited["metadata"]["generation"] == current["metadata"]["generation"] + 1
    assert witness.verdicts(resource, name) == ["InProgress", "Current", "InProgress"]


def test_what_is_being_deleted_is_terminating(done: Done, witness: Witness) -> None:
    world, resource, name = done
    current = world.get(resource, name)
    world.put(resource, {**current, "metadata": {**current["metadata"], "deletionTimestamp": "2026-01-05T13:00:00Z"}})
    world.settle()
    assert witness.verdicts(resource, name) == ["InProgress", "Current", "Terminating"]


def test_it_has_failed_when_the_api_server_refuses_a_child(done: Done, witness: Witness) -> None:
    world, resource, name = done
    current = world.get(resource, name)
    status = refused(current, current["status"], "InvalidChild", "spec.replicas: must not be negative", world.now)
    world.status(resource, name, status)
    assert witness.verdicts(resource, name) == ["InProgress", "Current", "Failed"]


def test_a_verdict_is_what_the_conditions_say(witness: Witness) -> None:
    """In each state from data to three served versions, kstatus agrees with a reader of the conditions."""
    play()
    played, current = set(), set()
    for slot, obj, verdict in witness.states:
        status = obj["status"]
        true = {item["type"] for item in status.get("conditions", ()) if item["status"] == "True"}
        if status["observedGeneration"] != obj["metadata"]["generation"]:
            assert verdict == "InProgress", (slot, status)
        else:
            assert verdict == ("Failed" if "Stalled" in true else "Current" if "Ready" in true else "InProgress"), slot
        played.add(slot[0].kind)
        current |= {slot[0].kind} if verdict == "Current" else set()
    assert current == played >= {"Dataset", "DatasetVersion", "TrainingRun", "Model", "ModelVersion", "ModelDeployment"}
