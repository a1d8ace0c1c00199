"""Builds what the steps of a PipelineRun make: an object of one of our kinds, or the Job of a container."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import Object, Resource
from modelyard.kinds.pipelinerun.observe import View
from modelyard.workload import own_container
from modelyard.workload.names import MAX_OWN_NAME, child_metadata, child_name, label, manifest
from modelyard.workload.own_container import LAY_OUT, OWN_GRACE_SECONDS
from modelyard.workload.pipelines.causes import cause_of
from modelyard.workload.run.failures import Fields
from modelyard.workload.run.jobs import job
from modelyard.workload.run.run import Run
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, folder
from modelyard_api.fields.pods import RunPolicy
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.pipeline import ContainerStep
from modelyard_api.kinds.pipelinerun import CAUSE, PipelineRun, StepStatus
from modelyard_api.wire.result import StepResult
from modelyard_api.wire.task import StepTask


def object_name(run: PipelineRun, step: str) -> str:
    """Returns the name of a step's object: a function of the run's uid and the step, so that it can't be made twice."""
    return child_name(run.name, step, run.uid, step, longest=MAX_OWN_NAME)


def job_name(run: PipelineRun, step: str) -> str:
    return child_name(run.name, "step", run.uid, step)


def step_object(view: View, kind: str, step: str, spec: dict[str, Any]) -> Object:
    """Returns the object of a step, with the cause of its run."""
    resource = Resource.of(kind)
    metadata = _metadata(view, object_name(view.run, step), "modelyard-pipeline-step")
    return manifest(resource, metadata, spec={**spec, "suspend": is_suspended(view, spec)})


def is_suspended(view: View, spec: dict[str, Any]) -> bool:
    """Whether a step's object is to be suspended: with the run, or by its own spec."""
    return view.run.spec.suspend or bool(spec.get("suspend"))


def container_run(view: View, step: str, spec: ContainerStep, known: StepStatus | None) -> Run[StepResult]:
    """Returns the Run of a container, of which ``known`` is its step's status."""
    name = job_name(view.run, step)
    at = f"spec.steps[{step}].container"
    fields = Fields(
        resources=f"{at}.podTemplate.resources",
        own_image=f"{at}.image",
        deadline=f"{at}.activeDeadlineSeconds",
    )
    return Run(
        StepResult,
        f"{folder(view.run.namespace, view.run.uid)}/{name}/{RESULT_JSON}",
        _policy(view, spec),
        known.attempts if known else 0,
        fields,
        OWN_GRACE_SECONDS,
        was_running=known is not None and known.phase == Phase.RUNNING,
    )


def container_job(view: View, step: str, spec: ContainerStep, run: Run[StepResult]) -> Object:
    task = StepTask(
        **addresses(view.run, view.installation, run.result_uri),
        step=step,
        parameters=spec.parameters,
        outputs=spec.outputs,
    )
    metadata = _metadata(view, job_name(view.run, step), "modelyard-pipeline-step")
    pod = own_container.pod(spec, spec.pod_template, view.installation, "lay-out-step", "collect-step")
    return job(metadata, task, pod, run.policy, spec.pod_template, run.attempts, asks_store=LAY_OUT)


def _metadata(view: View, name: str, component: str) -> dict[str, Any]:
    spec = view.run.spec
    of_pipeline = {label("Pipeline"): spec.pipeline_ref.name} if len(spec.pipeline_ref.name) <= MAX_OWN_NAME else {}
    metadata = child_metadata(view.raw, name, component, of_pipeline)
    metadata["annotations"] = {CAUSE: cause_of(spec, view.run.name)}
    return metadata


def _policy(view: View, spec: ContainerStep) -> RunPolicy:
    return RunPolicy(
        suspend=view.run.spec.suspend,
        active_deadline_seconds=spec.active_deadline_seconds,
        backoff_limit=spec.backoff_limit,
    )
