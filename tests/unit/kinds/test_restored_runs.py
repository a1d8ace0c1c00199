"""Checks that a run that is applied again from what ``kubectl get -o yaml`` has shown does nothing twice in silence."""

from __future__ import annotations

from importlib import import_module

import pytest

from modelyard.engine.resource import JOBS, PIPELINE_RUNS, TRAINING_RUNS, Object, Resource
from modelyard_api.kinds.pipelinerun import STARTED
from modelyard_api.kinds.trainingrun import OUTCOME
from tests.kinds import SAMPLES
from tests.unit.kinds import test_pipelinerun
from tests.unit.kinds.objects import active, fail, failed
from tests.unit.kinds.pipelines import CHECK, job_of, pipeline_run, train, trained, with_pipeline
from tests.unit.kinds.test_trainingrun import with_data
from tests.unit.kinds.world import World

ENDED = ("TrainingRun", "BatchPrediction", "Sweep", "PipelineRun")


def saved(world: World, resource: Resource, name: str) -> Object:
    """Returns what a backup has of an object: neither a status nor what only the API server gives."""
    obj = world.get(resource, name)
    meta = {
        key: obj["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in obj["metadata"]
    }
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": meta}


def again(world: World, resource: Resource, name: str, cascade: bool = True) -> None:
    """Deletes an object and applies its backup, and lets time pass."""
    obj = saved(world, resource, name)
    world.delete(resource, name, cascade)
    world.settle()
    world.put(resource, obj)
    for _ in range(5):
        world.tick(61)


def made(world: World) -> int:
    kinds = ("Job", "TrainingRun", "Sweep", "BatchPrediction")
    return sum(count for slot, count in world.created.items() if slot[0].kind in kinds and "-ingest" not in slot[2])


@pytest.mark.parametrize("cascade", [True, False])
@pytest.mark.parametrize("kind", ENDED)
def test_what_has_ended_stays_so(kind: str, cascade: bool) -> None:
    world, name = import_module(f"tests.unit.kinds.test_{kind.lower()}").done()
    resource = Resource.of(SAMPLES[kind].kind)
    world.settle()
    before, count = world.status_of(resource, name), made(world)
    again(world, resource, name, cascade)
    after = world.status_of(resource, name)
    assert world.condition(resource, name)[0] == "True"
    same = ("phase", "outputs", "steps", "best", "trials", "metrics", "rows")
    assert {field: after.get(field) for field in same} == {field: before.get(field) for field in same}
    applied = 1 if kind in ("TrainingRun", "Sweep", "BatchPrediction") else 0
    assert made(world) == count + applied, "nothing but the object itself"


def test_a_failed_run_of_a_pipeline_stays_failed() -> None:
    world = with_data()
    test_pipelinerun.start(world, steps=[CHECK])
    fail(world, job_of(world, "PipelineRun", "once"), failed("InvalidOutputs", "outputs.json is not JSON"))
    world.settle()
    before = test_pipelinerun.ready(world)
    again(world, PIPELINE_RUNS, "once")
    assert test_pipelinerun.ready(world) == before
    assert [job for job in world.all(JOBS) if "pipelinerun" in str(job["metadata"]["labels"])] == []


@pytest.mark.parametrize("own_steps", [True, False])
@pytest.mark.parametrize("cascade", [True, False])
def test_a_run_of_a_pipeline_that_had_not_ended_is_told_and_makes_nothing(cascade: bool, own_steps: bool) -> None:
    world = with_pipeline(steps=[CHECK, train(modelRef=None)])
    test_pipelinerun.start(world, **({"steps": [CHECK, train(modelRef=None)]} if own_steps else {}))
    active(world, job_of(world, "PipelineRun", "once"))
    world.settle()
    count = made(world)
    again(world, PIPELINE_RUNS, "once", cascade)
    status, reason, message = test_pipelinerun.ready(world)
    assert (status, reason) == ("False", "Restored")
    assert "it had started before it was restored" in message
    assert "Apply a run with a new name" in message
    assert made(world) == count
    assert len(world.all(TRAINING_RUNS)) == (0 if cascade else 1)


def test_a_copy_under_another_name_runs() -> None:
    world, name = test_pipelinerun.done()
    copy = saved(world, PIPELINE_RUNS, name)
    assert copy["metadata"]["annotations"].keys() >= {STARTED, OUTCOME}
    copy["metadata"]["name"] = "other"
    world.put(PIPELINE_RUNS, copy)
    world.settle()
    assert test_pipelinerun.ready(world, "other")[1] == "Running"
    trained(world)
    assert test_pipelinerun.ready(world, "other")[:2] == ("True", "Succeeded")


def test_a_run_that_had_not_started_starts() -> None:
    world = with_data()
    world.put(PIPELINE_RUNS, pipeline_run(steps=[train(modelRef=None)], suspend=True))
    world.settle()
    again(world, PIPELINE_RUNS, "once")
    world.put(PIPELINE_RUNS, pipeline_run(steps=[train(modelRef=None)]))
    world.settle()
    assert test_pipelinerun.ready(world)[1] == "Running"
