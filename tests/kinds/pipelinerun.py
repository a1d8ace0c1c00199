"""The sample of PipelineRun, suspended, with one step of its own, and the result of a container's Job."""

from __future__ import annotations

from modelyard_api.fields.facts import WAITING
from modelyard_api.kinds.pipelinerun import PipelineRun
from modelyard_api.wire.result import Error, Failed, StepResult
from modelyard_api.wire.task import StepTask
from tests.kinds.pipeline import CHECK, STEP_RULES, TRAIN
from tests.kinds.sample import Create, Object, Pod, Sample, Update

BAD = "bad"
"""A container with this as a parameter's value fails by its user's error."""


def step(task: StepTask, _: str) -> StepResult | Failed:
    """Leaves the declared outputs: the parameters' values, or their own names."""
    if BAD in task.parameters.values():
        return Failed(error=Error(reason="InvalidOutputs", message="outputs.json is not JSON"))
    return StepResult(outputs={name: task.parameters.get(name, name) for name in task.outputs})


def _is_over(obj: Object, job: str) -> bool:
    """Returns whether the step of the Job has ended; its run may still be running."""
    status = obj.get("status") or {}
    phases = [item["phase"] for item in status.get("steps") or () if item.get("object") == job]
    if phases:
        return phases[0] in ("Succeeded", "Failed")
    return not any(item["reason"] in (*WAITING, "Running") for item in status.get("conditions") or ())


_NEXT: Object = {**TRAIN, "after": ["check"]}

SAMPLE = Sample(
    PipelineRun,
    spec={"pipelineRef": {"name": "one"}, "steps": [CHECK], "suspend": True},
    creates=tuple(Create(case.message, case.good, case.bad) for case in STEP_RULES),
    updates=(
        Update(
            "a PipelineRun is immutable but for suspend",
            good=({"suspend": False},),
            bad=(
                {"pipelineRef": {"name": "two"}},
                {"parameters": {"trees": "5"}},
                {"steps": [TRAIN]},
                {"steps": None},
                {
                    "trigger": {
                        "name": "t",
                        "cause": {
                            "kind": "Dataset",
                            "name": "d",
                            "uid": "u",
                            "value": "v",
                            "came": "2026-01-01T00:00:00Z",
                        },
                    }
                },
            ),
        ),
    ),
    pod=Pod(StepTask, StepResult, {"kind": "Step", "outputs": {"trees": "10"}}, step, _is_over),
    story=({}, {"steps": [CHECK, _NEXT]}, {"steps": None, "parameters": {"trees": "5"}}),
    referred=("fz-one",),
    history=("startTime", "completionTime"),
)
