"""Checks a Dataset: when it reads its source, how it judges data, and which version is its latest."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from modelyard.engine.plan import Deleted, Fetch
from modelyard.engine.resource import CONFIG_MAPS, DATASET_VERSIONS, DATASETS, JOBS, Object
from modelyard_api.kinds.datasetversion import DatasetVersionSpec
from modelyard_api.wire.task import IngestTask
from tests.unit.kinds.objects import (
    active,
    complete,
    dataset,
    ingest_result,
    put_claim,
    put_data,
    task_of,
)
from tests.unit.kinds.world import Died, World


def ready(world: World) -> tuple[str, str]:
    return world.condition(DATASETS, "penguins")[:2]


def running_job(world: World) -> Object:
    """Returns the ingest Job that the status names."""
    return world.get(JOBS, world.status_of(DATASETS, "penguins")["job"])


def ingest(world: World, content: str = "a", **more: object) -> None:
    """Completes the running ingest Job with this content."""
    job = running_job(world)
    complete(world, job, ingest_result(job, content, **more))
    world.settle()


@pytest.fixture
def world() -> World:
    return watched()


def watched() -> World:
    """Returns a world with a Dataset that checks its source every minute, and its first Job."""
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset(checkEvery="1m"))
    world.settle()
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a Dataset has become Ready, and its name."""
    world = watched()
    ingest(world)
    return world, "penguins"


def look_again(world: World, content: str, seconds: float = 60) -> None:
    put_data(world, content)
    world.tick(seconds)


def test_a_first_look_makes_one_job_and_then_one_accepted_version(world: World) -> None:
    job = world.one(JOBS)
    assert job["metadata"]["labels"]["modelyard.dev/dataset"] == "penguins"
    assert job["spec"]["backoffLimit"] == 3
    volumes = {item["name"]: item for item in job["spec"]["template"]["spec"]["volumes"]}
    assert volumes["source"]["configMap"] == {"name": "penguins", "items": [{"key": "t.csv", "path": "t.csv"}]}
    assert ready(world) == ("False", "PodPending")
    ingest(world)
    version = world.one(DATASET_VERSIONS)
    spec = DatasetVersionSpec.model_validate(version["spec"])
    assert (spec.rows, spec.test_rows, spec.target, spec.parent) == (100, 20, "y", None)
    status = world.status_of(DATASETS, "penguins")
    assert (status["latest"], status["versions"]) == (version["metadata"]["name"], 1)
    assert ready(world) == ("True", "VersionAccepted")
    assert world.condition(DATASETS, "penguins", "SourceReadable")[0] == "True"
    assert spec.origin is not None
    assert (spec.origin.kind, spec.origin.name) == ("Dataset", "penguins")
    reasons = [reason for subject, reason, _ in world.notes if subject == "Dataset/penguins"]
    assert reasons == ["PodPending", "Checking", "VersionAccepted", "Read", "NothingGuessed"]
    assert len(world.all(JOBS)) == 1, "the last Job is kept for its log"


def test_what_was_guessed_of_the_latest_version_is_told_and_the_next_look_goes_by_it(world: World) -> None:
    doubt = {"column": "x", "reason": "LeadingZeros", "message": "x may be a code; declare it"}
    zone = {"name": "t", "type": "Timestamp", "format": "%d.%m.%Y", "timeZone": "Europe/Berlin"}
    job = world.one(JOBS)
    made = ingest_result(job, "a", doubts=[doubt], missing=["", "?"], columns=[{"name": "y", "type": "Category"}, zone])
    complete(world, job, made)
    world.settle()
    latest = world.one(DATASET_VERSIONS)["metadata"]["name"]
    status, reason, message = world.condition(DATASETS, "penguins", "TypesCertain")[:3]
    assert (status, reason, message) == ("False", "TypesGuessed", f"{latest}: x may be a code; declare it")
    assert ready(world) == ("True", "VersionAccepted")
    look_again(world, "b")
    task: IngestTask = task_of(world.get(JOBS, world.status_of(DATASETS, "penguins")["job"]), IngestTask)
    assert task.previous is not None
    assert (task.previous.name, task.previous.missing) == (latest, ["", "?"])
    assert [column.wire() for column in task.previous.columns] == [
        {"name": "y", "type": "Category", "missing": 0},
        {**zone, "missing": 0},
    ]


def test_the_columns_of_a_wide_version_are_left_for_the_pod_to_read(world: World) -> None:
    job = world.one(JOBS)
    columns = [{"name": f"{i}".rjust(128, "x"), "type": "Float"} for i in range(999)]
    complete(world, job, ingest_result(job, "a", columns=[*columns, {"name": "y", "type": "Category"}]))
    world.settle()
    look_again(world, "b")
    task: IngestTask = task_of(world.get(JOBS, world.status_of(DATASETS, "penguins")["job"]), IngestTask)
    assert task.previous is not None
    assert task.previous.columns == []


def test_a_volume_is_read_at_every_look(world: World) -> None:
    put_claim(world)
    world.put(DATASETS, dataset("lake", source={"volume": {"claimName": "lake", "path": "in"}}, checkEvery="1m"))
    world.settle()
    job = world.get(JOBS, world.status_of(DATASETS, "lake")["job"])
    volumes = {item["name"]: item for item in job["spec"]["template"]["spec"]["volumes"]}
    assert volumes["source"]["persistentVolumeClaim"] == {"claimName": "lake", "readOnly": True}
    complete(world, job, ingest_result(job, "a"))
    world.settle()
    world.tick(60)
    next_ = world.status_of(DATASETS, "lake")["job"]
    assert next_ != job["metadata"]["name"]
    deleted = [uri.rpartition("/")[2] for uri in world.deleted]
    assert deleted == [job["metadata"]["name"]], "nobody reads that result any more"


def test_a_result_that_can_not_be_deleted_holds_nothing_up(world: World) -> None:
    put_claim(world)
    world.put(DATASETS, dataset("lake", source={"volume": {"claimName": "lake", "path": "in"}}, checkEvery="1m"))
    world.settle()
    job = world.get(JOBS, world.status_of(DATASETS, "lake")["job"])
    complete(world, job, ingest_result(job, "a"))
    world.settle()
    world.down.add(Deleted)
    world.tick(60)
    assert world.status_of(DATASETS, "lake")["job"] != job["metadata"]["name"]


@pytest.mark.parametrize(
    ("source", "keys", "says"),
    [
        ({"configMap": {"name": "nowhere", "key": "t.csv"}}, None, ["spec.source.configMap.name", "'nowhere'"]),
        ({"configMap": {"name": "there", "key": "t.csv"}}, {"a.csv": ""}, ["configMap.key", "'t.csv'", "a.csv"]),
        ({"configMap": {"name": "there", "key": "t.csv"}}, {}, ["spec.source.configMap.key", "none"]),
        ({"volume": {"claimName": "nowhere", "path": "x"}}, None, ["spec.source.volume.claimName", "'nowhere'"]),
    ],
)
def test_a_source_that_is_not_there_is_named(source: Object, keys: Object | None, says: list[str]) -> None:
    world = World()
    if keys is not None:
        world.put(CONFIG_MAPS, {"metadata": {"name": "there"}, "data": keys})
    world.put(DATASETS, dataset(source=source))
    world.settle()
    status, reason, message = world.condition(DATASETS, "penguins")
    assert (status, reason) == ("False", "SourceNotFound")
    assert world.condition(DATASETS, "penguins", "Stalled")[0] == "True"
    assert all(word in message for word in says), message
    assert not world.all(JOBS)
    assert len(world.notes) == 1, "told once, not at every look"


def test_a_source_that_comes_later_is_found() -> None:
    world = World()
    world.put(DATASETS, dataset())
    world.settle()
    put_data(world, "a")
    world.tick(10)
    ingest(world)
    assert ready(world) == ("True", "VersionAccepted")


def test_no_look_while_the_api_server_cannot_say_what_is_there() -> None:
    world = World()
    world.down.add(Fetch)
    world.put(DATASETS, dataset())
    world.settle()
    assert ready(world) == ("False", "SourceUnavailable")
    assert world.condition(DATASETS, "penguins", "Reconciling")[0] == "True"
    assert not world.all(JOBS)


def test_an_unchanged_config_map_is_not_read_again(world: World) -> None:
    ingest(world)
    before = world.created.total()
    for _ in range(3):
        world.tick(60)
    assert world.created.total() == before
    look_again(world, "b")
    ingest(world, "b")
    assert world.status_of(DATASETS, "penguins")["versions"] == 2


def test_a_to_b_to_a_points_back_at_the_first_version(world: World) -> None:
    ingest(world, "a")
    first = world.status_of(DATASETS, "penguins")["latest"]
    look_again(world, "b")
    assert ready(world) == ("True", "VersionAccepted"), "a look takes nothing away from what is there"
    ingest(world, "b")
    second = world.status_of(DATASETS, "penguins")["latest"]
    assert world.get(DATASET_VERSIONS, second)["spec"]["parent"] == first
    look_again(world, "a")
    ingest(world, "a")
    status = world.status_of(DATASETS, "penguins")
    assert (status["latest"], status["versions"]) == (first, 2)
    assert all(count == 1 for count in world.created.values())


def test_rejected_data_keeps_the_older_accepted_version(world: World) -> None:
    ingest(world, "a")
    first = world.status_of(DATASETS, "penguins")["latest"]
    look_again(world, "b")
    ingest(world, "b", accepted=False, violations=[{"column": "x", "rule": "max 9", "found": "11", "examples": ["11"]}])
    status = world.status_of(DATASETS, "penguins")
    assert (status["latest"], status["versions"]) == (first, 2)
    assert ready(world) == ("True", "VersionAccepted")
    state, reason, message = world.condition(DATASETS, "penguins", "SourceReadable")
    assert (state, reason) == ("False", "ValidationFailed")
    assert "x: max 9, found 11" in message
    world.tick(60)
    assert world.condition(DATASETS, "penguins", "SourceReadable")[1] == "ValidationFailed", "it is still so"
    look_again(world, "c")
    ingest(world, "c")
    assert world.condition(DATASETS, "penguins", "SourceReadable")[0] == "True"


def test_rejected_first_data_stalls_and_stays_so(world: World) -> None:
    ingest(world, "a", accepted=False, violations=[{"rule": "minRows 50", "found": "3"}])
    assert ready(world) == ("False", "ValidationFailed")
    assert "table: minRows 50, found 3" in world.condition(DATASETS, "penguins")[2]
    world.down.add(Fetch)
    world.tick(60)
    assert ready(world) == ("False", "SourceUnavailable")
    world.down.clear()
    world.tick(10)
    assert ready(world) == ("False", "ValidationFailed"), "what was found of this very data holds again"
    assert "latest" not in world.status_of(DATASETS, "penguins")


def test_a_spec_changed_in_mid_ingest_starts_over(world: World) -> None:
    old = running_job(world)["metadata"]["name"]
    world.put(DATASETS, dataset(checkEvery="1m", target="z"))
    world.settle()
    job = world.one(JOBS)
    assert job["metadata"]["name"] != old
    ingest(world)
    assert world.one(DATASET_VERSIONS)["spec"]["target"] == "z"
    assert ready(world) == ("True", "VersionAccepted")


@pytest.mark.parametrize(
    "nowhere", [{"configMap": {"name": "no", "key": "t.csv"}}, {"volume": {"claimName": "no", "path": "x"}}]
)
def test_a_source_changed_in_mid_ingest_to_one_that_is_not_there_stops_the_job(world: World, nowhere: Object) -> None:
    world.put(DATASETS, dataset(checkEvery="1m", source=nowhere))
    world.settle()
    assert ready(world) == ("False", "SourceNotFound")
    assert not world.all(JOBS)
    status = world.status_of(DATASETS, "penguins")
    assert (status.get("job"), status.get("attempts")) == (None, 0)


def test_the_attempts_of_another_check_are_not_counted(world: World) -> None:
    active(world, running_job(world), failed=2)
    world.tick(60)
    assert world.status_of(DATASETS, "penguins")["attempts"] == 3
    world.put(DATASETS, dataset(checkEvery="1m", target="z"))
    world.settle()
    active(world, running_job(world))
    world.settle()
    assert world.status_of(DATASETS, "penguins")["attempts"] == 1


def test_a_new_generation_is_not_ready_by_the_version_of_the_old_one(world: World) -> None:
    ingest(world)
    world.put(DATASETS, dataset(checkEvery="1m", target="z"))
    world.settle()
    assert ready(world) == ("False", "PodPending")
    first = world.status_of(DATASETS, "penguins")["latest"]
    ingest(world, accepted=False, violations=[{"rule": "target", "found": "nothing"}])
    assert ready(world) == ("False", "ValidationFailed")
    assert world.status_of(DATASETS, "penguins")["latest"] == first, "nothing that was accepted before is lost"


def test_a_job_deleted_by_hand_is_made_again(world: World) -> None:
    name = running_job(world)["metadata"]["name"]
    world.delete(JOBS, name)
    world.settle()
    assert world.one(JOBS)["metadata"]["name"] == name


def test_the_latest_version_deleted_by_hand_is_made_again(world: World) -> None:
    ingest(world)
    name = world.status_of(DATASETS, "penguins")["latest"]
    world.delete(DATASET_VERSIONS, name)
    world.settle()
    assert ready(world)[0] == "False", "there is no accepted version now"
    assert "latest" not in world.status_of(DATASETS, "penguins")
    ingest(world)
    assert world.status_of(DATASETS, "penguins")["latest"] == name
    assert ready(world) == ("True", "VersionAccepted")


def test_a_lost_status_is_rebuilt_without_a_second_job(world: World) -> None:
    ingest(world)
    before = world.get(DATASETS, "penguins")
    world.status(DATASETS, "penguins", None)
    world.restart()
    world.settle()
    after = world.status_of(DATASETS, "penguins")
    assert after["latest"] == before["status"]["latest"]
    assert all(count == 1 for count in world.created.values())


@pytest.mark.parametrize("job_is_there", [True, False])
def test_data_that_changed_while_the_status_was_lost_is_read(world: World, job_is_there: bool) -> None:
    ingest(world)
    put_data(world, "b")
    if not job_is_there:
        world.delete(JOBS, world.one(JOBS)["metadata"]["name"])
    world.status(DATASETS, "penguins", None)
    world.settle()
    ingest(world, "b")
    assert world.status_of(DATASETS, "penguins")["versions"] == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_data_that_changes_while_a_look_begins_is_read_once(world: World, number: int, when: str) -> None:
    """The operator dies at one of its writes, and the ConfigMap changes before it restarts."""
    ingest(world)
    put_data(world, "b")
    world.now += timedelta(minutes=1)
    world.die_at = (world.writes + number, when)
    with contextlib.suppress(Died):
        world.settle()
    world.die_at = None
    put_data(world, "c")
    world.restart()
    world.settle()
    assert len([job for job in world.all(JOBS) if not job.get("status")]) == 1, "no Job of another look runs on"
    ingest(world, "c")
    world.tick(60)
    if "job" in world.status_of(DATASETS, "penguins"):
        # The Job was created for the ConfigMap before, so which of the two it read is unknown: a second Job reads it.
        ingest(world, "c")
        world.tick(60)
    status = world.status_of(DATASETS, "penguins")
    assert "job" not in status, "what was read is known to be the newest"
    assert status["versions"] == 2


def test_deleted_and_applied_again_it_meets_nothing_of_the_old_one(world: World) -> None:
    ingest(world)
    old = running_or_last(world)
    world.delete(DATASETS, "penguins")
    assert not world.all(JOBS)
    assert not world.all(DATASET_VERSIONS)
    world.put(DATASETS, dataset())
    world.settle()
    assert running_job(world)["metadata"]["name"] != old
    ingest(world)
    assert ready(world) == ("True", "VersionAccepted")
    assert world.status_of(DATASETS, "penguins")["versions"] == 1


def running_or_last(world: World) -> str:
    return str(world.one(JOBS)["metadata"]["name"])


def test_old_jobs_go_but_the_newest_stays(world: World) -> None:
    for content in "abcd":
        look_again(world, content)
        ingest(world, content)
    assert len(world.all(JOBS)) == 1
    stray = world.one(JOBS)
    stray["metadata"] = {**stray["metadata"], "name": "penguins-ingest-stray"}
    world.put(JOBS, {key: value for key, value in stray.items() if key != "status"})
    world.tick(60)
    assert [job["metadata"]["name"] for job in world.all(JOBS)] != ["penguins-ingest-stray"]
    assert len(world.all(JOBS)) == 1, "one that nobody waits for does not run on"
