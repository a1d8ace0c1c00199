"""Builds the Job of a BatchPrediction."""

from __future__ import annotations

from modelyard.engine.resource import Object
from modelyard.kinds.batchprediction.observe import View, job_name
from modelyard.workload import template
from modelyard.workload.data import data_of, previous_of
from modelyard.workload.foreign import artifact_of
from modelyard.workload.names import child_metadata
from modelyard.workload.run.jobs import job
from modelyard.workload.run.run import Run, was_running
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, folder
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.wire.result import PredictResult
from modelyard_api.wire.task import PredictTask


def result_uri(run: BatchPrediction) -> str:
    return f"{folder(run.namespace, run.uid)}/{RESULT_JSON}"


def run(view: View) -> Run[PredictResult]:
    status = view.run.status
    uri = status.result_uri or result_uri(view.run)
    running = was_running(view.raw, BatchPrediction)
    return Run(PredictResult, uri, view.run.spec, status.attempts, was_running=running)


def own_image(view: View) -> str:
    """Returns the image that the spec and the installation name now."""
    return view.run.spec.pod_template.image or view.installation.images.runtime


def image(view: View) -> str:
    """Returns the image that was recorded at the start, so that a new default does not change a run."""
    inputs = view.run.status.inputs
    return (inputs.image if inputs else None) or own_image(view)


def predict_job(view: View, version: ModelVersion, data: Object, rules: DatasetSpec) -> Object:
    """Returns the Job that scores ``data`` with ``version``. ``rules`` is the spec of the Dataset of the answers.

    Raises Fails if another namespace has the model or the rows.
    """
    run, spec, artifact = view.run, view.run.spec, artifact_of(version)
    task = PredictTask(
        **addresses(run, view.installation, result_uri(run)),
        data=data_of(data),
        model_version=version.name,
        artifact_uri=artifact.uri,
        artifact_digest=artifact.digest,
        keep=spec.output.keep,
        max_bad_rows=spec.max_bad_rows,
        output=rules,
        previous=None if view.latest is None else previous_of(view.latest),
        dataset=spec.output.dataset_ref.name,
        image=image(view),
    )
    pod = template.program("predict", image(view), spec.pod_template, view.installation.resources.run)
    metadata = child_metadata(view.raw, job_name(run), "modelyard-prediction")
    return job(metadata, task, pod, spec, spec.pod_template, run.status.attempts)
