"""Builds the Job of a TrainingRun."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import Object
from modelyard.kinds.trainingrun.observe import View, job_name
from modelyard.workload import own_container, template
from modelyard.workload.data import data_of
from modelyard.workload.names import child_metadata, short_hash
from modelyard.workload.own_container import LAY_OUT, OWN_GRACE_SECONDS
from modelyard.workload.run.failures import Fields
from modelyard.workload.run.jobs import POD_TEMPLATE, job
from modelyard.workload.run.run import Run, was_running
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, canonical, folder
from modelyard_api.fields.metrics import Task
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import TrainTask

GRACE_SECONDS = 30
"""Seconds that a stopped pod may take to end: Kubernetes' default."""


def result_uri(run: TrainingRun) -> str:
    return f"{folder(run.namespace, run.uid)}/{RESULT_JSON}"


def fields(view: View) -> Fields:
    """Returns the spec fields that messages about the pods name."""
    own_container = view.run.spec.trainer.container is not None
    return Fields(own_image="spec.trainer.container.image" if own_container else None)


def run(view: View) -> Run[TrainResult]:
    status = view.run.status
    uri = status.result_uri or result_uri(view.run)
    grace = OWN_GRACE_SECONDS if view.run.spec.trainer.container else GRACE_SECONDS
    running = was_running(view.raw, TrainingRun)
    return Run(TrainResult, uri, view.run.spec, status.attempts, fields(view), grace, was_running=running)


def image(view: View) -> str:
    """Returns the image that the spec and the installation name now."""
    trainer, pod = view.run.spec.trainer, view.run.spec.pod_template
    own_image = trainer.container.image if trainer.container else pod.image
    return own_image or view.installation.images.runtime


def recorded_image(view: View) -> str:
    """Returns the image that was recorded at the start, so that a new default does not change a run."""
    return view.run.status.image or image(view)


def pod_template(view: View) -> str:
    """Returns a digest of the pod template, which shows whether a Job was made from an older one."""
    return short_hash(canonical(view.run.spec.pod_template.wire()).decode())


def training_job(view: View, version: Object) -> Object:
    run, spec = view.run, view.run.spec
    task = TrainTask(
        **addresses(run, view.installation, result_uri(run)),
        data=data_of(version),
        model=spec.model_ref.name if spec.model_ref else None,
        task=Task(view.model["spec"]["task"]) if view.model else None,
        trainer=spec.trainer,
        objective=spec.objective,
        additional_metrics=spec.additional_metrics,
        seed=spec.seed,
        image=recorded_image(view),
    )
    metadata = child_metadata(view.raw, job_name(run.name, run.uid), "modelyard-training")
    metadata["annotations"] = {POD_TEMPLATE: pod_template(view)}
    if spec.trainer.container:
        pod = own_container.pod(spec.trainer.container, spec.pod_template, view.installation, "lay-out", "collect")
        return job(metadata, task, pod, spec, spec.pod_template, run.status.attempts, asks_store=LAY_OUT)
    return job(metadata, task, _estimator(view), spec, spec.pod_template, run.status.attempts)


def _estimator(view: View) -> dict[str, Any]:
    return template.program("train", recorded_image(view), view.run.spec.pod_template, view.installation.resources.run)
