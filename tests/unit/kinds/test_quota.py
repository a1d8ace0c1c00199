"""Checks that every kind with Jobs tells that a quota has no room for its pod, in the words of the Job's Event."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import EventsOf
from modelyard.engine.resource import DATASETS, MODEL_VERSIONS, TRAINING_RUNS, Object, Resource
from tests.unit.kinds import test_modelversion
from tests.unit.kinds.objects import active, put_data, set_job
from tests.unit.kinds.test_dataset import ingest, running_job, watched
from tests.unit.kinds.test_trainingrun import job_of, start, with_data
from tests.unit.kinds.world import World

NO_ROOM = "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"
FULL = "exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5"


def of_dataset() -> tuple[World, Object, Resource, str]:
    world = watched()
    return world, running_job(world), DATASETS, "penguins"


def of_run() -> tuple[World, Object, Resource, str]:
    world = with_data()
    start(world)
    return world, job_of(world), TRAINING_RUNS, "forest"


def of_version() -> tuple[World, Object, Resource, str]:
    world = test_modelversion.with_model()
    test_modelversion.put(world)
    return world, test_modelversion.job_of(world), MODEL_VERSIONS, test_modelversion.NAME


def refused(world: World, job: Object, words: str) -> None:
    """Lets the Job's controller fail to create a pod, time and again."""
    note = f'Error creating: pods "{job["metadata"]["name"]}-x7k2l" is forbidden: {words}'
    at = timestamp(world.now)
    event = {"metadata": {"creationTimestamp": at}, "reason": "FailedCreate", "note": note, "eventTime": at}
    world.events[job["metadata"]["uid"]] = [event]
    set_job(world, job, active=0, ready=0, startTime=at)


@pytest.mark.parametrize(("words", "stalled"), [(NO_ROOM, True), (FULL, False)])
@pytest.mark.parametrize("begin", [of_dataset, of_run, of_version])
def test_it_is_told_within_half_a_minute(
    begin: Callable[[], tuple[World, Object, Resource, str]], words: str, stalled: bool
) -> None:
    world, job, resource, name = begin()
    refused(world, job, words)
    world.tick(21)
    status, reason, message = world.condition(resource, name)
    assert (status, reason) == ("False", "QuotaExceeded")
    assert message.startswith(f"pods can't be created: {words}; ask for less in ")
    assert (world.condition(resource, name, "Stalled")[0] == "True") == stalled
    assert (f"{resource.kind}/{name}", "QuotaExceeded", message) in world.notes
    # Once there is room the pod is created, and nothing more is said of the quota.
    active(world, job)
    world.tick(10)
    assert world.condition(resource, name)[1] not in ("QuotaExceeded", "PodPending")


def test_a_job_whose_pod_runs_has_no_events_read() -> None:
    world, job, _, _ = of_run()
    active(world, job)
    world.read.clear()
    world.tick(600)
    assert not any(isinstance(need, EventsOf) for need in world.read)


def test_a_dataset_with_a_version_stays_ready_and_says_what_holds_its_check_up() -> None:
    world = watched()
    ingest(world)
    put_data(world, "b")
    world.tick(61)
    refused(world, running_job(world), FULL)
    world.tick(21)
    assert world.condition(DATASETS, "penguins")[:2] == ("True", "VersionAccepted")
    status, reason, message = world.condition(DATASETS, "penguins", "SourceReadable")
    assert (status, reason) == ("False", "QuotaExceeded")
    assert ("Dataset/penguins", "QuotaExceeded", message) in world.notes
    ingest(world, "b")
    assert world.condition(DATASETS, "penguins", "SourceReadable")[:2] == ("True", "Read")
