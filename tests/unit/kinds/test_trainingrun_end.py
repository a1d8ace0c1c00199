"""Checks how a TrainingRun ends, and how it recovers a lost status, Job or result."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from modelyard.engine.plan import PodsOf, Result
from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, MODEL_VERSIONS, MODELS, TRAINING_RUNS, Object
from modelyard_api.kinds.trainingrun import TrainingRun
from tests.unit.kinds.objects import at, complete, digest, fail, failed, model, pod, run, train_result
from tests.unit.kinds.test_trainingrun import OWN, job_of, jobs_of, phase, ready, start, with_data
from tests.unit.kinds.world import World


@pytest.fixture
def world() -> World:
    return with_data()


def test_trained_without_a_model_it_is_complete(world: World) -> None:
    start(world)
    complete(world, job_of(world), train_result(job_of(world), 0.98765))
    world.settle()
    status = world.status_of(TRAINING_RUNS, "forest")
    assert (status["phase"], status["objective"], status["score"]) == ("Succeeded", "balanced_accuracy", "0.9877")
    assert status["outputs"] == {"datasetVersion": status["datasetVersion"]}
    assert (status["completionTime"], status["attempts"]) == (at(world), 1)
    assert status["trackingURL"] == "http://localhost:5000/#/experiments/7/runs/r1"
    assert ready(world) == ("True", "Trained")
    assert world.condition(TRAINING_RUNS, "forest", "Complete")[0] == "True"


def test_trained_for_a_model_it_is_complete_once_registered(world: World) -> None:
    start(world, modelRef={"name": "species"})
    assert ready(world) == ("False", "ModelNotFound")
    world.put(MODELS, model())
    world.settle()
    complete(world, job_of(world), train_result(job_of(world)))
    world.down.add(Result)
    world.settle()
    assert ready(world) == ("False", "ArtifactStoreUnavailable")
    world.down.clear()
    world.settle()
    status = world.status_of(TRAINING_RUNS, "forest")
    assert status["outputs"]["modelVersion"] == "species-v1"
    assert (phase(world), ready(world)) == ("Succeeded", ("True", "Registered"))
    assert world.one(MODEL_VERSIONS)["spec"]["lineage"]["datasetVersion"] == status["datasetVersion"]


def test_what_is_stored_as_skops_says_so_and_why_to_the_end(world: World) -> None:
    """The condition and the ModelVersion keep the reason, for when the result can't be read any more."""
    why = "KNeighborsClassifier does not convert"
    world.put(MODELS, model())
    start(world, modelRef={"name": "species"})
    complete(world, job_of(world), train_result(job_of(world), artifactFormat="Skops", formatReason=why))
    world.settle()
    status, reason, message = world.condition(TRAINING_RUNS, "forest", "Trained")
    assert (status, reason) == ("True", "StoredAsSkops")
    assert why in message
    assert "stored as skops" in world.condition(TRAINING_RUNS, "forest")[2]
    version = world.one(MODEL_VERSIONS)
    assert (version["spec"]["artifact"]["format"], version["spec"]["artifact"]["formatReason"]) == ("Skops", why)
    message = world.condition(MODEL_VERSIONS, "species-v1", "Verified")[2]
    assert "stored as skops" in message
    assert why in message


DOUBTS: list[tuple[Object, str, str, bool, list[str]]] = [
    ({"fit": {"scale": "None", "converged": False, "convergenceWarning": "lbfgs failed"}},
     "Converged", "NotConverged", False, ["estimator.params", "lbfgs failed", "numeric.scale", "max_iter"]),
    ({"fit": {"scale": "Standard", "converged": True}}, "Converged", "Converged", True, []),
    ({"baseline": 0.9}, "BetterThanBaseline", "NoBetterThanBaseline", False, ["0.9 of always", "most frequent class"]),
    ({"baseline": 0.91}, "BetterThanBaseline", "NoBetterThanBaseline", False, ["0.91"]),
    ({"baseline": 0.5}, "BetterThanBaseline", "BetterThanBaseline", True, ["0.9 on the held-out rows", "0.5"]),
    ({"objective": "log_loss", "baseline": 0.2}, "BetterThanBaseline", "NoBetterThanBaseline", False, ["0.3", "0.2"]),
    ({"objective": "log_loss", "baseline": 0.7}, "BetterThanBaseline", "BetterThanBaseline", True, ["0.3", "0.7"]),
]  # fmt: skip


@pytest.mark.parametrize(("result", "type_", "reason", "holds", "says"), DOUBTS)
def test_a_doubtful_model_is_told_of(
    world: World, result: Object, type_: str, reason: str, holds: bool, says: list[str]
) -> None:
    start(world)
    complete(world, job_of(world), train_result(job_of(world), **result))
    world.settle()
    status, actual, message = world.condition(TRAINING_RUNS, "forest", type_)
    assert (status, actual) == (str(holds), reason)
    assert all(word in message for word in says), message
    assert ready(world) == ("True", "Trained")
    doubted = "see condition BetterThanBaseline" in world.condition(TRAINING_RUNS, "forest")[2]
    assert doubted == (reason == "NoBetterThanBaseline")


def test_the_scale_that_was_chosen_is_told(world: World) -> None:
    start(world)
    complete(world, job_of(world), train_result(job_of(world), fit={"scale": "Standard"}))
    world.settle()
    assert "numbers were scaled: Standard" in world.condition(TRAINING_RUNS, "forest", "Trained")[2]


def test_trained_stays_said_while_it_waits_for_the_model(world: World) -> None:
    """If Trained were dropped, the Model would give the version's number to another run."""
    world.put(MODELS, model())
    start(world, modelRef={"name": "species"})
    world.delete(MODELS, "species")
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    assert ready(world) == ("False", "Registering")
    world.down.add(Result)
    world.delete(JOBS, job_of(world)["metadata"]["name"])
    world.put(TRAINING_RUNS, run(modelRef={"name": "species"}, suspend=True))
    world.tick(60)
    assert world.condition(TRAINING_RUNS, "forest", "Trained")[0] == "True"
    assert jobs_of(world) == 0
    world.down.clear()
    world.put(MODELS, model())
    world.settle()
    assert ready(world) == ("True", "Registered")


def test_a_model_made_anew_for_another_task_takes_no_old_run(world: World) -> None:
    world.put(MODELS, model())
    start(world, modelRef={"name": "species"})
    world.delete(MODELS, "species")
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    world.put(MODELS, model(task="Regression"))
    world.settle()
    assert ready(world) == ("False", "TaskMismatch")
    assert not world.all(MODEL_VERSIONS)
    assert "registering" not in world.status_of(MODELS, "species")


ENDS: list[tuple[Object | None, Object, Object | None, str, list[str]]] = [
    (failed("UnknownParameter", "no max_dept; there is max_depth"), {}, None, "UnknownParameter", ["max_depth"]),
    (None, {"exitCode": 2, "message": '{"kind": "Failed", "error": {"reason": "OneClass", "message": "only yes"}}'},
     None, "OneClass", ["only yes"]),
    (None, {"exitCode": 137, "reason": "OOMKilled"}, None, "OOMKilled", ["1Gi", "spec.podTemplate.resources.limits"]),
    (None, {"exitCode": 3, "message": "boo\nout of luck"}, None, "PodFailed", ["exit code 3", "kubectl logs"]),
    (None, {"exitCode": 3, "message": "boo\nout of luck"}, OWN, "ContainerFailed",
     ["spec.trainer.container", "exit code 3", "out of luck"]),
    (failed("ContainerWroteNothing", "/modelyard/out/model.onnx"), {"exitCode": 3}, OWN, "ContainerFailed", []),
    (None, {}, None, "BackoffLimitExceeded", ["backoff limit"]),
    ({"kind": "Train"}, {}, None, "ResultUnreadable", ["Train.task", "same release"]),
]  # fmt: skip


@pytest.mark.parametrize(("result", "state", "trainer", "reason", "says"), ENDS)
def test_a_failed_job_says_why(
    world: World, result: Object | None, state: Object, trainer: Object | None, reason: str, says: list[str]
) -> None:
    start(world, **({"trainer": trainer} if trainer else {}))
    fail(world, job_of(world), result, **state)
    world.settle()
    status, actual, message = world.condition(TRAINING_RUNS, "forest")
    assert (status, actual, phase(world)) == ("False", reason, "Failed")
    assert all(word in message for word in says), message
    assert world.condition(TRAINING_RUNS, "forest", "Failed")[0] == "True"
    assert world.condition(TRAINING_RUNS, "forest", "Stalled")[0] == "True"
    assert "Traceback" not in message


def test_its_deadline_is_named(world: World) -> None:
    start(world, activeDeadlineSeconds=7)
    fail(world, job_of(world), because="DeadlineExceeded")
    world.settle()
    assert ready(world) == ("False", "DeadlineExceeded")
    assert "spec.activeDeadlineSeconds (7)" in world.condition(TRAINING_RUNS, "forest")[2]


def test_a_complete_job_without_a_result_failed(world: World) -> None:
    start(world, "empty")
    complete(world, job_of(world, "empty"))
    start(world, "wrong", trainer=OWN)
    complete(world, job_of(world, "wrong"), failed("ContainerWroteNothing", "/modelyard/out/model.onnx is not there"))
    world.settle()
    assert ready(world, "empty") == ("False", "ResultMissing")
    assert ready(world, "wrong") == ("False", "ContainerWroteNothing")


def test_nothing_final_is_said_while_the_evidence_cannot_be_read(world: World) -> None:
    start(world)
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


def test_a_result_counts_though_its_pod_was_lost_after_it(world: World) -> None:
    start(world)
    fail(world, job_of(world), train_result(job_of(world)))
    world.settle()
    assert phase(world) == "Succeeded"


def test_evicted_and_unschedulable_are_told(world: World) -> None:
    start(world)
    job = job_of(world)
    evicted = pod(job, terminated={"exitCode": 137})
    evicted["status"] |= {"reason": "Evicted", "message": "disk pressure"}
    fail(world, job)
    world.pods[job["metadata"]["uid"]] = [evicted]
    world.settle()
    assert ready(world) == ("False", "Evicted")
    assert "disk pressure" in world.condition(TRAINING_RUNS, "forest")[2]


# --- after the end --------------------------------------------------------------------------------------------------


def test_the_job_goes_after_its_time_to_live_and_the_run_stays(world: World) -> None:
    start(world, ttlSecondsAfterFinished=60)
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    world.tick(59)
    assert jobs_of(world) == 1
    world.tick(1)
    assert jobs_of(world) == 0
    world.tick(3600)
    assert (phase(world), jobs_of(world)) == ("Succeeded", 0)


def test_the_longest_time_to_live_still_ends_at_a_date(world: World) -> None:
    start(world, ttlSecondsAfterFinished=2**31 - 1)
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    assert (phase(world), jobs_of(world)) == ("Succeeded", 1)
    for field in ("ttlSecondsAfterFinished", "activeDeadlineSeconds"):
        with pytest.raises(ValidationError, match=field):
            TrainingRun.model_validate(run(**{field: 2**31}))


def test_what_is_over_stays_over_whatever_happens_to_its_parts(world: World) -> None:
    start(world)
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    before = world.status_of(TRAINING_RUNS, "forest")
    world.delete(JOBS, job_of(world)["metadata"]["name"])
    world.delete(DATASETS, "penguins")
    world.results.clear()
    world.tick(3600)
    assert world.status_of(TRAINING_RUNS, "forest") == before
    start(world, suspend=True, ttlSecondsAfterFinished=5)
    after = world.status_of(TRAINING_RUNS, "forest")
    assert after["observedGeneration"] == 2
    assert {item["observedGeneration"] for item in after["conditions"]} == {2}
    assert phase(world) == "Succeeded"


# --- lost and found -------------------------------------------------------------------------------------------------


def test_a_job_deleted_by_hand_runs_again_on_the_same_data(world: World) -> None:
    start(world)
    job = job_of(world)
    world.delete(JOBS, job["metadata"]["name"])
    world.settle()
    assert job_of(world)["metadata"]["name"] == job["metadata"]["name"]
    assert job_of(world)["spec"] == job["spec"]


def test_a_job_deleted_after_it_had_trained_does_not_run_again(world: World) -> None:
    start(world)
    job = job_of(world)
    world.now = world.now.replace(minute=10)
    complete(world, job, train_result(job))
    world.delete(JOBS, job["metadata"]["name"])
    world.settle()
    assert (phase(world), jobs_of(world)) == ("Succeeded", 0)


def test_without_its_job_and_its_data_it_fails(world: World) -> None:
    start(world)
    world.delete(JOBS, job_of(world)["metadata"]["name"])
    world.delete(DATASETS, "penguins", force=True)
    world.delete(DATASET_VERSIONS, world.status_of(TRAINING_RUNS, "forest")["datasetVersion"], force=True)
    world.settle()
    assert ready(world) == ("False", "DatasetVersionNotFound")


@pytest.mark.parametrize("ended", [False, True])
def test_a_lost_status_comes_back_from_the_job(world: World, ended: bool) -> None:
    start(world)
    first = world.status_of(TRAINING_RUNS, "forest")
    if ended:
        complete(world, job_of(world), train_result(job_of(world)))
        world.settle()
        first = world.status_of(TRAINING_RUNS, "forest")
    # The Dataset's latest version and the installation's image have changed meanwhile.
    world.status(DATASETS, "penguins", {**world.status_of(DATASETS, "penguins"), "latest": "another"})
    world.installation.images.runtime = "new:2"
    world.status(TRAINING_RUNS, "forest", None)
    world.settle()
    after = world.status_of(TRAINING_RUNS, "forest")
    for field in ("datasetVersion", "image", "job", "resultURI", "startTime", "phase", "outputs", "score"):
        assert after.get(field) == first.get(field), field
    assert jobs_of(world) == 1


def test_a_lost_status_without_a_job_comes_back_from_the_result(world: World) -> None:
    world.put(MODELS, model())
    start(world, modelRef={"name": "species"})
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    first = world.status_of(TRAINING_RUNS, "forest")
    world.delete(JOBS, job_of(world)["metadata"]["name"])
    world.status(TRAINING_RUNS, "forest", None)
    world.tick(60)
    after = world.status_of(TRAINING_RUNS, "forest")
    for field in ("datasetVersion", "phase", "outputs", "score", "metrics"):
        assert after.get(field) == first.get(field), field
    assert jobs_of(world) == 0
    assert len(world.all(MODEL_VERSIONS)) == 1


def test_the_lineage_of_a_lost_status_is_that_of_the_result(world: World) -> None:
    world.put(MODELS, model())
    start(world, modelRef={"name": "species"})
    job = job_of(world)
    result = train_result(job, image="trained:1", datasetVersion="penguins-old", datasetDigest=digest("old"))
    complete(world, job, result)
    world.delete(JOBS, job["metadata"]["name"])
    world.status(TRAINING_RUNS, "forest", None)
    world.tick(60)
    assert (phase(world), jobs_of(world)) == ("Succeeded", 0)
    assert world.status_of(TRAINING_RUNS, "forest")["datasetVersion"] == "penguins-old"
    lineage = world.one(MODEL_VERSIONS)["spec"]["lineage"]
    expected = {"datasetVersion": "penguins-old", "datasetDigest": digest("old"), "image": "trained:1"}
    assert {field: lineage.get(field) for field in expected} == expected


def test_deleted_and_applied_again_it_trains_anew(world: World) -> None:
    world.put(MODELS, model())
    start(world, modelRef={"name": "species"})
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    old = job_of(world)["metadata"]["name"]
    world.delete(TRAINING_RUNS, "forest")
    assert jobs_of(world) == 0
    assert len(world.all(MODEL_VERSIONS)) == 1, "a version is its Model's, not its run's"
    start(world, modelRef={"name": "species"})
    assert job_of(world)["metadata"]["name"] != old
    assert phase(world) == "Pending"
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    assert world.status_of(TRAINING_RUNS, "forest")["outputs"]["modelVersion"] == "species-v2"
    assert len(world.all(DATASET_VERSIONS)) == 1
