"""Checks a Dataset that is a query over others: made anew when one changes, by version, never in circles."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, Object
from modelyard_api.kinds.datasetversion import DatasetVersionSpec
from modelyard_api.wire.rights import rights_of
from modelyard_api.wire.task import IngestTask
from tests.unit.kinds.objects import complete, dataset, fail, failed, ingest_result, put_data, task_of
from tests.unit.kinds.world import NAMESPACE, World


def reads(*names: str) -> Object:
    listed = [{"name": name, "datasetRef": {"name": name}} for name in names]
    return {"query": {"from": listed, "sql": f"FROM {names[0]}"}}


def job_of(world: World, name: str) -> Object | None:
    job = world.status_of(DATASETS, name).get("job")
    return world.get(JOBS, job) if job else None


def task(world: World, name: str) -> IngestTask:
    job = job_of(world, name)
    assert job is not None, world.condition(DATASETS, name)
    found: IngestTask = task_of(job, IngestTask)
    return found


def ends(world: World, name: str, content: str, **more: Any) -> str:
    """Completes the Job of a Dataset, and returns its latest version."""
    job = job_of(world, name)
    assert job is not None
    inputs = [
        {key: getattr(item, key) for key in ("name", "dataset", "version", "digest")}
        for item in task(world, name).inputs
    ]
    complete(world, job, ingest_result(job, content, **({"inputs": inputs} if inputs else {}), **more))
    world.settle()
    return str(world.status_of(DATASETS, name)["latest"])


def change(world: World, name: str, content: str) -> str:
    put_data(world, content, name)
    world.tick(61)
    return ends(world, name, content)


def joined() -> World:
    """Returns a world with two Datasets that have a version, and one that joins them."""
    world = World()
    for name in ("orders", "people"):
        put_data(world, "a", name)
        world.put(DATASETS, dataset(name, checkEvery="1m"))
    world.put(DATASETS, dataset("both", source=reads("orders", "people")))
    world.settle()
    return world


def made() -> World:
    world = joined()
    for name in ("orders", "people"):
        ends(world, name, f"{name} a")
    ends(world, "both", "joined a")
    return world


def test_it_waits_for_all_its_inputs_and_names_them_by_version() -> None:
    world = joined()
    assert world.condition(DATASETS, "both")[:2] == ("False", "DatasetNotReady")
    orders = ends(world, "orders", "orders a")
    assert job_of(world, "both") is None
    people = ends(world, "people", "people a")
    given = task(world, "both").inputs
    assert [(item.name, item.version) for item in given] == [("orders", orders), ("people", people)]
    latest = ends(world, "both", "joined a")
    assert world.condition(DATASETS, "both")[:2] == ("True", "VersionAccepted")
    spec = DatasetVersionSpec.model_validate(world.get(DATASET_VERSIONS, latest)["spec"])
    assert [(item.name, item.dataset, item.version) for item in spec.inputs] == [
        ("orders", "orders", orders),
        ("people", "people", people),
    ]
    world.tick(3600)
    assert job_of(world, "both") is None


def test_its_pod_may_read_these_versions_and_no_others() -> None:
    world = joined()
    for name in ("orders", "people"):
        ends(world, name, f"{name} a")
    job = job_of(world, "both")
    assert job is not None
    rights = rights_of(NAMESPACE, job["spec"]["template"]["metadata"]["annotations"])
    paths = [item.uri.removeprefix("mlflow-artifacts:/") for item in task(world, "both").inputs]
    assert all(rights.may_read(f"{path}/train.parquet") for path in paths)
    assert not any(rights.may_write(f"{path}/train.parquet") for path in paths)
    assert not rights.may_read(f"{paths[0].rpartition('/')[0]}/another/train.parquet")


def test_a_new_version_of_an_input_makes_it_anew() -> None:
    world = made()
    newest = change(world, "orders", "orders b")
    assert task(world, "both").inputs[0].version == newest
    assert world.condition(DATASETS, "both")[:2] == ("True", "VersionAccepted"), "the last version stays meanwhile"
    ends(world, "both", "joined b")
    assert world.status_of(DATASETS, "both")["versions"] == 2


def test_an_input_that_changes_while_it_is_read_makes_it_anew_afterwards() -> None:
    world = joined()
    for name in ("orders", "people"):
        ends(world, name, f"{name} a")
    newest = change(world, "orders", "orders b")
    assert newest not in [item.version for item in task(world, "both").inputs]
    ends(world, "both", "joined a")
    assert newest in [item.version for item in task(world, "both").inputs]


def test_rejected_rows_of_an_input_change_nothing() -> None:
    world = made()
    put_data(world, "bad", "orders")
    world.tick(61)
    job = job_of(world, "orders")
    assert job is not None
    complete(world, job, ingest_result(job, "orders bad", accepted=False))
    world.settle()
    assert job_of(world, "both") is None


def test_a_query_that_fails_is_asked_again_when_something_changes() -> None:
    world = joined()
    for name in ("orders", "people"):
        ends(world, name, f"{name} a")
    job = job_of(world, "both")
    assert job is not None
    fail(world, job, failed("QueryFailed", "a sentence"))
    world.settle()
    assert world.condition(DATASETS, "both")[:2] == ("False", "QueryFailed")
    world.tick(3600)
    assert job_of(world, "both") is None
    change(world, "orders", "orders b")
    assert job_of(world, "both") is not None


def test_a_pod_that_fails_for_another_cause_is_replaced_after_a_while() -> None:
    world = joined()
    for name in ("orders", "people"):
        ends(world, name, f"{name} a")
    job = job_of(world, "both")
    assert job is not None
    fail(world, job)
    world.settle()
    assert job_of(world, "both") is None
    world.tick(121)
    assert job_of(world, "both") is not None


def test_a_version_is_kept_as_long_as_what_was_made_of_it() -> None:
    world = made()
    used = task_input(world, "orders")
    other = change(world, "orders", "orders b")
    assert other != used
    world.delete(DATASET_VERSIONS, used)
    world.settle()
    blocked = world.condition(DATASET_VERSIONS, used, "DeletionBlocked")
    assert blocked[0] == "True"
    assert world.status_of(DATASETS, "both")["latest"] in blocked[2]
    first = world.status_of(DATASETS, "both")["latest"]
    ends(world, "both", "joined b")
    world.delete(DATASET_VERSIONS, first)
    world.settle()
    assert not [obj for obj in world.all(DATASET_VERSIONS) if obj["metadata"]["name"] == used]


def task_input(world: World, name: str) -> str:
    latest = world.status_of(DATASETS, "both")["latest"]
    inputs = world.get(DATASET_VERSIONS, latest)["spec"]["inputs"]
    return str(next(item["version"] for item in inputs if item["name"] == name))


def test_what_reads_itself_is_told_and_never_made() -> None:
    world = made()
    world.put(DATASETS, dataset("third", source=reads("both")))
    world.settle()
    ends(world, "third", "third a")
    world.put(DATASETS, dataset("both", source=reads("orders", "third")))
    world.settle()
    status, reason, message = world.condition(DATASETS, "both")
    assert (status, reason) == ("False", "QueryCycle")
    assert "both reads third reads both" in message
    assert job_of(world, "both") is None
    world.put(DATASETS, dataset("both", source=reads("orders")))
    world.settle()
    assert [item.name for item in task(world, "both").inputs] == ["orders"]


def test_a_missing_input_is_named_and_its_coming_is_seen() -> None:
    world = World()
    world.put(DATASETS, dataset("both", source=reads("orders")))
    world.settle()
    status, reason, message = world.condition(DATASETS, "both")
    assert (status, reason, "'orders'" in message) == ("False", "DatasetNotFound", True)
    put_data(world, "a", "orders")
    world.put(DATASETS, dataset("orders"))
    world.settle()
    ends(world, "orders", "orders a")
    assert job_of(world, "both") is not None
