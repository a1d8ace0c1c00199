"""Checks that work goes on, and the cause is reported, if pods are evicted, nodes lost or the tracking server away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.resource import DATASETS, JOBS, MODEL_VERSIONS, MODELS, NODES, TRAINING_RUNS, Object
from modelyard_api.wire.task import TrainTask
from tests.unit.kinds import test_modelversion as versions
from tests.unit.kinds.objects import (
    active,
    complete,
    evaluate_result,
    leave,
    model,
    pod,
    set_job,
    task_of,
    train_result,
)
from tests.unit.kinds.test_dataset import ingest, running_job, watched
from tests.unit.kinds.test_dataset import ready as dataset_ready
from tests.unit.kinds.test_trainingrun import OWN, job_of, jobs_of, phase, ready, start, with_data
from tests.unit.kinds.world import Died, World


def lose_node(world: World, job: Object, failed: int = 0) -> None:
    """Sets pod, node and Job as in the API server after the node stopped answering and Kubernetes deleted the pod."""
    deleted = pod(job)
    deleted["metadata"]["deletionTimestamp"] = timestamp(world.now + timedelta(seconds=100))
    deleted["spec"]["nodeName"] = "n-2"
    world.pods[job["metadata"]["uid"]] = [deleted]
    unknown = {"type": "Ready", "status": "Unknown", "lastTransitionTime": timestamp(world.now)}
    world.put(NODES, {"metadata": {"name": "n-2", "namespace": ""}, "status": {"conditions": [unknown]}})
    set_job(world, job, terminating=1, failed=failed, startTime=job["metadata"]["creationTimestamp"])


def test_a_run_on_a_lost_node_goes_on_with_another_job(world: World) -> None:
    start(world)
    first = job_of(world)
    lose_node(world, first, failed=1)
    world.settle()
    second = job_of(world)
    assert second["metadata"]["name"] == first["metadata"]["name"]
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert second["spec"]["backoffLimit"] == first["spec"]["backoffLimit"] - 1, "what had failed before has failed"
    (note,) = (message for _, reason, message in world.notes if reason == "NodeLost")
    assert "node 'n-2' does not answer" in note
    active(world, second)
    world.settle()
    assert (world.status_of(TRAINING_RUNS, "forest")["attempts"], phase(world)) == (2, "Running")
    complete(world, second, train_result(second))
    world.settle()
    assert (phase(world), jobs_of(world)) == ("Succeeded", 1)


def test_a_lost_node_counts_as_no_attempt(world: World) -> None:
    start(world)
    active(world, job_of(world))
    world.settle()
    lose_node(world, job_of(world))
    world.settle()
    active(world, job_of(world))
    world.settle()
    assert world.status_of(TRAINING_RUNS, "forest")["attempts"] == 1
    assert job_of(world)["spec"]["backoffLimit"] == 3


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_it_counts_as_none_wherever_the_operator_dies(world: World, number: int, when: str) -> None:
    start(world)
    active(world, job_of(world))
    world.settle()
    lose_node(world, job_of(world))
    world.die_at = (world.writes + number, when)
    with pytest.raises(Died):
        world.settle()
    world.die_at = None
    world.restart()
    world.settle()
    active(world, job_of(world))
    world.settle()
    assert world.status_of(TRAINING_RUNS, "forest")["attempts"] == 1
    assert job_of(world)["spec"]["backoffLimit"] == 3


def test_what_was_trained_on_a_lost_node_is_not_trained_again(world: World) -> None:
    start(world)
    job = job_of(world)
    leave(world, job, train_result(job))
    world.now += timedelta(minutes=5)
    lose_node(world, job)
    world.settle()
    assert phase(world) == "Succeeded"


def test_what_was_collected_of_a_container_that_was_stopped_is_no_result(world: World) -> None:
    start(world, trainer=OWN)
    job = job_of(world)
    leave(world, job, train_result(job))
    world.now += timedelta(minutes=5)
    lose_node(world, job)
    world.settle()
    assert (phase(world), jobs_of(world)) == ("Pending", 1)


def test_a_failed_container_is_failed_whatever_was_collected_of_it(world: World) -> None:
    start(world, trainer=OWN)
    job = job_of(world)
    leave(world, job, train_result(job))
    world.pods[job["metadata"]["uid"]] = [pod(job, terminated={"exitCode": 3})]
    condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "limit"}
    set_job(world, job, failed=1, conditions=[condition])
    world.settle()
    assert ready(world) == ("False", "ContainerFailed")


def test_the_lay_out_of_a_container_is_what_asks_the_store(world: World) -> None:
    start(world, trainer=OWN)
    start(world, "plain")
    names = []
    for name in ("forest", "plain"):
        rule = job_of(world, name)["spec"]["podFailurePolicy"]["rules"][2]
        names.append(rule["onExitCodes"]["containerName"])
    assert names == ["lay-out", "main"]
    assert task_of(job_of(world), TrainTask).trainer.container is not None


GONE = '{"kind": "Failed", "error": {"reason": "TrackingUnavailable", "message": "see that its pod runs"}}'


def test_a_container_whose_output_could_not_be_kept_runs_again_while_attempts_are_left(world: World) -> None:
    start(world, trainer=OWN, backoffLimit=1)
    for attempt in (1, 2):
        job = job_of(world)
        world.pods[job["metadata"]["uid"]] = [pod(job, "collect", terminated={"exitCode": 75, "message": GONE})]
        # A Job that succeeds first gets SuccessCriteriaMet; its pod is counted only later.
        set_job(world, job, conditions=[{"type": "SuccessCriteriaMet", "status": "True"}])
        world.settle()
        if attempt == 1:
            assert any("attempts left: 1" in message for _, _, message in world.notes)
            assert job_of(world)["metadata"]["uid"] != job["metadata"]["uid"]
            assert ("TrainingRun/forest", "TrackingUnavailable") in {note[:2] for note in world.notes}
    assert ready(world) == ("False", "TrackingUnavailable")
    assert (phase(world), world.status_of(TRAINING_RUNS, "forest")["attempts"]) == ("Failed", 2)


@pytest.mark.parametrize(
    ("state", "reason"),
    [({"reason": "OOMKilled"}, "OOMKilled"), ({"exitCode": 75, "message": GONE}, "TrackingUnavailable")],
)
def test_why_it_is_tried_again_is_told_until_it_runs(world: World, state: Object, reason: str) -> None:
    start(world)
    job = job_of(world)
    world.pods[job["metadata"]["uid"]] = [pod(job, terminated={"exitCode": 137, **state})]
    set_job(world, job, failed=1, startTime=job["metadata"]["creationTimestamp"])
    world.settle()
    assert ready(world) == ("False", reason)
    assert world.condition(TRAINING_RUNS, "forest", "Reconciling")[0] == "True"
    assert "tried again by itself, attempts left: 3" in world.condition(TRAINING_RUNS, "forest")[2]
    active(world, job, failed=1)
    world.settle()
    assert ready(world) == ("False", "Training")


def test_an_ingest_keeps_its_attempts_when_its_job_is_made_anew() -> None:
    world = watched()
    first = running_job(world)
    lose_node(world, first, failed=2)
    world.settle()
    assert running_job(world)["spec"]["backoffLimit"] == first["spec"]["backoffLimit"] - 2
    assert world.status_of(DATASETS, "penguins")["attempts"] == 2
    ingest(world)
    assert world.status_of(DATASETS, "penguins")["attempts"] == 0, "the next look has all of its attempts"


def test_an_evaluation_keeps_its_attempts_and_its_job_goes_after_an_hour(world: World) -> None:
    world.put(MODELS, model())
    versions.put(world)
    job = versions.job_of(world)
    lose_node(world, job, failed=2)
    world.settle()
    second = versions.job_of(world)
    assert second["spec"]["backoffLimit"] == job["spec"]["backoffLimit"] - 2
    complete(world, second, evaluate_result(second))
    set_job(world, second, **world.get(JOBS, second["metadata"]["name"])["status"], completionTime=timestamp(world.now))
    world.settle()
    assert world.status_of(MODEL_VERSIONS, "species-v1")["verified"] is True
    world.tick(3599)
    assert any(item["metadata"]["name"] == job["metadata"]["name"] for item in world.all(JOBS))
    world.tick(1)
    assert all(item["metadata"]["name"] != job["metadata"]["name"] for item in world.all(JOBS))
    assert world.condition(MODEL_VERSIONS, "species-v1")[0] == "True"


def test_a_dataset_reads_on_elsewhere() -> None:
    world = watched()
    first = running_job(world)
    lose_node(world, first)
    world.settle()
    assert running_job(world)["metadata"]["uid"] != first["metadata"]["uid"]
    assert "NodeLost" in [note[1] for note in world.notes]
    ingest(world)
    assert dataset_ready(world) == ("True", "VersionAccepted")


def test_a_dataset_says_why_its_look_is_tried_again_and_keeps_what_it_has() -> None:
    world = watched()
    job = running_job(world)
    world.pods[job["metadata"]["uid"]] = [pod(job, terminated={"exitCode": 75, "message": GONE})]
    set_job(world, job, startTime=job["metadata"]["creationTimestamp"])
    world.tick(30)
    assert dataset_ready(world) == ("False", "TrackingUnavailable")
    assert world.condition(DATASETS, "penguins", "Stalled")[0] == ""


def test_an_import_is_scored_on_elsewhere(world: World) -> None:
    world.put(MODELS, model())
    versions.put(world)
    job = versions.job_of(world)
    lose_node(world, job)
    world.settle()
    second = next(item for item in world.all(JOBS) if item["metadata"]["name"] == job["metadata"]["name"])
    assert second["metadata"]["uid"] != job["metadata"]["uid"]
    complete(world, second, evaluate_result(second))
    world.settle()
    assert world.condition(MODEL_VERSIONS, "species-v1", "Verified")[0] == "True"


@pytest.fixture
def world() -> World:
    return with_data()
