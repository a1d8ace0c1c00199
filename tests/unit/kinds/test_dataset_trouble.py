"""Checks what a Dataset reports when reading its source fails."""

from __future__ import annotations

import pytest

from modelyard.engine.plan import PodsOf, Result
from modelyard.engine.resource import DATASETS, JOBS, Object
from tests.unit.kinds.objects import active, complete, dataset, fail, failed, ingest_result, pod, put_data, set_job
from tests.unit.kinds.test_dataset import ingest, look_again, ready, running_job, watched
from tests.unit.kinds.world import World


@pytest.fixture
def world() -> World:
    return watched()


@pytest.mark.parametrize(
    ("result", "state", "reason", "says"),
    [
        (failed("TargetNotFound", "spec.target: 'y' is no column; there are a, b"), {}, "TargetNotFound", "a, b"),
        (None, {"exitCode": 137, "reason": "OOMKilled"}, "OOMKilled", "spec.podTemplate.resources.limits.memory"),
        (None, {"message": "Traceback:\n  boom"}, "PodFailed", "exit code 1"),
        (None, {}, "BackoffLimitExceeded", "backoff limit"),
        ({"kind": "Ingest", "accepted": 1}, {}, "ResultUnreadable", "versionId"),
    ],
)
def test_a_failed_ingest_says_why(world: World, result: Object | None, state: Object, reason: str, says: str) -> None:
    fail(world, running_job(world), result, **state)
    world.settle()
    status, actual, message = world.condition(DATASETS, "penguins")
    assert (status, actual) == ("False", reason)
    assert says in message
    assert world.condition(DATASETS, "penguins", "Stalled")[0] == "True"
    assert "lastCheckTime" in world.status_of(DATASETS, "penguins")


def test_a_failure_of_the_data_is_not_tried_again_but_one_of_the_cluster_is(world: World) -> None:
    fail(world, running_job(world), failed("EmptyTable", "no rows"))
    world.settle()
    before = world.created.total()
    world.tick(60)
    assert world.created.total() == before, "the very same ConfigMap has no rows either"
    assert ready(world) == ("False", "EmptyTable")
    look_again(world, "b")
    fail(world, running_job(world), None, exitCode=137, reason="OOMKilled")
    world.settle()
    world.tick(60)
    ingest(world, "b")
    assert ready(world) == ("True", "VersionAccepted")


def test_a_failure_takes_nothing_away_from_an_accepted_version(world: World) -> None:
    ingest(world)
    look_again(world, "b")
    fail(world, running_job(world), failed("EmptyTable", "no rows"))
    world.settle()
    assert ready(world) == ("True", "VersionAccepted")
    assert world.condition(DATASETS, "penguins", "SourceReadable")[:2] == ("False", "EmptyTable")


def test_a_complete_job_may_have_failed_or_left_nothing(world: World) -> None:
    complete(world, running_job(world), failed("SingleClass", "y holds only yes"))
    world.settle()
    assert ready(world) == ("False", "SingleClass")
    look_again(world, "b")
    complete(world, running_job(world))
    world.settle()
    assert ready(world) == ("False", "ResultMissing")


def test_a_result_counts_though_the_job_failed_after_it(world: World) -> None:
    job = running_job(world)
    fail(world, job, ingest_result(job, "a"), because="DeadlineExceeded")
    world.settle()
    assert ready(world) == ("True", "VersionAccepted")


def test_an_unreachable_store_or_api_server_is_waited_for(world: World) -> None:
    world.down |= {Result, PodsOf}
    fail(world, running_job(world), failed("EmptyTable", "no rows"))
    world.settle()
    assert ready(world) == ("False", "ArtifactStoreUnavailable")
    world.down.remove(Result)
    world.results.clear()
    world.tick(10)
    assert ready(world) == ("False", "PodsUnavailable"), "a verdict without the pods would be a guess, and for good"
    world.down.clear()
    world.tick(10)
    assert ready(world) == ("False", "BackoffLimitExceeded")


def test_a_pod_that_does_not_start_is_told_and_may_start_later(world: World) -> None:
    job = running_job(world)
    active(world, job, ready=0)
    world.settle()
    assert ready(world) == ("False", "PodPending")
    world.tick(21)
    assert ready(world) == ("False", "PodPending")
    uid = job["metadata"]["uid"]
    world.pods[uid] = [pod(job, waiting={"reason": "ImagePullBackOff"})]
    world.tick(10)
    status, reason, message = world.condition(DATASETS, "penguins")
    assert (status, reason) == ("False", "ImagePullFailed")
    assert "spec.podTemplate.image" in message
    assert "some/image:1" in message
    world.pods[uid] = []
    active(world, job)
    world.tick(10)
    assert ready(world) == ("False", "Checking")
    ingest(world)
    assert ready(world) == ("True", "VersionAccepted")
    assert world.condition(DATASETS, "penguins", "SourceReadable")[0] == "True"


def test_a_version_whose_bytes_are_gone_stalls_its_dataset(world: World) -> None:
    job = running_job(world)
    result = ingest_result(job, "a")
    complete(world, job, result)
    del world.results[f"{result['uri']}/result.json"]
    world.settle()
    assert ready(world) == ("False", "DataMissing")
    world.results[f"{result['uri']}/result.json"] = result
    world.tick(60)
    assert ready(world) == ("True", "VersionAccepted")


def test_a_job_that_just_ended_is_not_said_to_wait_for_a_pod(world: World) -> None:
    job = running_job(world)
    start = job["metadata"]["creationTimestamp"]
    set_job(world, job, ready=0, startTime=start, uncountedTerminatedPods={"succeeded": ["pod"]})
    world.tick(60)
    assert ready(world) == ("False", "Checking")


def test_a_spec_that_no_pod_can_be_given_is_told() -> None:
    values = [f"{number:0256}" for number in range(1000)]
    columns = [{"name": "x", "type": "Category", "values": values}, {"name": "z", "type": "Category", "values": values}]
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset(columns=columns))
    world.settle()
    status, reason, message = world.condition(DATASETS, "penguins")
    assert (status, reason) == ("False", "SpecTooLarge")
    assert message.startswith("spec.columns")
    assert "at most 256000" in message
    assert not world.all(JOBS)
    world.put(DATASETS, dataset())
    world.settle()
    assert ready(world) == ("False", "PodPending")


def test_a_table_that_is_too_wide_is_told(world: World) -> None:
    columns = [{"name": f"c{number}", "type": "Float"} for number in range(1001)]
    ingest(world, columns=columns)
    status, reason, message = world.condition(DATASETS, "penguins")
    assert (status, reason) == ("False", "TooManyColumns")
    assert "1001 columns; at most 1000" in message


def test_what_was_found_as_an_older_spec_said_it_is_not_told_of_this_one(world: World) -> None:
    fail(world, running_job(world), failed("EmptyTable", "no rows"))
    world.settle()
    assert world.condition(DATASETS, "penguins", "SourceReadable")[0] == "False"
    world.put(DATASETS, dataset(checkEvery="1m", suspend=True))
    world.settle()
    types = {item["type"] for item in world.status_of(DATASETS, "penguins")["conditions"]}
    assert types == {"Suspended"}
