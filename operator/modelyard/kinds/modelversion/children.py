"""Builds the Job that verifies and scores an imported model."""

from __future__ import annotations

from modelyard.engine.resource import Object
from modelyard.kinds.modelversion.observe import View
from modelyard.workload import template
from modelyard.workload.data import data_of
from modelyard.workload.names import child_metadata, child_name
from modelyard.workload.run.failures import INSTALLATION
from modelyard.workload.run.jobs import job
from modelyard.workload.run.run import Run
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, folder
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.pods import PodTemplate, RunPolicy
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.wire.result import EvaluateResult
from modelyard_api.wire.task import EvaluateTask

POLICY = RunPolicy(backoff_limit=3, ttl_seconds_after_finished=3600)
"""The Job of a verified version is deleted after an hour; the Job of a failed one is kept for its log."""


def job_name(version: ModelVersion) -> str:
    return child_name(version.name, "evaluate", version.uid)


def result_uri(version: ModelVersion) -> str:
    """Returns the proof's URI: beside the artifact of a run's model, below the version's uid for an imported one."""
    if version.spec.lineage.training_run:
        return f"{version.spec.artifact.uri}/{RESULT_JSON}"
    return f"{folder(version.namespace, version.uid)}/{RESULT_JSON}"


def run(version: ModelVersion) -> Run[EvaluateResult]:
    """Returns the Run that evaluates an imported model."""
    name = job_name(version)
    return Run(
        EvaluateResult,
        result_uri(version),
        POLICY,
        version.status.attempts,
        INSTALLATION,
        try_again=f"delete Job {name} to score the model again",
    )


def evaluation_job(view: View, data: Object, task: str) -> Object:
    version = view.version
    evaluation = EvaluateTask(
        **addresses(version, view.installation, result_uri(version)),
        data=data_of(data),
        artifact_uri=version.spec.artifact.uri,
        artifact_digest=version.spec.artifact.digest,
        task=Task(task),
    )
    images, resources = view.installation.images, view.installation.resources
    pod = template.program("evaluate", images.runtime, PodTemplate(), resources.run)
    metadata = child_metadata(view.raw, job_name(version), "modelyard-evaluation")
    return job(metadata, evaluation, pod, POLICY, PodTemplate(), version.status.attempts)
