"""Checks a Sweep: what is wrong from the start, its pods, its progress, its deadline, and what becomes of the best."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Closed, Listing
from modelyard.engine.resource import JOBS, MODEL_VERSIONS, MODELS, SERVICES, SWEEPS, TRAINING_RUNS, Object
from modelyard_api.wire.task import SweepTask, TrainTask
from tests.kinds import SAMPLES
from tests.unit.kinds.objects import active, complete, fail, model, task_of, train_result
from tests.unit.kinds.test_trainingrun import with_data
from tests.unit.kinds.world import NAMESPACE, World

NAME = "search"
BEST = {"trial": 3, "value": 0.91, "estimator": {"algorithm": "SVC", "params": {"C": 2.5, "kernel": "rbf"}}}


@pytest.fixture
def world() -> World:
    world = with_data()
    world.put(MODELS, model())
    world.settle()
    return world


def done() -> tuple[World, str]:
    """Returns a world in which a Sweep without a Model has become Ready, and its name."""
    world = with_data()
    start(world, modelRef=None)
    complete(world, job_of(world), result(world))
    world.settle()
    return world, NAME


def start(world: World, **change: Any) -> None:
    spec = {"datasetRef": {"name": "penguins"}, "modelRef": {"name": "species"}, "suspend": None, **change}
    world.put(SWEEPS, SAMPLES["Sweep"].make(spec, NAME, NAMESPACE))
    world.settle()


def job_of(world: World, label: str = "sweep") -> Object:
    (job,) = (job for job in world.all(JOBS) if f"modelyard.dev/{label}" in job["metadata"]["labels"])
    return job


def result(world: World, **more: Any) -> Object:
    task = task_of(job_of(world), SweepTask)
    made = {"datasetVersion": task.data.name, "image": task.image}
    return {"kind": "Sweep", "succeeded": 3, "failed": 1, "best": BEST, **made, **more}


def part(world: World, number: int, **more: Any) -> None:
    """Writes a part of the journal."""
    folder = f"{task_of(job_of(world), SweepTask).base_uri}/journal"
    world.results[f"{folder}/0001-0123abcd-{number:06}.json"] = {"entries": [], "summary": result(world, **more)}


def status(world: World) -> Object:
    return world.status_of(SWEEPS, NAME)


def ready(world: World) -> tuple[str, str, str]:
    return world.condition(SWEEPS, NAME)


def candidate(algorithm: str = "SVC", **params: Any) -> Object:
    return {"search": {"candidates": [{"algorithm": algorithm, "params": params}]}}


BAD: list[tuple[Object, str, str]] = [
    (candidate(c={"low": 1, "high": 2}), "UnknownParameter", "params.c: SVC has no parameter 'c' to search"),
    (candidate(C={"low": -1, "high": 2}), "InvalidParameter", "params.C: -1 to 2 is not allowed; write float (0, inf]"),
    (candidate(kernel={"values": ["rbf", "tree"]}), "InvalidParameter", 'params.kernel: "tree" is not allowed'),
    (candidate(degree={"low": 1.5, "high": 3}), "InvalidParameter", "params.degree: 1.5 to 3 is not allowed"),
    (candidate(C={"values": [1], "low": 1, "high": 2}), "InvalidParameter", "params.C: write either low and high, or"),
    (candidate(C={}), "InvalidParameter", "params.C: write either low and high, or values"),
    (candidate("Ridge"), "MetricDoesNotFit", "candidates[0].algorithm: Ridge is for Regression"),
    ({"objective": "r2", **candidate("Ridge")}, "TaskMismatch", "names a Model of task Classification"),
    ({"trialTimeout": "10ms"}, "InvalidDuration", "spec.trialTimeout: 10ms is too short; write at least 1s"),
]


@pytest.mark.parametrize(("change", "reason", "says"), BAD)
def test_a_bad_space_starts_no_pod(world: World, change: Object, reason: str, says: str) -> None:
    start(world, **change)
    assert ready(world)[:2] == ("False", reason)
    assert says in ready(world)[2]
    assert [job for job in world.all(JOBS) if "modelyard.dev/sweep" in job["metadata"]["labels"]] == []
    start(world)
    assert ready(world)[1] == "PodPending", "once it is corrected it starts"


@pytest.mark.parametrize(
    "change",
    [
        candidate(C={"low": 1, "high": 2}, gamma={"values": ["scale", 0.1]}),
        candidate("RandomForestClassifier", max_depth={"values": [None, 3]}, max_features={"low": 0.1, "high": 1}),
        candidate("MLPClassifier", hidden_layer_sizes={"values": [[10], [10, 5], 20]}),
    ],
)
def test_a_good_space_starts(world: World, change: Object) -> None:
    start(world, **change)
    assert ready(world)[1] == "PodPending", ready(world)


def test_its_pods_find_each_other(world: World) -> None:
    start(world, parallelTrials=3)
    job = job_of(world)
    (service,) = [item for item in world.all(SERVICES) if "modelyard.dev/sweep" in item["metadata"]["labels"]]
    name = job["metadata"]["name"]
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert spec["template"]["spec"]["subdomain"] == service["metadata"]["name"] == name
    assert service["spec"]["selector"] == {"batch.kubernetes.io/job-name": name}
    assert task_of(job, SweepTask).coordinator == f"{name}-0.{name}:8646"
    assert len(f"{name}-15") <= 63, "the name of a pod is a label of DNS"
    world.delete(SERVICES, name)
    active(world, job)
    world.settle()
    assert world.get(SERVICES, name), "it is made anew"


def test_its_progress_is_told(world: World) -> None:
    start(world)
    active(world, job_of(world))
    world.settle()
    assert (status(world).get("trials"), ready(world)[1]) == (None, "Searching")
    part(world, 1, running=1, succeeded=1, failed=0)
    part(world, 2, running=2, succeeded=1, failed=1)
    world.tick(10)
    assert status(world)["trials"] == {"running": 2, "succeeded": 1, "failed": 1}
    assert status(world)["progress"] == {"percent": 50, "message": "2 of 4 trials, 1 of them failed"}
    params = {"algorithm": "SVC", "C": "2.5", "kernel": '"rbf"'}
    assert status(world)["best"] == {"trial": 3, "value": 0.91, "params": params}
    world.down.add(Listing)
    world.tick(10)
    assert status(world)["progress"]["percent"] == 50, "what is known stays while the store is down"


def test_the_best_is_trained_and_registered(world: World) -> None:
    start(world, sampler={"seed": 5})
    complete(world, job_of(world), result(world))
    world.settle()
    run = world.one(TRAINING_RUNS)
    assert ready(world)[1] == "Training"
    assert run["spec"]["trainer"]["estimator"]["params"] == {"C": 2.5, "kernel": "rbf"}
    assert run["spec"]["datasetRef"]["version"] == status(world)["datasetVersion"]
    task = task_of(job_of(world, "trainingrun"), TrainTask)
    assert (task.seed, task.objective, task.model) == (5, "balanced_accuracy", "species")
    complete(world, job_of(world, "trainingrun"), train_result(job_of(world, "trainingrun")))
    world.settle()
    version = world.one(MODEL_VERSIONS)["metadata"]["name"]
    assert ready(world)[:2] == ("True", "Registered")
    outputs = {"datasetVersion": status(world)["datasetVersion"], "modelVersion": version}
    assert status(world)["outputs"] == {**outputs, "trainingRun": run["metadata"]["name"]}
    assert [item for item in world.all(SERVICES) if "modelyard.dev/sweep" in item["metadata"]["labels"]] == []


def test_a_best_trial_that_the_api_server_refuses_to_train_fails_it(world: World) -> None:
    """Nobody can correct the spec of a Sweep that has started."""
    start(world)
    world.invalid["TrainingRun"] = 'TrainingRun "x" is invalid: spec.trainer: not so'
    complete(world, job_of(world), result(world))
    world.settle()
    state, reason, message = ready(world)
    assert (state, reason, status(world)["phase"]) == ("False", "InvalidChild", "Failed")
    assert "refuses the TrainingRun of the best trial: spec.trainer: not so" in message


@pytest.mark.parametrize("of", ["the result", "the journal"])
def test_what_it_has_found_is_told_also_after_a_death_before_it_was(world: World, of: str) -> None:
    start(world)
    complete(world, job_of(world), result(world))
    world.settle()
    told = status(world)
    if of == "the journal":
        del world.results[told["resultURI"]]
        part(world, 9, running=1)
    world.status(SWEEPS, NAME, {key: told[key] for key in told if key not in ("best", "progress", "trials", "outputs")})
    world.settle()
    assert status(world) == told
    assert told["trials"] == {"running": 0, "succeeded": 3, "failed": 1}


def test_a_failed_training_fails_it(world: World) -> None:
    start(world)
    complete(world, job_of(world), result(world))
    world.settle()
    failed = {"kind": "Failed", "error": {"reason": "FitFailed", "message": "no"}}
    fail(world, job_of(world, "trainingrun"), failed)
    world.settle()
    assert ready(world)[:2] == ("False", "FitFailed")
    assert "of the best trial has failed: no" in ready(world)[2]


def test_it_is_suspended_while_the_best_is_trained(world: World) -> None:
    start(world)
    complete(world, job_of(world), result(world))
    world.settle()
    start(world, suspend=True)
    assert world.one(TRAINING_RUNS)["spec"]["suspend"]
    assert status(world)["phase"] == "Suspended"
    start(world)
    assert not world.one(TRAINING_RUNS)["spec"]["suspend"]
    assert ready(world)[1] == "Training"


@pytest.mark.parametrize(("seconds", "of_search"), [(90, 60), (3600, 3300), (1, 1)])
def test_a_deadline_leaves_time_to_train(world: World, seconds: int, of_search: int) -> None:
    start(world, activeDeadlineSeconds=seconds)
    assert job_of(world)["spec"]["activeDeadlineSeconds"] == of_search
    active(world, job_of(world))
    part(world, 1, succeeded=1)
    world.tick(of_search)
    fail(world, job_of(world), because="DeadlineExceeded")
    world.status(JOBS, job_of(world)["metadata"]["name"], {**job_of(world)["status"], "startTime": _began(world)})
    world.settle()
    assert world.one(TRAINING_RUNS)["spec"]["activeDeadlineSeconds"] == max(seconds - of_search, 1)
    assert status(world)["trials"]["succeeded"] == 1
    assert status(world)["progress"]["message"].endswith("; then the time of the search was over")


def _began(world: World) -> str:
    return str(job_of(world)["metadata"]["creationTimestamp"])


def test_a_deadline_without_a_trial_fails_it(world: World) -> None:
    start(world, activeDeadlineSeconds=90)
    fail(world, job_of(world), because="DeadlineExceeded")
    world.settle()
    assert ready(world)[:2] == ("False", "DeadlineExceeded")
    assert world.all(TRAINING_RUNS) == []
    uid = world.get(SWEEPS, NAME)["metadata"]["uid"]
    assert world.closed[uid] == Closed("modelyard/team/species", uid, "KILLED"), "in the tracking server"


def test_dying_anywhere_makes_nothing_twice() -> None:
    """The operator dies before or after every write of the whole way, and goes on."""

    def play(world: World) -> None:
        world.settle()
        if (jobs := [job for job in world.all(JOBS) if "modelyard.dev/sweep" in job["metadata"]["labels"]]) and (
            "status" not in jobs[0]
        ):
            complete(world, jobs[0], result(world))
            world.settle()

    from tests.unit.kinds.world import Died

    for when in ("before", "after"):
        for number in range(1, 60):
            world = with_data()
            world.put(MODELS, model())
            world.settle()
            spec = {"datasetRef": {"name": "penguins"}, "modelRef": {"name": "species"}, "suspend": None}
            world.put(SWEEPS, SAMPLES["Sweep"].make(spec, NAME, NAMESPACE))
            world.die_at = (world.writes + number, when)
            survived = True
            for _ in range(3):
                try:
                    play(world)
                except Died:
                    survived = False
                    world.restart()
            run = world.one(TRAINING_RUNS)
            assert world.created[TRAINING_RUNS, NAMESPACE, run["metadata"]["name"]] == 1
            assert world.created[JOBS, NAMESPACE, job_of(world)["metadata"]["name"]] == 1
            assert status(world)["outputs"]["trainingRun"] == run["metadata"]["name"]
            if survived:
                break
        else:
            raise AssertionError("there are more writes than tried")
