"""Checks a Dataset whose source is outside of the cluster: when it is looked at, and what its status keeps."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, Object
from modelyard_api.fields.artifact import sha256
from modelyard_api.wire.task import IngestTask
from tests.unit.kinds.objects import complete, dataset, fail, failed, ingest_result, task_of
from tests.unit.kinds.test_dataset import ready, running_job
from tests.unit.kinds.world import World

LAKE = {"uri": "s3://lake/in/*.csv", "secretRef": {"name": "lake"}}
LISTING = {"digest": sha256(b"one"), "files": 2, "bytes": 100}


def watched(**spec: Any) -> World:
    world = World()
    world.put(DATASETS, dataset(**{"source": LAKE, "checkEvery": "1m", **spec}))
    world.settle()
    return world


def task(world: World) -> IngestTask:
    return task_of(running_job(world), IngestTask)


def ends(world: World, result: Object) -> None:
    complete(world, running_job(world), result)
    world.settle()


def read(world: World, content: str = "a", listing: Object | None = None) -> None:
    ends(world, {**ingest_result(running_job(world), content), "listing": listing or LISTING})


def look(reason: str = "Unchanged") -> Object:
    return {"kind": "Look", "reason": reason, "message": f"a sentence about {reason}"}


def status(world: World) -> Object:
    return world.status_of(DATASETS, "penguins")


def test_the_keys_are_files_and_nothing_else() -> None:
    world = watched()
    pod = running_job(world)["spec"]["template"]["spec"]
    assert {"name": "credentials", "secret": {"secretName": "lake", "defaultMode": 0o440}} in pod["volumes"]
    (container,) = pod["containers"]
    assert {"name": "credentials", "mountPath": "/modelyard/credentials", "readOnly": True} in container["volumeMounts"]
    assert not [volume for volume in pod["volumes"] if volume["name"] == "source"]


def test_a_look_that_finds_the_same_list_keeps_all() -> None:
    world = watched()
    assert task(world).seen is None
    read(world)
    before = status(world)
    assert before["source"]["listing"] == LISTING
    world.tick(60)
    assert task(world).seen == LISTING["digest"]
    ends(world, look())
    assert status(world)["source"] == before["source"]
    assert status(world)["lastCheckTime"] != before["lastCheckTime"]
    assert ready(world) == ("True", "VersionAccepted")
    assert status(world)["versions"] == 1


def test_another_spec_has_all_read_again() -> None:
    world = watched()
    read(world)
    world.put(DATASETS, dataset(source=LAKE, checkEvery="1m", ignore=["z"]))
    world.settle()
    assert task(world).seen is None


def test_rejected_rows_are_not_read_again_before_they_change() -> None:
    world = watched()
    ends(world, {**ingest_result(running_job(world), "a", accepted=False), "listing": LISTING})
    assert ready(world) == ("False", "ValidationFailed")
    world.tick(60)
    assert task(world).seen == LISTING["digest"]
    ends(world, look())
    assert ready(world) == ("False", "ValidationFailed")


def test_files_that_are_still_written_are_waited_for() -> None:
    world = watched(checkEvery=None, source={**LAKE, "settle": "30s"})
    ends(world, look("NotSettled"))
    assert ready(world) == ("False", "NotSettled")
    assert not [item for item in status(world)["conditions"] if item["type"] == "Stalled"]
    world.tick(31)
    read(world)
    assert ready(world) == ("True", "VersionAccepted")


def test_what_is_still_written_beside_a_version_is_told_and_the_rest_stays() -> None:
    world = watched()
    read(world)
    world.tick(60)
    ends(world, look("NotSettled"))
    assert ready(world) == ("True", "VersionAccepted")
    assert world.condition(DATASETS, "penguins", "SourceReadable")[:2] == ("False", "NotSettled")
    assert status(world)["source"]["listing"] == LISTING
    world.tick(5)
    assert task(world).seen == LISTING["digest"]
    ends(world, look())
    assert world.condition(DATASETS, "penguins", "SourceReadable")[:2] == ("True", "Read")


@pytest.mark.parametrize("reason", ["SourceDenied", "SourceNotFound", "CertificateNotTrusted", "KeyMissing"])
def test_what_is_mended_elsewhere_is_looked_at_again(reason: str) -> None:
    """Nobody tells the operator that a Secret or a bucket's policy has changed."""
    world = watched(checkEvery=None)
    fail(world, running_job(world), failed(reason, "a sentence"))
    world.settle()
    assert ready(world) == ("False", reason)
    assert "job" not in status(world)
    world.tick(119)
    assert "job" not in status(world)
    world.tick(2)
    read(world)
    assert ready(world) == ("True", "VersionAccepted")


def test_the_pods_disk_bounds_what_is_fetched() -> None:
    world = watched(podTemplate={"resources": {"limits": {"ephemeral-storage": "4Gi"}}})
    assert task(world).most_bytes == 2 * 2**30
    assert len(world.all(JOBS)) == 1


def test_a_version_names_the_files_that_it_is_made_of_and_the_next_look_is_told() -> None:
    world = watched(source={**LAKE, "arrival": "Append"})
    assert (task(world).remake, task(world).previous) == (True, None)
    ends(world, {**ingest_result(running_job(world), "a"), "listing": LISTING, "madeOf": LISTING})
    version = world.get(DATASET_VERSIONS, status(world)["latest"])
    assert version["spec"]["madeOf"] == LISTING
    world.tick(60)
    given = task(world)
    assert given.previous is not None
    assert (given.remake, given.previous.made_of) == (False, LISTING["digest"])


def test_files_that_changed_after_they_were_taken_are_told_once() -> None:
    world = watched(source={**LAKE, "arrival": "Append"})
    read(world)
    world.tick(60)
    now = {**LISTING, "digest": sha256(b"two")}
    ends(world, {**look("FilesChanged"), "listing": now})
    assert ready(world) == ("True", "VersionAccepted")
    assert world.condition(DATASETS, "penguins", "SourceReadable")[:2] == ("True", "FilesChanged")
    assert status(world)["source"]["listing"] == now
    world.tick(60)
    assert task(world).seen == now["digest"]
    ends(world, look())
    assert world.condition(DATASETS, "penguins", "SourceReadable")[1] == "FilesChanged"
    assert len([note for note in world.notes if note[1] == "FilesChanged"]) == 1


def test_a_version_says_how_far_a_query_was_read_and_the_next_look_goes_on_there() -> None:
    sql = {"query": "SELECT * FROM orders", "secretRef": {"name": "db"}, "cursor": "id"}
    world = watched(source={"sql": sql, "arrival": "Append"})
    cursor = {"column": "id", "kind": "Number", "value": "7", "query": sha256(b"query")}
    ends(world, {**ingest_result(running_job(world), "a"), "cursor": cursor})
    assert world.get(DATASET_VERSIONS, status(world)["latest"])["spec"]["cursor"] == cursor
    world.tick(60)
    given = task(world)
    assert given.previous is not None
    assert given.previous.cursor is not None
    assert given.previous.cursor.wire() == cursor


def test_rows_that_are_left_out_are_told_until_they_are_not() -> None:
    sql = {"query": "SELECT * FROM orders", "secretRef": {"name": "db"}, "cursor": "id"}
    world = watched(source={"sql": sql, "arrival": "Append"})
    ends(world, ingest_result(running_job(world), "a"))
    for found, reason in (("RowsLeftOut", "RowsLeftOut"), ("RowsLeftOut", "RowsLeftOut"), ("Unchanged", "Read")):
        world.tick(60)
        ends(world, look(found))
        assert world.condition(DATASETS, "penguins", "SourceReadable")[:2] == ("True", reason)
    assert len([note for note in world.notes if note[1] == "RowsLeftOut"]) == 1


def test_a_list_that_no_version_names_is_deleted_once_that_is_known() -> None:
    world = watched()
    second, third = ({**LISTING, "digest": sha256(text)} for text in (b"two", b"three"))
    for content, listing, left in (("a", LISTING, []), ("a", second, ["two"]), ("b", third, []), ("a", LISTING, [])):
        before = len(world.deleted)
        ends(world, {**ingest_result(running_job(world), content), "listing": listing, "madeOf": listing})
        gone = [uri.rpartition("/")[2] for uri in world.deleted[before:] if "/listings/" in uri]
        assert gone == [f"{sha256(name.encode()).removeprefix('sha256:')}.json.gz" for name in left]
        world.tick(60)


def appended() -> tuple[World, str, str]:
    """Returns a world with a Dataset that has appended twice, and its two versions."""
    world = watched(source={**LAKE, "arrival": "Append"})
    ends(world, {**ingest_result(running_job(world), "a"), "listing": LISTING, "madeOf": LISTING})
    first = status(world)["latest"]
    world.tick(60)
    more = {**LISTING, "digest": sha256(b"two"), "files": 3}
    ends(world, {**ingest_result(running_job(world), "b"), "listing": more, "madeOf": more})
    return world, first, status(world)["latest"]


def test_a_deleted_version_has_the_next_appended_to_the_one_before() -> None:
    """What the source held then may be gone: rows that are in a version must not be lost with another."""
    world, first, second = appended()
    world.delete(DATASET_VERSIONS, second)
    world.settle()
    given = task(world)
    assert given.previous is not None
    assert (given.previous.name, given.previous.made_of) == (first, LISTING["digest"])
    assert (given.seen, given.remake) == (None, True)


@pytest.mark.parametrize("rejected", [False, True])
def test_a_lost_status_loses_no_appended_rows(rejected: bool) -> None:
    world, _, second = appended()
    if rejected:
        world.tick(60)
        ends(world, ingest_result(running_job(world), "c", accepted=False))
        assert status(world)["latest"] == second
    world.status(DATASETS, "penguins", {})
    world.restart()
    world.settle()
    given = task(world)
    assert given.previous is not None
    assert given.previous.name == second
