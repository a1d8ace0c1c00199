"""Checks the whole loop with a process that dies at any one write: the end is the same, and nothing is made twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from modelyard.engine.resource import (
    DATASETS,
    DEPLOYMENTS,
    JOBS,
    MODEL_DEPLOYMENTS,
    MODEL_VERSIONS,
    MODELS,
    TRAINING_RUNS,
    Object,
)
from modelyard.workload.run.jobs import JobPhase, phase
from modelyard_api.wire.task import IngestTask
from tests.unit.kinds.objects import (
    complete,
    dataset,
    deployment,
    evaluate_result,
    ingest_result,
    model,
    put_data,
    roll_out,
    run,
    task_of,
    train_result,
)
from tests.unit.kinds.world import NAMESPACE, Died, World

GATES = [{"name": "good", "metric": "balanced_accuracy", "min": 0.8}]
FACTS = ("phase", "champion", "aliases", "versions", "lastNumber", "stable", "candidate", "latest", "accepted",
         "approved", "score", "outputs", "datasetVersion", "registering")  # fmt: skip


def settle(world: World) -> None:
    """Settles the world; after a death it goes on as a new process, which knows only what is in the cluster."""
    while True:
        try:
            return world.settle()
        except Died:
            world.die_at = None
            world.restart()


def work(world: World, content: str) -> None:
    """Lets controllers and kubelet take turns until nothing is left to do."""
    while True:
        settle(world)
        waiting = [job for job in world.all(JOBS) if phase(job) is JobPhase.ACTIVE]
        for job in waiting:
            complete(world, job, result_of(job, content))
        behind = [child for child in world.all(DEPLOYMENTS) if not is_rolled_out(child)]
        if behind:
            roll_out(world)
        if not waiting and not behind:
            return


def result_of(job: Object, content: str) -> Object:
    """Returns what the pod of this Job leaves."""
    match job["metadata"]["labels"]["app.kubernetes.io/name"]:
        case "modelyard-evaluation":
            return evaluate_result(job)
        case "modelyard-training":
            return train_result(job)
    return ingest_result(job, content)


def is_rolled_out(child: Object) -> bool:
    observed = (child.get("status") or {}).get("observedGeneration", 0)
    return bool(observed == child["metadata"]["generation"])


def play(die_at: tuple[int, str] | None = None) -> World:
    """Runs from data to a served version, from new data to one with which it is compared by a Job, then to two at once;
    the process dies at the write ``die_at``."""
    world = World()
    world.die_at = die_at
    put_data(world, "a")
    for resource, obj in (
        (MODEL_DEPLOYMENTS, deployment()),
        (TRAINING_RUNS, run("first", modelRef={"name": "species"})),
        (MODELS, model(gates=GATES)),
        (DATASETS, dataset(checkEvery="1m")),
    ):
        world.put(resource, obj)
        work(world, "a")
    put_data(world, "b")
    world.now = world.now.replace(minute=5)
    work(world, "b")
    for names in (("second",), ("third", "twin")):
        for name in names:
            world.put(TRAINING_RUNS, run(name, modelRef={"name": "species"}))
        work(world, "b")
    assert world.die_at is None or die_at is None, "it did not come to this write"
    return world


def end_state(world: World) -> list[Any]:
    state = []
    for resource in world.controllers:
        for obj in sorted(world.all(resource), key=lambda obj: str(obj["metadata"]["name"])):
            status = obj["status"]
            conditions = sorted((item["type"], item["status"], item["reason"]) for item in status["conditions"])
            promotions = [(p["version"], p.get("previous"), p["evidence"]) for p in status.get("promotions", ())]
            known = {key: status.get(key) for key in FACTS}
            state.append((resource.kind, obj["metadata"]["name"], known, conditions, promotions))
            if resource == MODEL_VERSIONS:
                state.append(obj["spec"]["lineage"])
    return state


def created_by_kind(world: World) -> Counter[str]:
    """Returns how many objects of each kind were ever created."""
    return Counter(slot[0].kind for slot in world.created)


UNDISTURBED = play()


def test_the_loop_comes_to_its_end_undisturbed() -> None:
    world = UNDISTURBED
    assert {version["metadata"]["name"] for version in world.all(MODEL_VERSIONS)} == {
        f"species-v{n}" for n in (1, 2, 3, 4)
    }
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["stable"] == 4
    assert [p["version"] for p in world.status_of(MODELS, "species")["promotions"]] == [1, 2, 3, 4]
    data = {
        v["spec"]["lineage"]["trainingRun"]: v["spec"]["lineage"]["datasetDigest"] for v in world.all(MODEL_VERSIONS)
    }
    assert data["second"] == data["third"] == data["twin"] != data["first"]
    assert all(count == 1 for count in world.created.values())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, UNDISTURBED.writes + 1))
def test_it_comes_to_the_same_end_when_the_process_dies_at(number: int, when: str) -> None:
    world = play((number, when))
    assert end_state(world) == end_state(UNDISTURBED)
    assert all(count == 1 for count in world.created.values()), world.created
    assert created_by_kind(world) == created_by_kind(UNDISTURBED)


@pytest.mark.parametrize(
    ("resource", "name"),
    [(DATASETS, "penguins"), (MODELS, "species"), (TRAINING_RUNS, "second"), (MODEL_VERSIONS, "species-v2"),
     (MODEL_DEPLOYMENTS, "species")],
)  # fmt: skip
def test_a_lost_status_comes_back_without_anything_being_made(resource: Any, name: str) -> None:
    """A restored backup may lack one object's status."""
    world = play()
    before, expected = end_state(world), dict(world.created)
    world.status(resource, name, None)
    world.now = world.now.replace(minute=30)
    work(world, "b")
    after = end_state(world)
    if resource == DATASETS:
        # Only a new Job can tell what the source holds now; it creates no second version of the same data.
        new = {slot for slot, count in world.created.items() if count != expected.get(slot)}
        assert [slot[2].rsplit("-", 1)[0] for slot in new] == ["penguins-ingest"]
        expected |= dict.fromkeys(new, 1)
    assert dict(world.created) == expected
    if resource == MODELS:
        # A Model's history of promotions can't be restored: it holds one new promotion instead.
        before, after = (
            [(*item[:4],) if isinstance(item, tuple) else item for item in side] for side in (before, after)
        )
    assert after == before


def test_nothing_is_written_when_nothing_happens() -> None:
    world = play()
    before = world.writes
    for minute in range(10, 50, 10):
        world.now = world.now.replace(minute=minute)
        world.restart()
        world.settle()
    assert world.writes == before


def test_everything_goes_with_its_owner() -> None:
    world = play()
    for resource, name in ((DATASETS, "penguins"), (MODELS, "species"), (MODEL_DEPLOYMENTS, "species")):
        world.delete(resource, name)
    for name in ("first", "second", "third", "twin"):
        world.delete(TRAINING_RUNS, name)
    world.settle()
    assert {slot[0].kind for slot in world.objects} == {"ConfigMap"}


def test_tasks_carry_what_the_programs_need() -> None:
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset())
    world.settle()
    task = task_of(world.one(JOBS), IngestTask)
    assert (task.subject.namespace, task.subject.name, task.source) == (NAMESPACE, "penguins", "t.csv")
    assert task.base_uri.startswith("mlflow-artifacts:/modelyard/team/uid-")
    assert task.result_uri.startswith(task.base_uri)
