"""Builds the Jobs that score an imported model, and a champion on the rows of a version that may follow it."""

from __future__ import annotations

from modelyard.engine.resource import Object
from modelyard.kinds.modelversion.observe import View
from modelyard.workload import template
from modelyard.workload.data import data_of
from modelyard.workload.foreign import artifact_of
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
from modelyard_api.wire.task import Challenger, EvaluateTask

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
    return _run(job_name(version), result_uri(version), version.status.attempts, "score the model")


def evaluation_job(view: View, data: Object, task: str) -> Object:
    """Returns the Job that scores an imported model. Raises Fails if another namespace has the model or the rows."""
    version, artifact = view.version, artifact_of(view.version)
    evaluation = EvaluateTask(
        **addresses(version, view.installation, result_uri(version)),
        data=data_of(data),
        artifact_uri=artifact.uri,
        artifact_digest=artifact.digest,
        task=Task(task),
    )
    return _job(view, job_name(version), evaluation, version.status.attempts)


def comparison_job_name(version: ModelVersion, champion: ModelVersion) -> str:
    return child_name(version.name, "evaluate", version.uid, champion.spec.artifact.digest)


def comparison_run(version: ModelVersion, champion: ModelVersion, attempts: int) -> Run[EvaluateResult]:
    """Returns the Run that scores the champion on the held-out rows of ``version``."""
    return _run(
        comparison_job_name(version, champion), _comparison_uri(version, champion), attempts, "score the champion"
    )


def comparison_job(view: View, champion: ModelVersion, data: Object, task: str, attempts: int) -> Object:
    """Returns the Job that scores champion and ``view.version`` on the latter's held-out rows, which ``data`` has.

    Raises Fails if another namespace has any of them.
    """
    version, artifact, own = view.version, artifact_of(champion), artifact_of(view.version)
    evaluation = EvaluateTask(
        **addresses(version, view.installation, _comparison_uri(version, champion)),
        data=data_of(data),
        artifact_uri=artifact.uri,
        artifact_digest=artifact.digest,
        task=Task(task),
        challenger=Challenger(artifact_uri=own.uri, artifact_digest=own.digest),
        trained_on=data_of(view.champion_data) if view.champion_data else None,
    )
    return _job(view, comparison_job_name(version, champion), evaluation, attempts)


def _comparison_uri(version: ModelVersion, champion: ModelVersion) -> str:
    digest = champion.spec.artifact.digest.removeprefix("sha256:")
    return f"{folder(version.namespace, version.uid, 'champions', digest)}/{RESULT_JSON}"


def _run(name: str, uri: str, attempts: int, purpose: str) -> Run[EvaluateResult]:
    again = f"delete Job {name} to {purpose} again"
    return Run(EvaluateResult, uri, POLICY, attempts, INSTALLATION, try_again=again)


def _job(view: View, name: str, evaluation: EvaluateTask, attempts: int) -> Object:
    images, resources = view.installation.images, view.installation.resources
    pod = template.program("evaluate", images.runtime, PodTemplate(), resources.run)
    return job(child_metadata(view.raw, name, "modelyard-evaluation"), evaluation, pod, POLICY, PodTemplate(), attempts)
