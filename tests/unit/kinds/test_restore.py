"""Checks that what a backup holds, or an orphaning leaves, comes to the same end without any training."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from modelyard.engine.plan import Result
from modelyard.engine.resource import (
    CONFIG_MAPS,
    DATASET_VERSIONS,
    DATASETS,
    DEPLOYMENTS,
    JOBS,
    MODEL_DEPLOYMENTS,
    MODEL_VERSIONS,
    MODELS,
    SERVICES,
    TRAINING_RUNS,
    Object,
    Resource,
)
from modelyard.workload.names import RUN_UID, controller_uid
from modelyard_api.kinds.trainingrun import OUTCOME
from tests.unit.kinds import rules
from tests.unit.kinds.objects import complete, dataset, deployment, fail, failed, imported, model, put_data, run
from tests.unit.kinds.objects import train_result as train_result_of
from tests.unit.kinds.test_loop import GATES, work
from tests.unit.kinds.test_trainingrun import job_of
from tests.unit.kinds.world import NAMESPACE, NameTaken, World

OURS = (DATASETS, DATASET_VERSIONS, TRAINING_RUNS, MODELS, MODEL_VERSIONS, MODEL_DEPLOYMENTS)
KEPT = (*OURS, CONFIG_MAPS)
SERVER_SIDE = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "deletionTimestamp")
PARAMETERS = {"n_estimators": 100, "max_depth": None, "steps": [None, {"memory": None}]}


def story() -> World:
    """Returns a world with two promoted versions, a worse third one, an import, a run of its own and a failed one."""
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset(checkEvery="1h"))
    world.put(MODELS, model(gates=GATES))
    world.put(MODEL_DEPLOYMENTS, deployment())
    work(world, "a")
    for name, accuracy in (("first", 0.9), ("second", 0.95), ("third", 0.85), ("alone", 0.9)):
        world.put(TRAINING_RUNS, run(name, **({} if name == "alone" else {"modelRef": {"name": "species"}})))
        world.settle()
        job = job_of(world, name)
        complete(world, job, train_result_of(job, accuracy, parameters=PARAMETERS))
        if name == "second":
            put_data(world, "b")
            world.now = world.now.replace(hour=14)
        work(world, "b")
    world.put(TRAINING_RUNS, run("bad"))
    world.settle()
    fail(world, job_of(world, "bad"), failed("UnknownParameter", "spec.trainer: there is no such parameter"))
    world.put(MODEL_VERSIONS, imported(9, data=world.status_of(DATASETS, "penguins")["latest"]))
    work(world, "b")
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["stable"] == summary(world)["champion"]
    return world


def summary(world: World) -> dict[str, Any]:
    """Returns what must not differ after a restore."""
    runs = {obj["metadata"]["name"]: obj["status"] for obj in world.all(TRAINING_RUNS)}
    return {
        "champion": world.status_of(MODELS, "species")["champion"],
        "aliases": world.status_of(MODELS, "species")["aliases"],
        "lastNumber": world.status_of(MODELS, "species")["lastNumber"],
        "stable": world.status_of(MODEL_DEPLOYMENTS, "species").get("stable"),
        "versions": sorted(
            (obj["metadata"]["name"], obj["spec"]["artifact"]["digest"]) for obj in world.all(MODEL_VERSIONS)
        ),
        "data": sorted((obj["metadata"]["name"], obj["spec"]["digest"]) for obj in world.all(DATASET_VERSIONS)),
        "runs": {
            name: (s["phase"], s.get("score"), (s.get("outputs") or {}).get("modelVersion")) for name, s in runs.items()
        },
        "ready": {
            (slot[0].kind, slot[2]): world.condition(slot[0], slot[2])[:2] for slot in world.objects if slot[0] in OURS
        },
    }


def backup(world: World, with_owners: bool) -> list[tuple[Resource, Object]]:
    """Returns what is applied again: the API server drops the status, and a backup's uids are of no use."""
    saved = []
    for slot, obj in world.objects.items():
        if slot[0] not in KEPT:
            continue
        assert not list(rules.nulls(obj)), (slot, list(rules.nulls(obj)))
        dropped = SERVER_SIDE if with_owners else (*SERVER_SIDE, "ownerReferences")
        meta = {key: value for key, value in obj["metadata"].items() if key not in dropped}
        saved.append((slot[0], {**{key: value for key, value in obj.items() if key != "status"}, "metadata": meta}))
    return saved


def emptied(world: World) -> World:
    """Returns a cluster without objects beside the same artifact store."""
    fresh = World()
    fresh.results, fresh.now, fresh._version = world.results, world.now.replace(hour=18), world._version
    return fresh


def is_training(world: World) -> list[str]:
    return [slot[2] for slot in world.created if slot[0] == JOBS and "-train-" in slot[2]]


def restored(saved: Iterable[tuple[Resource, Object]], world: World, by_one: bool, with_owners: bool = False) -> World:
    world.refuses = with_owners
    for resource, obj in saved:
        world.put(resource, obj)
        if by_one:
            work(world, "b")
    for _ in range(10):
        world.now += timedelta(seconds=61)
        work(world, "b")
    return world


@pytest.mark.parametrize("with_owners", [False, True])
@pytest.mark.parametrize("by_one", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_a_backup_that_is_applied_in_any_order_trains_nothing(seed: int, by_one: bool, with_owners: bool) -> None:
    before = story()
    expected, saved = summary(before), backup(before, with_owners)
    random.Random(seed).shuffle(saved)
    world = restored(saved, emptied(before), by_one, with_owners)
    assert is_training(world) == []
    assert summary(world) == expected
    uids = {obj["metadata"]["uid"] for obj in world.objects.values()}
    assert all(controller_uid(obj) in (None, *uids) for obj in world.objects.values())
    writes = world.writes
    for _ in range(10):
        world.tick(60)
    assert world.writes == writes, "ten minutes of silence"


@pytest.mark.parametrize("expired", [False, True])
def test_everything_orphaned_and_applied_anew_trains_nothing(expired: bool) -> None:
    world = story()
    expected = summary(world)
    applied = [(resource, obj) for resource in OURS for obj in world.all(resource) if not controller_uid(obj)]
    manifests = [
        (resource, {**obj, "metadata": {"name": obj["metadata"]["name"], "namespace": NAMESPACE}})
        for resource, obj in applied
        if resource != MODEL_VERSIONS
    ]
    trained = len(is_training(world))
    for job in world.all(JOBS) if expired else ():  # as after their time to live
        world.delete(JOBS, job["metadata"]["name"])
    for resource, obj in manifests:
        world.delete(resource, obj["metadata"]["name"], cascade=False, force=True)
    for resource, obj in manifests:
        if obj["metadata"]["name"] not in ("bad", "alone"):  # nothing but their Jobs knew how these have ended
            world.put(resource, {key: value for key, value in obj.items() if key != "status"})
    work(world, "b")
    assert len(is_training(world)) == trained
    after = summary(world)
    for known in (expected, after):
        for name in ("bad", "alone"):
            known["runs"].pop(name, None)
            known["ready"].pop(("TrainingRun", name), None)
    assert after == expected


@pytest.mark.parametrize("expired", [False, True])
def test_a_run_that_alone_is_orphaned_and_applied_anew_keeps_its_version(expired: bool) -> None:
    world = story()
    expected, trained = summary(world), len(is_training(world))
    world.delete(TRAINING_RUNS, "first", cascade=False)
    if expired:
        # Without its Job nothing tells an orphaned run from a deleted one, which trains again, except the label.
        world.delete(JOBS, job_of(world, "first")["metadata"]["name"])
    world.put(TRAINING_RUNS, run("first", modelRef={"name": "species"}))
    if expired:
        version = world.get(MODEL_VERSIONS, "species-v1")
        version["metadata"]["labels"][RUN_UID] = world.get(TRAINING_RUNS, "first")["metadata"]["uid"]
        world.put(MODEL_VERSIONS, version)
    work(world, "b")
    assert len(is_training(world)) == trained
    assert summary(world) == expected


def test_an_orphaned_job_is_followed_and_not_made_again() -> None:
    world = story()
    before = is_training(world)
    world.delete(TRAINING_RUNS, "alone", cascade=False)
    world.put(TRAINING_RUNS, run("alone"))
    work(world, "b")
    assert is_training(world) == before
    assert world.condition(TRAINING_RUNS, "alone")[:2] == ("True", "Trained")
    owner = world.get(TRAINING_RUNS, "alone")["metadata"]["uid"]
    assert controller_uid(job_of(world, "alone")) == owner


def test_children_of_an_orphaned_deployment_are_taken_over() -> None:
    world = story()
    children = {
        (slot, obj["metadata"]["uid"])
        for slot, obj in world.objects.items()
        if slot[0] in (DEPLOYMENTS, SERVICES) and controller_uid(obj)
    }
    world.delete(MODEL_DEPLOYMENTS, "species", cascade=False)
    world.put(MODEL_DEPLOYMENTS, deployment())
    work(world, "b")
    uid = world.get(MODEL_DEPLOYMENTS, "species")["metadata"]["uid"]
    for slot, child_uid in children:
        if slot in world.objects:
            assert world.objects[slot]["metadata"]["uid"] == child_uid
            assert controller_uid(world.objects[slot]) == uid
    assert world.condition(MODEL_DEPLOYMENTS, "species")[:2] == ("True", "Serving")


def test_a_run_that_is_deleted_and_applied_again_is_another_one() -> None:
    world = story()
    before = len(is_training(world))
    world.delete(TRAINING_RUNS, "first")
    world.put(TRAINING_RUNS, run("first", modelRef={"name": "species"}))
    work(world, "b")
    assert len(is_training(world)) == before + 1


@pytest.mark.parametrize("change", ["name", "spec", "text"])
def test_an_outcome_is_of_its_own_run_and_spec_alone(change: str) -> None:
    world = story()
    before = len(is_training(world))
    outcome = world.get(TRAINING_RUNS, "alone")["metadata"]["annotations"][OUTCOME]
    copy = run("copy" if change == "name" else "alone", **({"seed": 5} if change == "spec" else {}))
    copy["metadata"]["annotations"] = {OUTCOME: "{" if change == "text" else outcome}
    world.delete(TRAINING_RUNS, "alone")
    world.put(TRAINING_RUNS, copy)
    work(world, "b")
    assert len(is_training(world)) == before + 1


def test_a_restored_run_waits_for_a_store_that_is_restored_later() -> None:
    before = story()
    expected, saved, results = summary(before), backup(before, False), dict(before.results)
    world = emptied(before)
    world.results = {}
    world.down.add(Result)
    for resource, obj in saved:
        world.put(resource, obj)
    world.settle()
    world.down.clear()
    world.settle()
    assert world.condition(TRAINING_RUNS, "first")[1] == "ResultMissing"
    assert f"{OUTCOME}-" in world.condition(TRAINING_RUNS, "first")[2]
    world.results.update(results)
    restored([], world, False)
    assert is_training(world) == []
    assert summary(world)["runs"] == expected["runs"]


def test_what_a_living_owner_has_is_never_taken() -> None:
    world = story()
    (other,) = [obj for obj in world.all(SERVICES) if obj["metadata"]["name"] == "species"]
    stranger = {**other["metadata"]["ownerReferences"][0], "kind": "Gadget", "name": "x", "uid": "alive"}
    world.delete(MODEL_DEPLOYMENTS, "species", cascade=False)
    other["metadata"]["ownerReferences"] = [stranger]
    world.put(SERVICES, other)
    world.put(MODEL_DEPLOYMENTS, deployment())
    with pytest.raises(NameTaken, match="Service species"):
        work(world, "b")
    assert controller_uid(world.get(SERVICES, "species")) == "alive"
