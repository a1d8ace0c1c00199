"""Checks a Dataset whose source is ``pushed``: nothing is read, and what was accepted stays."""

from __future__ import annotations

from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, TRAINING_RUNS, Object
from tests.unit.kinds.objects import complete, dataset, ingest_result, put_data, run
from tests.unit.kinds.world import World


def pushed(name: str = "penguins", **spec: object) -> Object:
    return dataset(name, source={"pushed": {}}, **{"target": None, **spec})


def of_three() -> World:
    """Returns a world with three accepted versions of a Dataset, whose source is then ``pushed``."""
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset(checkEvery="1m"))
    world.settle()
    for content in "abc":
        put_data(world, content)
        world.tick(60)
        job = world.get(JOBS, world.status_of(DATASETS, "penguins")["job"])
        complete(world, job, ingest_result(job, content))
        world.settle()
    world.put(DATASETS, pushed(target="y"))
    world.settle()
    return world


def latest(world: World) -> str:
    return str(world.status_of(DATASETS, "penguins").get("latest"))


def test_until_something_is_pushed_it_says_what_pushes() -> None:
    world = World()
    world.put(DATASETS, pushed())
    world.settle()
    world.tick(600)
    status, reason, message = world.condition(DATASETS, "penguins")
    assert (status, reason) == ("False", "NothingPushed")
    assert "a BatchPrediction whose spec.output.datasetRef.name is 'penguins'" in message
    assert world.condition(DATASETS, "penguins", "Reconciling")[0] == "True"
    assert not world.all(JOBS)


def test_suspended_it_says_so() -> None:
    world = World()
    world.put(DATASETS, pushed(suspend=True))
    world.settle()
    assert world.condition(DATASETS, "penguins", "Suspended")[0] == "True"


def test_a_source_that_becomes_pushed_keeps_its_versions_and_is_read_no_more() -> None:
    world = of_three()
    before = latest(world)
    assert world.condition(DATASETS, "penguins")[:2] == ("True", "VersionAccepted")
    put_data(world, "d")
    world.tick(600)
    assert latest(world) == before
    assert "job" not in world.status_of(DATASETS, "penguins")


def test_a_source_that_becomes_pushed_while_it_is_read_ends_the_job() -> None:
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset())
    world.settle()
    world.one(JOBS)
    world.put(DATASETS, pushed())
    world.settle()
    assert not world.all(JOBS)
    assert world.condition(DATASETS, "penguins")[1] == "NothingPushed"


def test_an_edit_of_the_rules_takes_no_version_away() -> None:
    world = of_three()
    world.put(DATASETS, pushed(target="y", validation={"minRows": 7}))
    world.settle()
    assert world.condition(DATASETS, "penguins")[:2] == ("True", "VersionAccepted")


def test_the_newest_accepted_version_is_the_latest_after_a_deletion_and_after_a_lost_status() -> None:
    world = of_three()
    newest = latest(world)
    second = world.get(DATASET_VERSIONS, newest)["spec"]["parent"]
    world.status(DATASETS, "penguins", None)
    world.settle()
    assert latest(world) == newest
    world.delete(DATASET_VERSIONS, newest)
    world.settle()
    assert latest(world) == second
    for version in world.all(DATASET_VERSIONS):
        world.delete(DATASET_VERSIONS, version["metadata"]["name"])
    world.settle()
    assert world.condition(DATASETS, "penguins")[1] == "NothingPushed"


def test_versions_of_one_second_are_told_apart_by_their_parents() -> None:
    world = of_three()
    newest = latest(world)
    for version in world.all(DATASET_VERSIONS):
        version["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
        world.objects[(DATASET_VERSIONS, "team", version["metadata"]["name"])] = version
    world.status(DATASETS, "penguins", None)
    world.restart()
    world.settle()
    assert latest(world) == newest


def test_a_run_on_a_version_without_a_target_fails_before_a_pod_is_started() -> None:
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset(target=None))
    world.settle()
    job = world.one(JOBS)
    complete(world, job, ingest_result(job, "a", target=None, columns=[{"name": "x", "type": "Float"}], testRows=0))
    world.settle()
    world.put(TRAINING_RUNS, run())
    world.settle()
    status, reason, message = world.condition(TRAINING_RUNS, "forest")
    assert (status, reason) == ("False", "NoTarget")
    assert "spec.target in Dataset 'penguins'" in message
    assert len(world.all(JOBS)) == 1, "the ingest Job"
