"""Checks a PipelineRun: its steps in their order, what they hand on, how it fails, stops and goes on."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.engine.plan import Create, Result
from modelyard.engine.resource import (
    BATCH_PREDICTIONS,
    DATASETS,
    JOBS,
    MODELS,
    PIPELINE_RUNS,
    PIPELINES,
    TRAINING_RUNS,
    Key,
    Object,
)
from modelyard.workload.names import short_hash
from modelyard_api.kinds.pipelinerun import CAUSE, STEPS
from modelyard_api.wire.task import StepTask
from tests.unit.kinds.objects import active, at, complete, fail, failed, model, task_of
from tests.unit.kinds.pipelines import CHECK, job_of, pipeline, pipeline_run, step, train, trained, with_pipeline
from tests.unit.kinds.test_pushed import pushed
from tests.unit.kinds.test_trainingrun import with_data
from tests.unit.kinds.world import World

BRANCHES = [
    train("left", modelRef=None),
    train("right", modelRef=None, datasetRef={"name": "penguins", "version": "none"}),
    train("after-left", ("left",), modelRef=None),
    train("after-right", ("right",), modelRef=None),
    train("last", ("after-right",), modelRef=None),
]
TREES: Object = {"algorithm": "RandomForestClassifier", "params": {"n_estimators": "$(steps.check.outputs.trees)"}}


def done() -> tuple[World, str]:
    """Returns a world in which a PipelineRun has become Ready, and its name."""
    world = with_data()
    world.put(MODELS, model())
    start(world, steps=[train()])
    trained(world)
    return world, "once"


def start(world: World, name: str = "once", **spec: Any) -> None:
    world.put(PIPELINE_RUNS, pipeline_run(name, **spec))
    world.settle()


def status(world: World, name: str = "once") -> Object:
    return world.status_of(PIPELINE_RUNS, name)


def ready(world: World, name: str = "once") -> tuple[str, str, str]:
    return world.condition(PIPELINE_RUNS, name)


def checked(world: World, **outputs: str) -> None:
    job = job_of(world, "PipelineRun", "once")
    complete(world, job, {"kind": "Step", "outputs": outputs})
    world.settle()


def phases(world: World) -> dict[str, str]:
    return {item["name"]: item["phase"] for item in status(world)["steps"]}


def test_a_run_ends_with_what_its_steps_have_made() -> None:
    world, name = done()
    assert ready(world)[:2] == ("True", "Succeeded")
    assert world.condition(PIPELINE_RUNS, name, "Complete")[0] == "True"
    ended = status(world)
    done_ = {"percent": 100, "message": "1 of 1"}
    assert (ended["phase"], ended["progress"], ended["completionTime"]) == ("Succeeded", done_, at(world))
    assert ended["outputs"]["modelVersion"] == "species-v1"
    assert step(world, name, "train")["outputs"] == {**ended["outputs"], "modelVersionNumber": "1"}


def test_a_container_hands_values_on_to_the_steps_that_name_them() -> None:
    world = with_data()
    check = {"name": "check", "container": {**CHECK["container"], "parameters": {"least": "$(parameters.least)"}}}
    steps = [train(modelRef=None, trainer={"estimator": TREES}), check]
    world.put(PIPELINES, pipeline(steps=steps, parameters=[{"name": "least", "default": "5"}]))
    start(world, parameters={"least": "7"})
    assert phases(world) == {"check": "Pending", "train": "Pending"}
    assert world.all(TRAINING_RUNS) == []
    job = job_of(world, "PipelineRun", "once")
    task: StepTask = task_of(job, StepTask)
    assert (task.parameters, task.outputs) == ({"least": "7"}, ["trees"])
    active(world, job)
    world.settle()
    assert step(world, "once", "check")["phase"] == "Running"
    checked(world, trees="20")
    run = world.one(TRAINING_RUNS)
    assert run["spec"]["trainer"]["estimator"]["params"] == {"n_estimators": 20}
    trained(world)
    assert ready(world)[:2] == ("True", "Succeeded")


def test_the_cause_is_told_on_all_that_it_makes() -> None:
    world = with_data()
    start(world, steps=[CHECK, train(modelRef=None)])
    cause = "a person applied PipelineRun once of Pipeline species"
    children = [job_of(world, "PipelineRun", "once"), world.one(TRAINING_RUNS)]
    for child in children:
        assert child["metadata"]["annotations"][CAUSE] == cause
        assert child["metadata"]["labels"]["modelyard.dev/pipelinerun"] == "once"
        assert child["metadata"]["labels"]["modelyard.dev/pipeline"] == "species"
    told = [message for _, reason, message in world.notes if reason == "StepStarted"]
    assert len(told) == 2
    assert all(message.endswith(cause) for message in told)


def test_a_failed_step_skips_what_needs_it_and_nothing_else() -> None:
    world = with_data()
    start(world, steps=[*BRANCHES[:1], CHECK, *BRANCHES[2:3], train("next", ("check",)), train("last", ("next",))])
    fail(world, job_of(world, "PipelineRun", "once"), failed("InvalidOutputs", "outputs.json is not JSON"))
    world.settle()
    assert phases(world) == {
        "left": "Pending", "check": "Failed", "after-left": "Pending", "next": "Skipped", "last": "Skipped"
    }  # fmt: skip
    assert ready(world)[1] == "Running"
    trained(world)
    trained(world)
    assert phases(world)["after-left"] == "Succeeded"
    assert ready(world) == (
        "False",
        "StepFailed",
        "step check: InvalidOutputs: outputs.json is not JSON; skipped: next, last",
    )
    assert world.condition(PIPELINE_RUNS, "once", "Failed")[0] == "True"
    assert status(world)["phase"] == "Failed"
    assert {reason for _, reason, _ in world.notes} >= {"StepFailed", "StepSkipped", "StepSucceeded"}


def test_its_steps_are_those_of_the_pipeline_when_it_started() -> None:
    world = with_pipeline(parameters=[{"name": "depth", "default": "3"}])
    start(world, suspend=True)
    assert (STEPS in world.get(PIPELINE_RUNS, "once")["metadata"].get("annotations", {})) is False
    start(world)
    assert world.one(TRAINING_RUNS)["metadata"]["labels"]["modelyard.dev/pipelinerun"] == "once"
    world.put(PIPELINES, pipeline(steps=[CHECK]))
    world.settle()
    trained(world)
    assert ready(world)[:2] == ("True", "Succeeded")
    assert phases(world) == {"train": "Succeeded"}
    assert "spec" in world.get(PIPELINE_RUNS, "once")
    assert "steps" not in world.get(PIPELINE_RUNS, "once")["spec"]


def test_it_waits_for_its_pipeline() -> None:
    world = with_data()
    start(world)
    assert ready(world)[:2] == ("False", "PipelineNotFound")
    world.put(PIPELINES, pipeline())
    world.settle()
    assert ready(world)[1] == "Running"


@pytest.mark.parametrize(
    ("spec", "reason", "says"),
    [
        ({"parameters": {"treez": "1"}}, "UnknownParameter", "has no parameter 'treez'; it has trees"),
        ({"steps": [train(modelRef={"name": "$(parameters.x)"})]}, "UnknownName", "modelRef.name: $(parameters.x) nam"),
        ({"steps": [train("a", ("b",)), train("b", ("a",))]}, "StepsInCycle", "wait for each other"),
    ],
)
def test_what_is_wrong_from_the_start_fails_it(spec: Object, reason: str, says: str) -> None:
    world = with_pipeline(parameters=[{"name": "trees"}])
    start(world, **spec)
    assert ready(world)[:2] == ("False", reason)
    assert says in ready(world)[2]
    assert (status(world)["phase"], world.all(TRAINING_RUNS)) == ("Failed", [])


@pytest.mark.parametrize("annotation", ["", "{}", "[", '{"steps": [{"name": "a"}], "parameters": 3}'])
def test_steps_that_somebody_has_spoilt_fail_it(annotation: str) -> None:
    world = with_pipeline()
    run = pipeline_run()
    run["metadata"]["annotations"] = {STEPS: annotation}
    world.put(PIPELINE_RUNS, run)
    world.settle()
    assert ready(world)[:2] == ("False", "StepsUnreadable")


def test_a_value_that_does_not_fit_fails_its_step() -> None:
    world = with_data()
    step_ = train(modelRef={"name": "$(parameters.model)"})
    world.put(PIPELINES, pipeline(steps=[step_], parameters=[{"name": "model", "default": "Not A Name"}]))
    start(world)
    assert ready(world)[1] == "StepFailed"
    assert "StepInvalid: spec.steps[train].trainingRun.modelRef.name" in ready(world)[2]


@pytest.mark.parametrize(("step_", "kind"), [(train(modelRef=None), "TrainingRun"), (CHECK, "Job")])
def test_a_step_whose_object_the_api_server_calls_invalid_fails(step_: Object, kind: str) -> None:
    """Nobody can correct the steps of a run, so waiting would hold up its Pipeline for ever."""
    world = with_data()
    world.invalid[kind] = f'{kind} "x" is invalid: spec: write an entry without a colon'
    start(world, steps=[step_, train("other", modelRef=None)] if kind == "Job" else [step_, CHECK])
    failed_ = status(world)["steps"][0]
    assert (failed_["phase"], failed_["reason"]) == ("Failed", "StepInvalid")
    at = f"spec.steps[{step_['name']}].{'container' if kind == 'Job' else 'trainingRun'}"
    assert failed_["message"] == f"{at}: spec: write an entry without a colon; correct it in the Pipeline"
    assert status(world)["steps"][1].get("object"), "the other step goes on"
    assert ready(world)[1] == "Running"


def test_no_placeholder_brings_the_operators_priority_into_a_container() -> None:
    world = with_data()
    step_ = {"name": "check", "container": {"image": "a", "podTemplate": {"priorityClassName": "$(parameters.class)"}}}
    world.put(PIPELINES, pipeline(steps=[step_], parameters=[{"name": "class", "default": "modelyard-system"}]))
    start(world)
    assert "StepInvalid: spec.steps[check].container.podTemplate.priorityClassName" in ready(world)[2]
    assert not [job for job in world.all(JOBS) if "modelyard.dev/pipelinerun" in job["metadata"]["labels"]]


SCORE: Object = {
    "name": "score",
    "batchPrediction": {
        "modelRef": {"name": "species", "version": "$(steps.train.outputs.modelVersionNumber)"},
        "datasetRef": {"name": "penguins"},
        "output": {"datasetRef": {"name": "scored"}},
    },
}


def test_a_prediction_takes_the_version_that_a_step_before_it_has_made() -> None:
    world = with_data()
    world.put(MODELS, model())
    world.put(DATASETS, pushed("scored"))
    start(world, steps=[train(), SCORE])
    trained(world)
    assert step(world, "once", "train")["outputs"]["modelVersionNumber"] == "1"
    (prediction,) = world.all(BATCH_PREDICTIONS)
    assert prediction["spec"]["modelRef"] == {"name": "species", "version": 1}
    assert "modelVersionNumber" not in status(world).get("outputs", {})


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("many", "batchPrediction.maxBadRows: Input should be a valid integer, unable to parse string"),
        ("1.5", "batchPrediction.maxBadRows: Input should be a valid integer"),
        ("-1", "batchPrediction.maxBadRows: Input should be greater than or equal to 0"),
        ("", "batchPrediction.maxBadRows: Input should be a valid integer"),
        ("7", None),
    ],
)
def test_a_whole_number_is_read_from_its_value_or_refused(value: str, says: str | None) -> None:
    world = with_data()
    spec = {**SCORE["batchPrediction"], "modelRef": {"name": "m", "version": 1}, "maxBadRows": "$(parameters.bad)"}
    steps = [{"name": "score", "batchPrediction": spec}]
    world.put(PIPELINES, pipeline(steps=steps, parameters=[{"name": "bad", "default": "0"}]))
    start(world, parameters={"bad": value})
    if says is None:
        assert world.one(BATCH_PREDICTIONS)["spec"]["maxBadRows"] == 7
        return
    assert ready(world)[1] == "StepFailed"
    assert f"StepInvalid: spec.steps[score].{says}" in ready(world)[2]
    assert f"not {value!r}" in ready(world)[2]


def test_a_trigger_that_is_none_leaves_its_field_out() -> None:
    """A person's run of a Pipeline with a dataset trigger reads the newest version."""
    world = with_data()
    start(world, steps=[train(modelRef=None, datasetRef={"name": "penguins", "version": "$(trigger.datasetVersion)"})])
    assert world.one(TRAINING_RUNS)["spec"]["datasetRef"] == {"name": "penguins"}
    start(world, "other", steps=[train(modelRef={"name": "m-$(trigger.name)"})])
    assert "$(trigger.name) has no value in this run" in ready(world, "other")[2]


def test_it_stops_and_goes_on() -> None:
    world = with_data()
    start(world, steps=[CHECK, train(modelRef=None)], suspend=True)
    assert (status(world)["phase"], world.created[PIPELINE_RUNS, "team", "once"]) == ("Suspended", 1)
    assert world.all(TRAINING_RUNS) == []
    start(world, steps=[CHECK, train(modelRef=None)])
    active(world, job_of(world, "PipelineRun", "once"))
    world.settle()
    start(world, steps=[CHECK, train(modelRef=None)], suspend=True)
    assert world.one(TRAINING_RUNS)["spec"]["suspend"]
    assert job_of(world, "PipelineRun", "once")["spec"]["suspend"]
    assert (status(world)["phase"], phases(world)) == ("Suspended", {"check": "Suspended", "train": "Suspended"})
    start(world, steps=[CHECK, train(modelRef=None)])
    assert not world.one(TRAINING_RUNS)["spec"]["suspend"]
    checked(world, trees="1")
    trained(world)
    assert ready(world)[:2] == ("True", "Succeeded")


def test_a_step_whose_object_somebody_deletes_fails() -> None:
    world = with_data()
    start(world, steps=[train(modelRef=None)])
    world.delete(TRAINING_RUNS, world.one(TRAINING_RUNS)["metadata"]["name"])
    world.settle()
    assert ready(world)[1] == "StepFailed"
    assert "was deleted before it had ended" in ready(world)[2]


def test_what_has_ended_stays_ended() -> None:
    world, _ = done()
    before = status(world)
    world.delete(TRAINING_RUNS, world.one(TRAINING_RUNS)["metadata"]["name"])
    start(world, steps=[train()], suspend=True)
    assert {**status(world), "observedGeneration": 0, "conditions": 0} == {
        **before, "observedGeneration": 0, "conditions": 0
    }  # fmt: skip
    assert ready(world)[0] == "True"


def test_a_step_waits_for_the_artifact_store_alone() -> None:
    world = with_data()
    start(world, steps=[CHECK, train(modelRef=None)])
    world.down.add(Result)
    checked(world, trees="1")
    assert step(world, "once", "check")["reason"] == "ArtifactStoreUnavailable"
    world.down.clear()
    trained(world)
    world.tick(10)
    assert ready(world)[:2] == ("True", "Succeeded")


def test_deleting_it_takes_its_steps_and_leaves_the_version() -> None:
    world, name = done()
    world.delete(PIPELINE_RUNS, name)
    world.settle()
    assert (world.all(TRAINING_RUNS), len(world.all(MODELS))) == ([], 1)
    assert world.condition(DATASETS, "penguins")[0] == "True"
    assert world.all(JOBS) != [], "the Dataset's own"


def test_a_step_that_the_api_server_refuses_says_why_until_it_is_made() -> None:
    """The engine writes the refusal into Ready, and sends the step again later."""
    world = with_data()
    start(world, steps=[CHECK], suspend=True)
    run = world.get(PIPELINE_RUNS, "once")
    name = f"once-step-{short_hash(run['metadata']['uid'], 'check')}"
    words = f'have the quota raised, or delete what is not needed: jobs.batch "{name}" is forbidden: exceeded quota: q'
    refused = {"type": "Ready", "status": "False", "reason": "QuotaExceeded", "message": words}
    refused["lastTransitionTime"] = at(world)
    world.put(PIPELINE_RUNS, pipeline_run(steps=[CHECK]))
    world.run(Key(PIPELINE_RUNS, "team", "once"))
    world.status(PIPELINE_RUNS, "once", {**status(world), "conditions": [refused]})
    plan = world.run(Key(PIPELINE_RUNS, "team", "once"))
    assert plan is not None
    assert [write.alone for write in plan.writes if isinstance(write, Create)] == [True]
    told = step(world, "once", "check")
    assert (told["phase"], told["reason"]) == ("Pending", "QuotaExceeded")
    assert "have the quota raised" in told["message"]
    active(world, job_of(world, "PipelineRun", "once"))
    world.settle()
    assert step(world, "once", "check")["reason"] == "Running"
