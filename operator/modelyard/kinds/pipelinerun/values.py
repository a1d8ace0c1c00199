"""The values of the placeholders in the steps of one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from modelyard.kinds.pipelinerun.source import Source
from modelyard.workload.conclude import Fails, Trouble
from modelyard.workload.pipelines.placeholders import Unresolved, resolved, shown, typed
from modelyard_api.fields.pods import SYSTEM_PRIORITY
from modelyard_api.kinds.pipeline import STEP_KINDS, ContainerStep, Step
from modelyard_api.kinds.pipelinerun import PipelineRun, RunTrigger, StepStatus


def values(run: PipelineRun, source: Source, steps: Iterable[StepStatus]) -> dict[str, str | None]:
    """Returns each placeholder that has a value, or None where this run has none."""
    trigger = run.spec.trigger
    known: dict[str, str | None] = {f"parameters.{name}": value for name, value in source.parameters.items()}
    for step in steps:
        known |= {f"steps.{step.name}.outputs.{name}": value for name, value in step.outputs.items()}
    return known | {
        "trigger.name": trigger.name if trigger else None,
        "trigger.value": trigger.cause.value if trigger else None,
        "trigger.datasetVersion": _dataset_version([*([trigger] if trigger else ()), *run.spec.covers]),
        "run.name": run.name,
    }


def spec_of(step: Step, known: Mapping[str, str | None]) -> tuple[dict[str, Any], BaseModel]:
    """Returns a step's spec with values for its placeholders, as it is written and validated. Raises Fails."""
    field, written = step.content
    mark, at = STEP_KINDS[field], f"spec.steps[{step.name}].{field}"
    try:
        spec: dict[str, Any] = resolved(written, known, mark.free)
    except Unresolved as error:
        raise Fails(Trouble("ValueMissing", f"{at}.{error}")) from error
    try:
        model = mark.spec.model_validate(spec)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"{at}.{shown(first['loc'])}: {first['msg']}, not {str(first['input'])[:100]!r}"
        raise Fails(Trouble("StepInvalid", message)) from error
    # The API server checks the rules of what becomes an object. A container becomes a Job, and its only rule about a
    # text, which may have been a placeholder, is this one.
    if isinstance(model, ContainerStep) and model.pod_template.priority_class_name == SYSTEM_PRIORITY:
        message = f"{at}.podTemplate.priorityClassName: {SYSTEM_PRIORITY} is the operator's own; name another one"
        raise Fails(Trouble("StepInvalid", message))
    return typed(spec, model.model_dump(mode="json", by_alias=True)), model


def _dataset_version(triggers: Iterable[RunTrigger]) -> str | None:
    return next((item.cause.value for item in triggers if item.cause.kind == "Dataset"), None)
