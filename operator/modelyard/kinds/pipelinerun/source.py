"""The steps of a run: its own, or those that its Pipeline had when it started, which are kept in an annotation.

The annotation is written before anything is made, so a later edit of the Pipeline changes no run that has started. It
is no part of the spec, which belongs to the person who applied the run.

Another annotation has the run's uid, from which the names of all that it makes are made: a run that comes from a backup
has another uid, and would do everything twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from pydantic import Field, ValidationError

from modelyard.engine.plan import Patch
from modelyard.engine.resource import PIPELINE_RUNS
from modelyard.kinds.pipelinerun.observe import View
from modelyard.workload.conclude import Fails, Trouble, Waits
from modelyard.workload.pipelines import graph
from modelyard_api.fields.base import Model
from modelyard_api.kinds.pipeline import Parameters, Pipeline, Step, Steps
from modelyard_api.kinds.pipelinerun import STARTED, STEPS, PipelineRun

MAX_BYTES = 200 * 1024
"""Longest annotation with steps. The API server accepts 256 KiB of annotations in all."""


class _Kept(Model):
    steps: Steps
    parameters: Parameters = Field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    steps: tuple[Step, ...]
    """In an order in which each comes after those that it waits for."""
    parameters: dict[str, str]
    annotations: dict[str, str] = field(default_factory=dict)
    """Those that are still to be written, before anything is made."""

    def keep(self, view: View) -> Patch | None:
        """Returns the patch that writes the annotations, or None if they are there."""
        run = view.run
        body = {"metadata": {"annotations": self.annotations}}
        return Patch(PIPELINE_RUNS, run.namespace, run.name, run.uid, body) if self.annotations else None


def source(view: View) -> Source:
    """Returns the steps and the values of parameters. Raises Waits and Fails."""
    run = view.run
    name, uid = _started_as(run)
    if name == run.name and uid != run.uid:
        message = (
            "it had started before it was restored from a backup or made anew, and had not ended; what its steps have "
            "made stays, and goes on by itself. Apply a run with a new name, which does all steps"
        )
        raise Fails(Trouble("Restored", message))
    found = _source(view)
    if (name, uid) == (run.name, run.uid):
        return found
    return replace(found, annotations={**found.annotations, STARTED: f"{run.name}/{run.uid}"})


def _started_as(run: PipelineRun) -> tuple[str, str]:
    """Returns the name and the uid that the run had when it started, empty if it has not."""
    name, _, uid = str((run.metadata.get("annotations") or {}).get(STARTED, "")).partition("/")
    return name, uid


def _source(view: View) -> Source:
    spec = view.run.spec
    if spec.steps is not None:
        return _checked(spec.steps, spec.parameters)
    annotation = (view.run.metadata.get("annotations") or {}).get(STEPS)
    if annotation is not None:
        return _kept(annotation)
    name = spec.pipeline_ref.name
    if view.pipeline is None or view.pipeline["metadata"].get("deletionTimestamp"):
        raise Waits("PipelineNotFound", f"spec.pipelineRef.name: there is no Pipeline {name!r}; apply it", warning=True)
    pipeline = Pipeline.model_validate(view.pipeline).spec
    defaults = {parameter.name: parameter.default for parameter in pipeline.parameters}
    for parameter in sorted(spec.parameters.keys() - defaults.keys()):
        known = ", ".join(sorted(defaults)) or "none"
        message = f"spec.parameters: Pipeline {name!r} has no parameter {parameter!r}; it has {known}"
        raise Fails(Trouble("UnknownParameter", message))
    checked = _checked(pipeline.steps, defaults | spec.parameters)
    # The steps are kept as they are written: the model drops nulls, which an estimator's parameters may have.
    text = json.dumps({"steps": view.pipeline["spec"]["steps"], "parameters": checked.parameters})
    if len(text.encode()) > MAX_BYTES:
        message = f"the steps of Pipeline {name!r} have {len(text.encode())} bytes, and a run can keep {MAX_BYTES}; "
        raise Fails(Trouble("SpecTooLarge", f"{message}write fewer or shorter steps"))
    return replace(checked, annotations={STEPS: text})


def _kept(annotation: str) -> Source:
    try:
        kept = _Kept.model_validate_json(annotation)
    except ValidationError as error:
        first = error.errors()[0]
        message = f"the annotation {STEPS} can't be read ({first['msg']}); remove it, and apply a run with a new name"
        raise Fails(Trouble("StepsUnreadable", message)) from error
    return _checked(kept.steps, kept.parameters)


def _checked(steps: list[Step], parameters: dict[str, str]) -> Source:
    """Returns the steps in their order. Raises Fails if their names are wrong."""
    if trouble := graph.problem(steps, parameters):
        raise Fails(trouble)
    return Source(tuple(graph.ordered(steps)), parameters)
