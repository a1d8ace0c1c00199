"""Checks a BatchPrediction: what it resolves, what is wrong before a pod is started, what a version of its table is."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Fetch
from modelyard.engine.resource import (
    BATCH_PREDICTIONS,
    DATASET_VERSIONS,
    DATASETS,
    JOBS,
    MODEL_VERSIONS,
    MODELS,
    Object,
)
from modelyard_api.wire.task import PredictTask
from tests.kinds.batchprediction import predict
from tests.unit.kinds.objects import active, complete, dataset, fail, failed, meta, model, task_of
from tests.unit.kinds.test_model import train, with_model
from tests.unit.kinds.test_pushed import pushed
from tests.unit.kinds.world import NAMESPACE, World


def prediction(name: str = "scores", **spec: Any) -> Object:
    base = {
        "modelRef": {"name": "species", "alias": "champion"},
        "datasetRef": {"name": "penguins"},
        "output": {"datasetRef": {"name": "scored"}},
    }
    return {"apiVersion": "modelyard.dev/v1alpha1", "kind": "BatchPrediction", **meta(name), "spec": base | spec}


def with_champion() -> World:
    """Returns a world with a champion, a Dataset and another that is pushed to."""
    world = with_model()
    train(world, "a")
    world.put(DATASETS, pushed("scored"))
    world.settle()
    world.notes.clear()
    return world


@pytest.fixture
def world() -> World:
    return with_champion()


def done() -> tuple[World, str]:
    """Returns a world in which a BatchPrediction has become Ready, and its name."""
    world = with_champion()
    start(world)
    end(world)
    return world, "scores"


def start(world: World, name: str = "scores", **spec: Any) -> None:
    world.put(BATCH_PREDICTIONS, prediction(name, **spec))
    world.settle()


def job_of(world: World, name: str = "scores") -> Object:
    (job,) = (job for job in world.all(JOBS) if job["metadata"]["labels"].get("modelyard.dev/batchprediction") == name)
    return job


def result_of(world: World, name: str = "scores", **more: Any) -> Object:
    return predict(task_of(job_of(world, name), PredictTask), "").wire() | more


def end(world: World, name: str = "scores", **more: Any) -> None:
    complete(world, job_of(world, name), result_of(world, name, **more))
    world.settle()


def ready(world: World, name: str = "scores") -> tuple[str, str, str]:
    return world.condition(BATCH_PREDICTIONS, name)


def status(world: World, name: str = "scores") -> Object:
    return world.status_of(BATCH_PREDICTIONS, name)


def latest(world: World) -> Any:
    return world.status_of(DATASETS, "scored").get("latest")


def versions(world: World) -> list[Object]:
    return [item for item in world.all(DATASET_VERSIONS) if item["spec"]["datasetRef"]["name"] == "scored"]


def test_both_versions_are_resolved_once_and_told(world: World) -> None:
    start(world, output={"datasetRef": {"name": "scored"}, "keep": ["x"]}, maxBadRows=3)
    inputs = status(world)["inputs"]
    data = world.status_of(DATASETS, "penguins")["latest"]
    assert (inputs["datasetVersion"], inputs["modelVersion"]) == (data, "species-v1")
    task = task_of(job_of(world), PredictTask)
    artifact = world.get(MODEL_VERSIONS, "species-v1")["spec"]["artifact"]
    assert (task.artifact_uri, task.artifact_digest) == (artifact["uri"], artifact["digest"])
    assert (task.data.name, task.keep, task.max_bad_rows, task.image) == (data, ["x"], 3, inputs["image"])
    train(world, "second")
    assert world.status_of(MODELS, "species")["champion"] == 2
    active(world, job_of(world))
    world.settle()
    assert status(world)["inputs"] == inputs
    assert ready(world)[1:] == ("Predicting", f"{data} is scored by species-v1, attempt 1")


def test_a_pod_template_edited_while_suspended_is_what_runs_then(world: World) -> None:
    mended: Object = {"podTemplate": {"image": "mine:1", "resources": {"limits": {"memory": "8Gi"}}}}
    start(world)
    first = job_of(world)["metadata"]["uid"]
    start(world, suspend=True)
    assert job_of(world)["metadata"]["uid"] == first
    start(world, suspend=True, **mended)
    assert not [job for job in world.all(JOBS) if job["metadata"]["uid"] == first]
    start(world, **mended)
    (main,) = job_of(world)["spec"]["template"]["spec"]["containers"]
    assert (main["image"], main["resources"]["limits"]["memory"]) == ("mine:1", "8Gi")
    assert status(world)["inputs"]["image"] == task_of(job_of(world), PredictTask).image == "mine:1"
    end(world)
    assert ready(world)[1] == "Registered"


def test_its_table_is_a_version_of_the_dataset(world: World) -> None:
    start(world)
    end(world)
    (version,) = versions(world)
    uid = world.get(BATCH_PREDICTIONS, "scores")["metadata"]["uid"]
    assert version["spec"]["origin"] == {"kind": "BatchPrediction", "name": "scores", "uid": uid}
    assert version["metadata"]["ownerReferences"][0]["kind"] == "Dataset"
    assert latest(world) == status(world)["outputs"]["datasetVersion"] == version["metadata"]["name"]
    assert world.condition(DATASET_VERSIONS, latest(world))[0] == "True"
    assert ready(world)[:2] == ("True", "Registered")
    assert (status(world)["rows"], status(world)["badRows"], status(world)["rowsPerSecond"]) == (40, 0, 1000)
    assert world.condition(DATASETS, "scored")[:2] == ("True", "VersionAccepted")
    assert world.condition(DATASETS, "scored", "SourceReadable")[1:] == (
        "Pushed",
        f"BatchPrediction scores has pushed {latest(world)}",
    )
    assert ("Dataset/scored", "VersionAccepted") in [note[:2] for note in world.notes]
    world.delete(BATCH_PREDICTIONS, "scores")
    world.settle()
    assert latest(world) == version["metadata"]["name"], "it belongs to the Dataset"


WAITS: list[tuple[Object, str, str]] = [
    ({"modelRef": {"name": "nobody", "version": 1}}, "ModelNotFound", "spec.modelRef.name"),
    ({"modelRef": {"name": "species", "version": 7}}, "VersionNotFound", "has no version 7"),
    ({"datasetRef": {"name": "nowhere"}}, "DatasetNotFound", "spec.datasetRef.name"),
    ({"output": {"datasetRef": {"name": "nowhere"}}}, "DatasetNotFound", "spec.output.datasetRef.name"),
]


@pytest.mark.parametrize(("spec", "reason", "says"), WAITS)
def test_it_waits_for_what_may_be_applied_later(world: World, spec: Object, reason: str, says: str) -> None:
    start(world, **spec)
    assert ready(world)[:2] == ("False", reason)
    assert says in ready(world)[2]
    assert world.condition(BATCH_PREDICTIONS, "scores", "Reconciling")[0] == "True"


def test_it_starts_when_what_it_waited_for_comes() -> None:
    world = with_model()
    world.put(BATCH_PREDICTIONS, prediction())
    world.settle()
    assert ready(world)[1] == "DatasetNotFound"
    world.put(DATASETS, pushed("scored", suspend=True))
    world.settle()
    assert ready(world)[1] == "DatasetNotReady"
    world.put(DATASETS, pushed("scored"))
    world.settle()
    assert ready(world)[1] == "AliasNotSet"
    train(world, "a")
    assert ready(world)[1] == "PodPending"


FAILS: list[tuple[Object, Object, str, list[str]]] = [
    ({"output": {"datasetRef": {"name": "penguins"}}}, {}, "NotPushed", ["Dataset 'penguins' reads its source itself"]),
    (
        {"output": {"datasetRef": {"name": "scored"}, "keep": ["z"]}},
        {},
        "ColumnNotFound",
        ["spec.output.keep", "no column 'z'; it has 'x', 'y'"],
    ),
    ({}, {"target": "z"}, "ColumnNotFound", ["spec.target of Dataset 'scored' names 'z'", "has 'label'"]),
    (
        {},
        {"columns": [{"name": "score", "type": "Float"}]},
        "ColumnNotFound",
        ["spec.columns[0].name of Dataset 'scored' names 'score'"],
    ),
    ({}, {"ignore": ["label"]}, "NoColumns", ["ignores all columns"]),
]


@pytest.mark.parametrize(("spec", "rules", "reason", "says"), FAILS)
def test_what_can_not_work_fails_before_a_pod(
    world: World, spec: Object, rules: Object, reason: str, says: list[str]
) -> None:
    world.put(DATASETS, pushed("scored", **rules))
    start(world, **spec)
    assert ready(world)[:2] == ("False", reason)
    assert all(text in ready(world)[2] for text in says), ready(world)[2]
    assert not [job for job in world.all(JOBS) if "modelyard.dev/batchprediction" in job["metadata"]["labels"]]
    world.put(BATCH_PREDICTIONS, prediction(suspend=True, **spec))
    world.settle()
    assert status(world)["phase"] == "Suspended", "an edit has it begin anew"


def other_columns(world: World, *columns: Object) -> None:
    """Makes a second Dataset, ``other``, with a version of these columns."""
    version = world.get(DATASET_VERSIONS, world.status_of(DATASETS, "penguins")["latest"])
    world.put(DATASETS, dataset("other", suspend=True, target=None))
    spec = {**version["spec"], "datasetRef": {"name": "other"}, "columns": list(columns), "rows": 10}
    world.put(DATASET_VERSIONS, {**version, "metadata": {"name": "other-1"}, "spec": spec})
    world.status(DATASET_VERSIONS, "other-1", {**version["status"], "observedGeneration": 1})
    world.status(DATASETS, "other", {"latest": "other-1"})


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ([{"name": "a", "type": "Float"}], "has no column 'x', which species-v1 takes; it has 'a'"),
        ([{"name": "x", "type": "Category"}], ""),
        ([{"name": "x", "type": "Boolean", "missing": 10}], ""),
    ],
)
def test_columns_must_be_those_that_the_model_takes(world: World, columns: list[Object], says: str) -> None:
    other_columns(world, *columns)
    start(world, datasetRef={"name": "other", "version": "other-1"})
    assert ready(world)[1] == ("SignatureMismatch" if says else "PodPending"), ready(world)
    assert says in ready(world)[2]


def test_bad_rows_are_told_with_number_and_reason(world: World) -> None:
    start(world, maxBadRows=9)
    bad = [{"row": 3, "column": "x", "reason": "'a' is no number"}, {"row": 8, "reason": "no finite number"}]
    end(world, badRows=2, badExamples=bad)
    assert (status(world)["badRows"], status(world)["badExamples"]) == (2, bad)
    told = world.condition(BATCH_PREDICTIONS, "scores", "Predicted")
    assert told[:2] == ("True", "BadRows")
    assert told[2].endswith("left out: row 3: column 'x': 'a' is no number; row 8: no finite number")
    assert ready(world)[0] == "True"


def test_too_many_bad_rows_fail_it(world: World) -> None:
    start(world)
    fail(world, job_of(world), failed("TooManyBadRows", "spec.maxBadRows: 1 of the first 40 rows"))
    world.settle()
    assert ready(world)[:2] == ("False", "TooManyBadRows")
    assert (versions(world), status(world).get("outputs")) == ([], None)


def test_what_it_uses_is_not_deleted_before_it_has_ended(world: World) -> None:
    start(world, modelRef={"name": "species", "version": 1})
    data = status(world)["inputs"]["datasetVersion"]
    for resource, name in ((MODEL_VERSIONS, "species-v1"), (DATASET_VERSIONS, data), (MODELS, "species")):
        assert "modelyard.dev/in-use" in world.get(resource, name)["metadata"].get("finalizers", ()), name
    end(world)
    for resource, name in ((MODEL_VERSIONS, "species-v1"), (MODELS, "species")):
        assert not world.get(resource, name)["metadata"].get("finalizers"), name


def test_a_pinned_version_must_pass_the_gates(world: World) -> None:
    gate = {"name": "perfect", "metric": "balanced_accuracy", "min": 0.99}
    world.put(MODELS, model(gates=[gate]))
    world.settle()
    train(world, "second")
    start(world, modelRef={"name": "species", "version": 2})
    assert ready(world)[1] == "VersionNotApproved"
    assert "perfect" in ready(world)[2]


def test_an_edit_of_the_rules_that_came_with_the_run_counts_though_the_watch_is_behind(world: World) -> None:
    slot = (DATASETS, NAMESPACE, "scored")
    world.objects[slot] = {**world.objects[slot], "spec": {**world.objects[slot]["spec"], "validation": {"minRows": 9}}}
    start(world)
    job = next(job for job in world.all(JOBS) if job["metadata"]["name"].startswith("scores"))
    assert task_of(job, PredictTask).output.validation.min_rows == 9


def test_rules_that_can_not_be_read_hold_the_run_up(world: World) -> None:
    world.down.add(Fetch)
    start(world)
    assert world.condition(BATCH_PREDICTIONS, "scores") == ("False", "DatasetNotReady", "Fetch can't be read")
    world.down.clear()
    world.tick(10)
    assert any(job["metadata"]["name"].startswith("scores") for job in world.all(JOBS))
