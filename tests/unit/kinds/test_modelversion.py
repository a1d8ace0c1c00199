"""Checks that a ModelVersion is verified against its artifact, scored if imported, and judged by its Model's gates."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import PodsOf, Result
from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, MODEL_VERSIONS, MODELS, TRAINING_RUNS, Object
from modelyard.kinds.modelversion.gates import judge
from modelyard.workload.names import controller_uid
from modelyard_api.kinds.model import Gate
from modelyard_api.wire.task import EvaluateTask
from tests.unit.kinds.objects import (
    SIGNATURE,
    active,
    complete,
    digest,
    evaluate_result,
    fail,
    failed,
    imported,
    model,
    pod,
    task_of,
)
from tests.unit.kinds.test_model import GATES, train, with_model
from tests.unit.kinds.test_trainingrun import start
from tests.unit.kinds.world import World

NAME = "species-v1"


@pytest.fixture
def world() -> World:
    world = with_model()
    put(world)
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a ModelVersion has become Ready, and its name."""
    world = with_model()
    put(world)
    complete(world, job_of(world), evaluate_result(job_of(world)))
    world.settle()
    return world, NAME


def put(world: World, **spec: Any) -> None:
    world.put(MODEL_VERSIONS, imported(1, data=world.status_of(DATASETS, "penguins")["latest"], **spec))
    world.settle()


def job_of(world: World) -> Object:
    (job,) = (job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"])
    return job


def ready(world: World) -> tuple[str, str]:
    return world.condition(MODEL_VERSIONS, NAME)[:2]


def test_an_import_is_scored_by_one_job_on_the_data_it_names(world: World) -> None:
    job = job_of(world)
    task = task_of(job, EvaluateTask)
    version = world.get(MODEL_VERSIONS, NAME)
    assert task.data.name == version["spec"]["lineage"]["datasetVersion"]
    assert (task.artifact_uri, task.artifact_digest) == tuple(version["spec"]["artifact"][k] for k in ("uri", "digest"))
    assert version["metadata"]["uid"] in task.result_uri
    assert ready(world) == ("False", "PodPending")
    complete(world, job, evaluate_result(job))
    world.settle()
    status = world.status_of(MODEL_VERSIONS, NAME)
    assert (ready(world), status["metrics"], status["signature"]) == (
        ("True", "Verified"),
        {"balanced_accuracy": 0.9},
        SIGNATURE,
    )
    assert (status["approved"], status["aliases"]) == (True, ["champion"])
    for type_ in ("Verified", "Approved"):
        assert world.condition(MODEL_VERSIONS, NAME, type_)[0] == "True"


def test_an_import_becomes_its_model_s_and_goes_with_it(world: World) -> None:
    assert controller_uid(world.get(MODEL_VERSIONS, NAME)) == world.get(MODELS, "species")["metadata"]["uid"]
    world.delete(MODELS, "species")
    assert not world.all(MODEL_VERSIONS)


def test_an_import_keeps_an_owner_that_it_has() -> None:
    world = with_model()
    owned = imported(1, data=world.status_of(DATASETS, "penguins")["latest"])
    owner = {"apiVersion": "example.com/v1", "kind": "Release", "name": "r", "uid": "u", "controller": True}
    owned["metadata"]["ownerReferences"] = [owner]
    world.put(MODEL_VERSIONS, owned)
    world.settle()
    assert world.get(MODEL_VERSIONS, NAME)["metadata"]["ownerReferences"] == [owner]


def test_a_trained_version_needs_no_job(world: World) -> None:
    train(world, "forest")
    assert world.condition(MODEL_VERSIONS, "species-v2")[:2] == ("True", "Verified")
    status = world.status_of(MODEL_VERSIONS, "species-v2")
    assert status["metrics"]["balanced_accuracy"] == 0.9
    assert "signature" not in status, "it stands in spec already"
    assert len([job for job in world.all(JOBS) if "modelyard.dev/modelversion" in job["metadata"]["labels"]]) == 1


@pytest.mark.parametrize(
    ("spec", "result", "reason", "says"),
    [
        ({}, {"artifactFormat": "Skops"}, "FormatMismatch", ["spec.artifact.format", "ONNX", "format: Skops"]),
        ({}, {"artifactDigest": digest("x")}, "DigestMismatch", ["spec.artifact.digest", digest("x")]),
        ({"signature": SIGNATURE | {"classes": []}}, {}, "SignatureMismatch", ["spec.signature"]),
    ],
)
def test_what_is_not_what_was_checked_is_never_ready(
    spec: Object, result: Object, reason: str, says: list[str]
) -> None:
    world = with_model()
    put(world, **spec)
    complete(world, job_of(world), evaluate_result(job_of(world), **result))
    world.settle()
    status, actual, message = world.condition(MODEL_VERSIONS, NAME)
    assert (status, actual) == ("False", reason)
    assert all(word in message for word in says)
    assert world.condition(MODEL_VERSIONS, NAME, "Stalled")[0] == "True"
    assert "champion" not in world.status_of(MODELS, "species")


def test_a_signature_that_is_right_is_fine() -> None:
    world = with_model()
    put(world, signature=SIGNATURE)
    complete(world, job_of(world), evaluate_result(job_of(world)))
    world.settle()
    assert ready(world) == ("True", "Verified")


@pytest.mark.parametrize(
    ("result", "state", "reason", "says"),
    [
        (failed("ArtifactMissing", "spec.artifact.uri: there is no model.json"), {}, "ArtifactMissing", "model.json"),
        (None, {"exitCode": 137, "reason": "OOMKilled"}, "OOMKilled", "resources.run of the installation"),
        (None, {"exitCode": 1, "message": "x"}, "PodFailed", "exit code 1"),
        ({"kind": "Evaluate"}, {}, "ResultUnreadable", "Evaluate.artifactDigest"),
    ],
)
def test_a_failed_evaluation_says_why(
    world: World, result: Object | None, state: Object, reason: str, says: str
) -> None:
    fail(world, job_of(world), result, **state)
    world.settle()
    status, actual, message = world.condition(MODEL_VERSIONS, NAME)
    assert (status, actual) == ("False", reason)
    assert says in message
    assert world.condition(MODEL_VERSIONS, NAME, "Stalled")[0] == "True"


def test_a_failed_job_deleted_by_hand_is_another_try(world: World) -> None:
    fail(world, job_of(world), None, exitCode=137, reason="OOMKilled")
    world.settle()
    world.delete(JOBS, job_of(world)["metadata"]["name"])
    world.settle()
    complete(world, job_of(world), evaluate_result(job_of(world)))
    world.settle()
    assert ready(world) == ("True", "Verified")


def test_a_complete_job_without_a_result_is_told(world: World) -> None:
    complete(world, job_of(world))
    world.settle()
    assert ready(world) == ("False", "ResultMissing")


def test_a_pod_that_does_not_start_is_told(world: World) -> None:
    job = job_of(world)
    active(world, job, ready=0)
    cause = "0/2 nodes are available: 2 Insufficient memory."
    unschedulable = [{"type": "PodScheduled", "status": "False", "message": cause}]
    world.pods[job["metadata"]["uid"]] = [pod(job, conditions=unschedulable)]
    world.tick(21)
    status, reason, message = world.condition(MODEL_VERSIONS, NAME)
    assert (status, reason) == ("False", "Unschedulable")
    assert cause in message
    world.down.add(PodsOf)
    world.tick(10)
    assert ready(world) == ("False", "PodPending")


def test_nothing_final_is_said_while_the_evidence_cannot_be_read(world: World) -> None:
    world.down |= {Result, PodsOf}
    fail(world, job_of(world), exitCode=137, reason="OOMKilled")
    world.settle()
    assert ready(world) == ("False", "ArtifactStoreUnavailable")
    world.down.remove(Result)
    world.tick(10)
    assert ready(world) == ("False", "PodsUnavailable")
    world.down.clear()
    world.tick(10)
    assert ready(world) == ("False", "OOMKilled")


def test_a_suspended_evaluation_goes_on(world: World) -> None:
    job = job_of(world)
    world.put(JOBS, {**job, "spec": {**job["spec"], "suspend": True}})
    world.settle()
    assert job_of(world)["spec"]["suspend"] is False


def test_a_lost_status_and_a_deleted_job_are_no_reason_to_score_again(world: World) -> None:
    complete(world, job_of(world), evaluate_result(job_of(world)))
    world.settle()
    before = world.status_of(MODEL_VERSIONS, NAME)
    world.delete(JOBS, job_of(world)["metadata"]["name"])
    world.status(MODEL_VERSIONS, NAME, None)
    world.settle()
    assert world.status_of(MODEL_VERSIONS, NAME) == before
    assert all(count == 1 for count in world.created.values())


def test_it_waits_for_its_model_and_its_data() -> None:
    world = World()
    world.put(MODEL_VERSIONS, imported(1, data="penguins-0"))
    world.settle()
    assert ready(world) == ("False", "ModelNotFound")
    world.put(MODELS, model())
    world.settle()
    assert ready(world) == ("False", "DatasetVersionNotFound")
    assert not world.all(JOBS)


def test_a_version_of_a_run_that_never_was_is_told() -> None:
    world = World()
    world.put(MODELS, model())
    world.put(MODEL_VERSIONS, imported(1, lineage={"trainingRun": "never"}))
    world.settle()
    assert ready(world) == ("False", "ArtifactMissing")


def test_data_too_wide_for_a_task_is_told() -> None:
    world = with_model()
    latest = world.status_of(DATASETS, "penguins")["latest"]
    wide = world.get(DATASET_VERSIONS, latest)
    wide["spec"]["columns"] = [{"name": f"{number:04}" + "é" * 124, "type": "Float"} for number in range(1000)]
    world.put(DATASET_VERSIONS, wide)
    put(world)
    start(world, "forest")
    assert ready(world) == ("False", "SpecTooLarge")
    assert world.condition(TRAINING_RUNS, "forest")[:2] == ("False", "SpecTooLarge")


def test_without_its_model_a_verdict_stays_as_it_was(world: World) -> None:
    complete(world, job_of(world), evaluate_result(job_of(world)))
    world.settle()
    world.delete(MODELS, "species", cascade=False, force=True)
    world.settle()
    status = world.status_of(MODEL_VERSIONS, NAME)
    assert (ready(world), status["approved"], status["aliases"]) == (("True", "Verified"), True, ["champion"])
    assert world.condition(MODEL_VERSIONS, NAME, "Approved")[0] == "True"


# --- gates ----------------------------------------------------------------------------------------------------------


def gate(**bounds: float) -> Gate:
    return Gate.model_validate({"name": "g", "metric": "log_loss", **bounds})


@pytest.mark.parametrize(
    ("bounds", "value", "passed", "says"),
    [
        ({"min": 0.5}, 0.5, True, "log_loss is 0.5, asked is at least 0.5"),
        ({"min": 0.5}, 0.4999999, False, "at least 0.5"),
        ({"max": 0.5}, 0.5, True, "at most 0.5"),
        ({"max": 0.5}, 0.6, False, "log_loss is 0.6, asked is at most 0.5"),
        ({"min": 0.1, "max": 0.5}, 0.3, True, "at least 0.1 and at most 0.5"),
        ({"min": 0.1, "max": 0.5}, 0.6, False, "at least 0.1 and at most 0.5"),
        ({"min": -1.0}, float("nan"), False, "nan"),
        ({"max": 0.5}, None, False, "spec.additionalMetrics"),
        ({"min": 0.0}, 0.0, True, "at least 0"),
    ],
)
def test_gates(bounds: dict[str, float], value: float | None, passed: bool, says: str) -> None:
    (gate_result,) = judge([gate(**bounds)], {} if value is None else {"log_loss": value})
    assert (gate_result.name, gate_result.metric, gate_result.passed) == ("g", "log_loss", passed)
    assert says in gate_result.message
    assert len(gate_result.message) <= 256


def test_all_gates_must_hold(world: World) -> None:
    gates = [*GATES, {"name": "sharp", "metric": "log_loss", "max": 0.1}]
    world.put(MODELS, model(gates=gates))
    complete(world, job_of(world), evaluate_result(job_of(world)))
    world.settle()
    status, reason, message = world.condition(MODEL_VERSIONS, NAME, "Approved")
    assert (status, reason) == ("False", "GateFailed")
    assert message.startswith("sharp: log_loss was not scored")
    assert ready(world) == ("True", "Verified"), "approved is apart"
    assert [gate["passed"] for gate in world.status_of(MODEL_VERSIONS, NAME)["gates"]] == [True, False]
