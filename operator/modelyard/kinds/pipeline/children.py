"""Builds the PipelineRun that a Pipeline's triggers start."""

from __future__ import annotations

from modelyard.engine.resource import PIPELINE_RUNS, Object
from modelyard.kinds.pipeline.observe import View
from modelyard.workload.names import MAX_OWN_NAME, child_metadata, child_name, manifest
from modelyard.workload.pipelines.causes import cause_of
from modelyard_api.fields.base import ObjectRef
from modelyard_api.kinds.pipelinerun import CAUSE, PipelineRunSpec, RunTrigger


def run_name(view: View, trigger: RunTrigger) -> str:
    """Returns a function of the Pipeline's uid, the trigger and what has come: nothing starts a second run."""
    pipeline, cause = view.pipeline, trigger.cause
    identity = (pipeline.uid, trigger.name, cause.uid, cause.value)
    return child_name(pipeline.name, trigger.name, *identity, longest=MAX_OWN_NAME)


def pipeline_run(view: View, triggers: list[RunTrigger]) -> Object:
    """Returns the run of the first of these triggers, which covers the others."""
    pipeline = view.pipeline
    name = run_name(view, triggers[0])
    spec = PipelineRunSpec(
        pipeline_ref=ObjectRef(name=pipeline.name),
        parameters={parameter.name: parameter.default for parameter in pipeline.spec.parameters},
        trigger=triggers[0],
        covers=triggers[1:],
    )
    metadata = child_metadata(view.raw, name, "modelyard-pipeline")
    metadata["annotations"] = {CAUSE: cause_of(spec, name)}
    # The steps are copied as they are written: the model drops nulls, which an estimator's parameters may have.
    return manifest(PIPELINE_RUNS, metadata, spec={**spec.wire(), "steps": view.raw["spec"]["steps"]})
