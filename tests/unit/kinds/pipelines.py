"""Builds Pipelines and PipelineRuns as a person applies them, and looks at them."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import JOBS, PIPELINE_RUNS, PIPELINES, TRAINING_RUNS, Object
from tests.unit.kinds.objects import complete, meta, train_result
from tests.unit.kinds.test_trainingrun import with_data
from tests.unit.kinds.world import World

TRAIN: Object = {
    "name": "train",
    "trainingRun": {
        "datasetRef": {"name": "penguins"},
        "modelRef": {"name": "species"},
        "trainer": {"estimator": {"algorithm": "RandomForestClassifier"}},
    },
}
CHECK: Object = {"name": "check", "container": {"image": "acme/check:1", "outputs": ["trees"]}}


def train(name: str = "train", after: tuple[str, ...] = (), **spec: Any) -> Object:
    given = {key: value for key, value in {**TRAIN["trainingRun"], **spec}.items() if value is not None}
    return {"name": name, "after": list(after), "trainingRun": given}


def pipeline(name: str = "species", **spec: Any) -> Object:
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "Pipeline", **meta(name)} | {
        "spec": {"steps": [train(modelRef=None)], **spec}
    }


def pipeline_run(name: str = "once", **spec: Any) -> Object:
    base = {"pipelineRef": {"name": "species"}}
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "PipelineRun", **meta(name), "spec": base | spec}


def applied(world: World, **spec: Any) -> None:
    world.put(PIPELINES, pipeline(**spec))
    world.settle()


def runs(world: World) -> list[Object]:
    return world.all(PIPELINE_RUNS)


def step(world: World, run: str, name: str) -> Object:
    return next(item for item in world.status_of(PIPELINE_RUNS, run)["steps"] if item["name"] == name)


def job_of(world: World, kind: str, name: str) -> Object:
    """Returns the Job of an object."""
    label = f"modelyard.dev/{kind.lower()}"
    (job,) = (job for job in world.all(JOBS) if job["metadata"]["labels"].get(label) == name)
    return job


def trained(world: World) -> None:
    """Lets all TrainingRuns that have a Job and no end come to a good end."""
    for run in world.all(TRAINING_RUNS):
        if run["status"].get("phase") in ("Pending", "Running") and run["status"].get("job"):
            job = job_of(world, "TrainingRun", run["metadata"]["name"])
            complete(world, job, train_result(job))
    world.settle()


def with_pipeline(**spec: Any) -> World:
    """Returns a world with an accepted version of the Dataset penguins, and a Pipeline."""
    world = with_data()
    applied(world, **spec)
    return world
