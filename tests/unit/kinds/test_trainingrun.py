"""Checks a TrainingRun up to its Job: what it waits for, what is wrong from the start, suspend and resume."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import PodsOf
from modelyard.engine.resource import DATASET_VERSIONS, DATASETS, JOBS, MODELS, TRAINING_RUNS, Object
from modelyard_api.installation import Installation
from modelyard_api.wire.task import TrainTask
from tests.unit.kinds.objects import (
    LONG,
    active,
    at,
    complete,
    dataset,
    ingest_result,
    model,
    pod,
    put_data,
    run,
    task_of,
    train_result,
)
from tests.unit.kinds.world import World

TREE = {"estimator": {"algorithm": "DecisionTreeClassifier"}}
OWN = {"container": {"image": "ghcr.io/acme/trainer:1", "command": ["train"], "args": ["--fast"]}}


@pytest.fixture
def world() -> World:
    return with_data()


def with_data(installation: Installation | None = None) -> World:
    """Returns a world with an accepted version of the Dataset penguins."""
    world = World(installation)
    put_data(world, "a")
    world.put(DATASETS, dataset())
    world.settle()
    accept(world, "a")
    world.created.clear()
    world.notes.clear()
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a TrainingRun has become Ready, and its name."""
    world = with_data()
    start(world)
    complete(world, job_of(world), train_result(job_of(world)))
    world.settle()
    return world, "forest"


def accept(world: World, content: str) -> str:
    job = world.get(JOBS, world.status_of(DATASETS, "penguins")["job"])
    complete(world, job, ingest_result(job, content))
    world.settle()
    return str(world.status_of(DATASETS, "penguins")["latest"])


def start(world: World, name: str = "forest", **spec: Any) -> None:
    world.put(TRAINING_RUNS, run(name, **spec))
    world.settle()


def job_of(world: World, name: str = "forest") -> Object:
    label = "modelyard.dev/trainingrun"
    (job,) = (job for job in world.all(JOBS) if job["metadata"]["labels"].get(label) == name)
    return job


def jobs_of(world: World) -> int:
    return sum("modelyard.dev/trainingrun" in job["metadata"]["labels"] for job in world.all(JOBS))


def ready(world: World, name: str = "forest") -> tuple[str, str]:
    return world.condition(TRAINING_RUNS, name)[:2]


def phase(world: World, name: str = "forest") -> str:
    return str(world.status_of(TRAINING_RUNS, name)["phase"])


def test_it_resolves_the_latest_version_once_and_makes_one_job(world: World) -> None:
    start(world, podTemplate={"env": [{"name": "OMP_NUM_THREADS", "value": "2"}]}, activeDeadlineSeconds=60)
    status = world.status_of(TRAINING_RUNS, "forest")
    latest = world.status_of(DATASETS, "penguins")["latest"]
    assert (status["datasetVersion"], status["phase"], status["startTime"]) == (latest, "Pending", at(world))
    job = job_of(world)
    task = task_of(job, TrainTask)
    assert (task.data.name, task.image, task.result_uri) == (latest, status["image"], status["resultURI"])
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (3, 60)
    rules = job["spec"]["podFailurePolicy"]["rules"]
    assert rules[0] == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    assert rules[1]["onExitCodes"] == {"containerName": "main", "operator": "In", "values": [2]}
    put_data(world, "b")
    world.put(DATASETS, dataset(checkEvery="5s"))
    world.settle()
    accept(world, "b")
    assert world.status_of(DATASETS, "penguins")["latest"] != latest
    assert world.status_of(TRAINING_RUNS, "forest")["datasetVersion"] == latest
    active(world, job)
    world.settle()
    assert [note[1:] for note in world.notes if note[0] == "TrainingRun/forest"] == [
        ("PodPending", f"waiting for the pod of Job {job['metadata']['name']}"),
        ("Training", f"training on {latest}, attempt 1"),
    ]


def test_progress_is_told_by_phase_and_attempts(world: World) -> None:
    start(world)
    active(world, job_of(world), ready=0)
    world.settle()
    assert (phase(world), ready(world)) == ("Pending", ("False", "PodPending"))
    active(world, job_of(world))
    world.settle()
    assert (phase(world), ready(world)) == ("Running", ("False", "Training"))
    active(world, job_of(world), failed=2)
    world.settle()
    assert world.status_of(TRAINING_RUNS, "forest")["attempts"] == 3
    assert "attempt 3" in world.condition(TRAINING_RUNS, "forest")[2]


WAITS = [
    ({"datasetRef": {"name": "nowhere"}}, "DatasetNotFound", ["spec.datasetRef.name", "'nowhere'"]),
    ({"datasetRef": {"name": "penguins", "version": "penguins-0"}}, "DatasetVersionNotFound", ["'penguins-0'"]),
    ({"modelRef": {"name": "nowhere"}}, "ModelNotFound", ["spec.modelRef.name", "'nowhere'"]),
]


@pytest.mark.parametrize(("spec", "reason", "says"), WAITS)
def test_it_waits_for_what_may_be_applied_later(world: World, spec: Object, reason: str, says: list[str]) -> None:
    start(world, **spec)
    status, actual, message = world.condition(TRAINING_RUNS, "forest")
    assert (status, actual) == ("False", reason)
    assert all(word in message for word in says)
    assert world.condition(TRAINING_RUNS, "forest", "Reconciling")[0] == "True"
    assert jobs_of(world) == 0


def test_a_dataset_that_was_never_read_is_not_said_to_have_changed() -> None:
    world = World()
    world.put(DATASETS, dataset())
    world.put(TRAINING_RUNS, run())
    world.settle()
    assert ready(world) == ("False", "DatasetNotReady")
    message = world.condition(TRAINING_RUNS, "forest")[2]
    assert message.startswith("Dataset 'penguins' was not read yet (SourceNotFound: spec.source.configMap.name: there")
    world = with_data()
    world.put(DATASETS, dataset(ignore=["x"]))
    start(world)
    message = world.condition(TRAINING_RUNS, "forest")[2]
    assert message == "Dataset 'penguins' was not read since its spec changed; see its conditions"


def test_it_starts_when_what_it_waited_for_comes() -> None:
    world = World()
    world.put(TRAINING_RUNS, run(modelRef={"name": "species"}))
    reasons = []
    for step in (
        lambda: None,
        lambda: world.put(MODELS, model()),
        lambda: world.put(DATASETS, dataset()),
        lambda: put_data(world, "a"),
    ):
        step()
        world.tick(10)
        reasons.append(ready(world)[1])
    assert reasons == ["ModelNotFound", "DatasetNotFound", "DatasetNotReady", "DatasetNotReady"]
    accept(world, "a")
    assert jobs_of(world) == 1


def test_a_run_applied_with_a_changed_dataset_waits_for_its_new_version(world: World) -> None:
    old = world.status_of(DATASETS, "penguins")["latest"]
    world.put(DATASETS, dataset(target="z"))
    start(world)
    assert ready(world) == ("False", "DatasetNotReady")
    new = accept(world, "a")
    assert new != old
    assert world.status_of(TRAINING_RUNS, "forest")["datasetVersion"] == new


def test_a_suspended_dataset_is_used_as_it_is(world: World) -> None:
    world.put(DATASETS, dataset(suspend=True))
    start(world)
    assert jobs_of(world) == 1


def test_a_suspended_dataset_without_a_version_asks_for_a_person() -> None:
    world = World()
    world.put(DATASETS, dataset(suspend=True))
    start(world)
    message = "Dataset 'penguins' is suspended and has no accepted version; set its spec.suspend to false"
    assert world.condition(TRAINING_RUNS, "forest") == ("False", "DatasetNotReady", message)


FAILS: list[tuple[Object, str, list[str]]] = [
    ({"trainer": {"estimator": {"algorithm": "RandomForestClasifier"}}}, "UnknownAlgorithm",
     ["spec.trainer.estimator.algorithm", "'RandomForestClasifier'", "did you mean RandomForestClassifier"]),
    ({"trainer": {"estimator": {"algorithm": "Ridge"}}, "modelRef": {"name": "species"}}, "TaskMismatch",
     ["spec.trainer.estimator.algorithm", "Ridge is for Regression", "task Classification"]),
    ({"objective": "r2"}, "MetricDoesNotFit", ["spec.objective", "r2", "balanced_accuracy"]),
    ({"additionalMetrics": ["log_loss", "max_error"]}, "MetricDoesNotFit", ["spec.additionalMetrics[1]", "roc_auc"]),
    ({"trainer": OWN, "modelRef": {"name": "species"}, "objective": "r2"}, "MetricDoesNotFit", ["spec.objective"]),
    ({"trainer": OWN, "objective": "accuracy", "additionalMetrics": ["r2"]}, "MetricDoesNotFit", ["Metrics[0]: r2"]),
    ({"trainer": OWN, "additionalMetrics": ["accuracy", "r2"]}, "MetricDoesNotFit", ["Metrics[1]: r2"]),
    ({"trainer": {"estimator": {"algorithm": "Nonsense"}}, "modelRef": {"name": "nowhere"}}, "UnknownAlgorithm", []),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "reason", "says"), FAILS)
def test_what_can_never_work_fails_before_a_pod(world: World, spec: Object, reason: str, says: list[str]) -> None:
    world.put(MODELS, model())
    start(world, **spec)
    status, actual, message = world.condition(TRAINING_RUNS, "forest")
    assert (status, actual) == ("False", reason)
    assert all(word in message for word in says), message
    assert world.condition(TRAINING_RUNS, "forest", "Failed")[0] == "True"
    assert world.condition(TRAINING_RUNS, "forest", "Stalled")[0] == "True"
    assert jobs_of(world) == 0
    assert phase(world) == "Failed"
    world.tick(3600)
    assert [note[1] for note in world.notes].count(reason) == 1


def test_a_run_that_failed_before_it_started_may_be_corrected(world: World) -> None:
    start(world, objective="r2")
    assert ready(world) == ("False", "MetricDoesNotFit")
    start(world, objective="accuracy")
    assert jobs_of(world) == 1
    assert world.condition(TRAINING_RUNS, "forest", "Failed") == ("", "", "")
    assert "completionTime" not in world.status_of(TRAINING_RUNS, "forest")


def test_a_version_of_another_dataset_or_a_rejected_one_fails(world: World) -> None:
    latest = world.status_of(DATASETS, "penguins")["latest"]
    put_data(world, "b", "others")
    world.put(DATASETS, dataset("others"))
    world.settle()
    job = world.get(JOBS, world.status_of(DATASETS, "others")["job"])
    complete(world, job, ingest_result(job, "b", accepted=False, violations=[{"rule": "minRows", "found": "1"}]))
    world.settle()
    (rejected,) = (v["metadata"]["name"] for v in world.all(DATASET_VERSIONS) if v["metadata"]["name"] != latest)
    start(world, "wrong", datasetRef={"name": "others", "version": latest})
    assert ready(world, "wrong") == ("False", "DatasetVersionMismatch")
    start(world, "bad", datasetRef={"name": "others", "version": rejected})
    assert ready(world, "bad") == ("False", "DatasetVersionRejected")
    start(world, "waits", datasetRef={"name": "others"})
    assert ready(world, "waits") == ("False", "DatasetNotReady")


def test_a_container_stands_between_our_helpers(world: World) -> None:
    start(world, trainer=OWN, podTemplate={"env": [{"name": "A", "value": "b"}]})
    spec = job_of(world)["spec"]["template"]["spec"]
    lay_out, collect = spec["initContainers"]
    (main,) = spec["containers"]
    assert (main["image"], main["command"], main["args"]) == ("ghcr.io/acme/trainer:1", ["train"], ["--fast"])
    assert (lay_out["args"], collect["args"], collect["restartPolicy"]) == (["lay-out"], ["collect"], "Always")
    assert lay_out["image"] == collect["image"] == world.installation.images.runtime
    assert {"name": "A", "value": "b"} in main["env"]
    assert {"name": "A", "value": "b"} not in collect["env"]
    assert "task" not in {mount["name"] for mount in main["volumeMounts"]}
    assert world.status_of(TRAINING_RUNS, "forest")["image"] == "ghcr.io/acme/trainer:1"


@pytest.mark.parametrize(
    ("trainer", "container", "says"),
    [(TREE, "main", "spec.podTemplate.image:"), (OWN, "main", "spec.trainer.container.image:"),
     (OWN, "lay-out", "images.runtime of the installation:")],
)  # fmt: skip
def test_an_image_that_cannot_be_pulled_stalls_until_it_can(
    world: World, trainer: Object, container: str, says: str
) -> None:
    start(world, trainer=trainer)
    job = job_of(world)
    active(world, job, ready=0)
    world.pods[job["metadata"]["uid"]] = [pod(job, container, waiting={"reason": "ErrImagePull"})]
    world.tick(21)
    status, reason, message = world.condition(TRAINING_RUNS, "forest")
    assert (status, reason) == ("False", "ImagePullFailed")
    assert message.startswith(says)
    assert world.condition(TRAINING_RUNS, "forest", "Stalled")[0] == "True"
    assert ("TrainingRun/forest", "ImagePullFailed", message) in world.notes
    world.down.add(PodsOf)
    world.tick(10)
    assert ready(world) == ("False", "PodPending")
    active(world, job)
    world.settle()
    assert phase(world) == "Running"


def test_suspend_and_resume(world: World) -> None:
    start(world, suspend=True)
    assert (phase(world), ready(world), jobs_of(world)) == ("Suspended", ("", ""), 0)
    start(world)
    job = job_of(world)
    active(world, job)
    start(world, suspend=True, activeDeadlineSeconds=5)
    assert job_of(world)["spec"]["suspend"] is True
    assert job_of(world)["spec"]["activeDeadlineSeconds"] == 5
    assert phase(world) == "Suspended"
    start(world)
    assert job_of(world)["spec"]["suspend"] is False
    assert "activeDeadlineSeconds" not in job_of(world)["spec"]
    assert job_of(world)["metadata"]["uid"] == job["metadata"]["uid"]
    complete(world, job_of(world), train_result(job))
    start(world, suspend=True)
    assert phase(world) == "Succeeded", "what has ended can't be suspended"


def test_a_pod_template_edited_while_suspended_is_what_runs_then(world: World) -> None:
    start(world, podTemplate={"image": "mine:1"})
    start(world, podTemplate={"image": "mine:1"}, suspend=True)
    first = job_of(world)["metadata"]["uid"]
    start(world, podTemplate={"resources": {"limits": {"memory": "8Gi"}}}, suspend=True)
    assert jobs_of(world) == 0
    start(world, podTemplate={"resources": {"limits": {"memory": "8Gi"}}})
    (main,) = job_of(world)["spec"]["template"]["spec"]["containers"]
    assert main["resources"]["limits"]["memory"] == "8Gi"
    assert main["image"] == world.installation.images.runtime
    assert world.status_of(TRAINING_RUNS, "forest")["image"] == world.installation.images.runtime
    assert job_of(world)["metadata"]["uid"] != first


def test_a_new_default_image_does_not_change_a_run_that_has_started(world: World) -> None:
    start(world)
    name = job_of(world)["metadata"]["name"]
    world.installation = Installation.model_validate({"images": {"runtime": "new:2"}})
    world.restart()
    world.delete(JOBS, name)
    world.settle()
    assert world.status_of(TRAINING_RUNS, "forest")["image"] == "localhost/modelyard/runtime:dev"
    (main,) = job_of(world)["spec"]["template"]["spec"]["containers"]
    assert main["image"] == "localhost/modelyard/runtime:dev"


def test_names_stay_short_for_the_longest_parents(world: World) -> None:
    # The names and labels of children are checked at every pass, by tests.unit.kinds.rules.
    put_data(world, "a", LONG)
    world.put(DATASETS, dataset(LONG))
    world.settle()
    job = world.get(JOBS, world.status_of(DATASETS, LONG)["job"])
    complete(world, job, ingest_result(job, "a"))
    start(world, LONG, datasetRef={"name": LONG})
    assert len(job_of(world, LONG)["metadata"]["name"]) == 60


@pytest.mark.parametrize(("depth", "phase"), [(31, "Pending"), (33, "Failed")])
def test_parameters_have_few_levels(world: World, depth: int, phase: str) -> None:
    deepest: Any = 1
    for _ in range(depth - 1):
        deepest = [deepest]
    estimator = {"algorithm": "RandomForestClassifier", "params": {"a": deepest}}
    world.put(TRAINING_RUNS, run("deep", trainer={"estimator": estimator}))
    world.settle()
    assert world.status_of(TRAINING_RUNS, "deep")["phase"] == phase
    if phase == "Failed":
        _, reason, message = world.condition(TRAINING_RUNS, "deep")
        assert reason == "SpecTooDeep"
        assert message.startswith("spec.trainer.estimator.params: more than 32 levels")


def test_the_objective_follows_the_spec_until_the_run_starts(world: World) -> None:
    container = {"trainer": {"container": {"image": "i:1"}}, "suspend": True}
    world.put(TRAINING_RUNS, run("edited", **container))
    world.settle()
    assert "objective" not in world.status_of(TRAINING_RUNS, "edited")
    world.put(TRAINING_RUNS, run("edited", suspend=True))
    world.settle()
    assert world.status_of(TRAINING_RUNS, "edited")["objective"] == "balanced_accuracy"
    world.put(TRAINING_RUNS, run("edited", **container))
    world.settle()
    assert "objective" not in world.status_of(TRAINING_RUNS, "edited")
