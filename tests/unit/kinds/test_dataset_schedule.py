"""Checks when a Dataset looks at its source: not while it is suspended, and never more often than is good."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from modelyard.engine.resource import DATASETS, JOBS
from modelyard_api.kinds.dataset import Dataset
from tests.unit.kinds.objects import dataset
from tests.unit.kinds.test_dataset import ingest, look_again, ready, running_job, watched
from tests.unit.kinds.world import World


@pytest.fixture
def world() -> World:
    return watched()


def test_suspend_stops_the_job_and_resume_looks_anew(world: World) -> None:
    world.put(DATASETS, dataset(checkEvery="1m", suspend=True))
    world.settle()
    assert world.one(JOBS)["spec"]["suspend"] is True
    assert [item["type"] for item in world.status_of(DATASETS, "penguins")["conditions"]] == ["Suspended"]
    world.tick(600)
    world.put(DATASETS, dataset(checkEvery="1m"))
    world.settle()
    assert not running_job(world)["spec"].get("suspend")
    assert len(world.all(JOBS)) == 1
    ingest(world)
    assert ready(world) == ("True", "VersionAccepted")


def test_a_job_that_comes_late_does_not_stay_while_it_is_suspended(world: World) -> None:
    late = running_job(world)
    ingest(world)
    world.put(DATASETS, dataset(checkEvery="1m", suspend=True))
    world.settle()
    jobs = {job["metadata"]["name"] for job in world.all(JOBS)}
    world.put(JOBS, {**late, "metadata": {**late["metadata"], "name": "late"}})
    world.settle()
    assert {job["metadata"]["name"] for job in world.all(JOBS)} == jobs


def test_a_job_suspended_by_somebody_else_goes_on(world: World) -> None:
    job = running_job(world)
    world.put(JOBS, {**job, "spec": {**job["spec"], "suspend": True}})
    world.settle()
    assert running_job(world)["spec"]["suspend"] is False


def test_looks_are_never_closer_than_five_seconds(world: World) -> None:
    world.put(DATASETS, dataset(checkEvery="1ms"))
    world.settle()
    ingest(world)
    look_again(world, "b", seconds=4)
    assert "job" not in world.status_of(DATASETS, "penguins")
    world.tick(1)
    ingest(world, "b")
    assert world.status_of(DATASETS, "penguins")["versions"] == 2


def test_the_longest_interval_still_ends_at_a_date(world: World) -> None:
    """The longest interval has 32 characters, 7 digits per part; a longer one would overflow the next check's date."""
    longest = "9999999h" * 4
    world.put(DATASETS, dataset(checkEvery=longest))
    world.settle()
    ingest(world)
    assert world.condition(DATASETS, "penguins")[0] == "True"
    with pytest.raises(ValidationError, match="checkEvery"):
        Dataset.model_validate(dataset(checkEvery="99999999h"))
