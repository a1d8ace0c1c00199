"""Checks that what is used is not deleted before its users are, says for whom it waits, and goes once they are gone."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from modelyard.engine.resource import (
    DATASET_VERSIONS,
    DATASETS,
    JOBS,
    MODEL_DEPLOYMENTS,
    MODEL_POOLS,
    MODEL_VERSIONS,
    MODELS,
    TRAINING_RUNS,
)
from modelyard.workload.protection import FINALIZER
from tests.unit.kinds.objects import dataset, deployment, model, put_data, run
from tests.unit.kinds.packs import POOL, Servers, catalogue, packed, pool
from tests.unit.kinds.test_loop import GATES, work
from tests.unit.kinds.world import NAMESPACE, World


def served() -> World:
    """Returns a world in which version 1 of a Model is served."""
    world = World()
    put_data(world, "a")
    for resource, obj in (
        (DATASETS, dataset()),
        (MODELS, model(gates=GATES)),
        (TRAINING_RUNS, run("first", modelRef={"name": "species"})),
        (MODEL_DEPLOYMENTS, deployment()),
    ):
        world.put(resource, obj)
    work(world, "a")
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["stable"] == 1
    return world


def held(world: World) -> set[tuple[str, str]]:
    """Returns kind and name of each object that has the finalizer."""
    items = world.objects.items()
    return {(slot[0].kind, slot[2]) for slot, obj in items if FINALIZER in obj["metadata"].get("finalizers", ())}


def test_only_what_is_used_has_the_finalizer() -> None:
    world = served()
    version = world.status_of(DATASETS, "penguins")["latest"]
    used = {("Model", "species"), ("ModelVersion", "species-v1"), ("Dataset", "penguins"), ("DatasetVersion", version)}
    assert held(world) == used
    world.delete(MODEL_DEPLOYMENTS, "species")
    world.settle()
    assert held(world) == {("Dataset", "penguins"), ("DatasetVersion", version)}
    world.delete(MODELS, "species")
    world.settle()
    assert held(world) == set()


@pytest.mark.parametrize(
    ("resource", "name", "user"),
    [
        (MODELS, "species", "ModelDeployment species"),
        (MODEL_VERSIONS, "species-v1", "ModelDeployment species"),
        (DATASETS, "penguins", "ModelVersion species-v1"),
        (DATASET_VERSIONS, "", "ModelVersion species-v1"),
    ],
)
def test_a_deletion_waits_says_for_whom_and_names_the_way_out(resource: Any, name: str, user: str) -> None:
    world = served()
    name = name or world.status_of(DATASETS, "penguins")["latest"]
    world.delete(resource, name)
    work(world, "a")
    state, reason, message = world.condition(resource, name, "DeletionBlocked")
    assert (state, reason) == ("True", "InUse")
    assert user in message
    assert f"kubectl patch {resource.kind.lower()} {name} -n {NAMESPACE}" in message
    assert [note[1:] for note in world.notes if note[0] == f"{resource.kind}/{name}"].count(("InUse", message)) == 1
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["stable"] == 1, "what serves goes on"
    before = world.writes
    world.tick(60)
    assert world.writes == before, "it waits in silence"


def test_the_way_out_deletes_a_model_and_leaves_what_serves() -> None:
    world = served()
    world.delete(MODELS, "species")
    world.settle()
    world.delete(MODELS, "species", force=True)
    work(world, "a")
    assert not world.all(MODELS)
    assert world.condition(MODEL_VERSIONS, "species-v1", "DeletionBlocked")[:2] == ("True", "InUse")
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["stable"] == 1
    world.delete(MODEL_DEPLOYMENTS, "species")
    world.settle()
    assert not world.all(MODEL_VERSIONS)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_deleted_in_any_order_everything_goes(order: tuple[int, ...]) -> None:
    """As a namespace's end does it, the operator being alive."""
    world = served()
    kinds = (DATASETS, MODELS, TRAINING_RUNS, MODEL_DEPLOYMENTS)
    for index in order:
        for obj in world.all(kinds[index]):
            world.delete(kinds[index], obj["metadata"]["name"])
        world.settle()
    for resource in (MODEL_VERSIONS, DATASET_VERSIONS):
        for obj in world.all(resource):
            world.delete(resource, obj["metadata"]["name"])
    world.settle()
    assert {slot[0].kind for slot in world.objects} == {"ConfigMap"}


def test_a_champion_that_is_deleted_goes_once_another_version_serves() -> None:
    world = served()
    world.put(TRAINING_RUNS, run("second", modelRef={"name": "species"}))
    work(world, "a")
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["stable"] == 2
    world.delete(MODEL_VERSIONS, "species-v2")
    work(world, "a")
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["stable"] == 1
    assert [obj["metadata"]["name"] for obj in world.all(MODEL_VERSIONS)] == ["species-v1"]


def test_an_unfinished_run_keeps_the_version_that_it_reads() -> None:
    world = World()
    put_data(world, "a")
    world.put(DATASETS, dataset())
    work(world, "a")
    world.put(TRAINING_RUNS, run("first"))
    world.settle()
    name = world.status_of(TRAINING_RUNS, "first")["datasetVersion"]
    world.delete(DATASET_VERSIONS, name)
    world.settle()
    assert "TrainingRun first" in world.condition(DATASET_VERSIONS, name, "DeletionBlocked")[2]
    world.delete(TRAINING_RUNS, "first")
    world.settle()
    assert not [job for job in world.all(JOBS) if "-train-" in job["metadata"]["name"]]
    assert "deletionTimestamp" not in str(world.all(DATASET_VERSIONS)), "it went, and the Dataset makes it anew"


def test_a_pool_waits_for_what_it_serves() -> None:
    world = served()
    world.put(MODEL_POOLS, pool())
    servers = Servers(world)
    world.put(MODEL_DEPLOYMENTS, packed("species"))
    servers.settle()
    assert world.status_of(MODEL_DEPLOYMENTS, "species")["pool"] == POOL
    world.delete(MODEL_POOLS, POOL)
    servers.settle()
    assert world.condition(MODEL_POOLS, POOL, "DeletionBlocked")[:2] == ("True", "InUse")
    assert catalogue(world) == {"species": [1]}
    world.delete(MODEL_DEPLOYMENTS, "species")
    world.settle()
    assert not world.all(MODEL_POOLS)
