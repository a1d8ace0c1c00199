"""Starts a BatchPrediction: resolves both versions once, and records them in the Job's task and in status."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Create, Facts, Fetch
from modelyard.engine.resource import DATASETS, JOBS, Object
from modelyard.kinds.batchprediction import children
from modelyard.kinds.batchprediction.checks import check
from modelyard.kinds.batchprediction.observe import View, job_name
from modelyard.workload import references
from modelyard.workload.conclude import RETRY, Fails, Step, Trouble, Waits, read
from modelyard.workload.run import jobs
from modelyard.workload.run.conditions import pod_pending
from modelyard_api.fields.status import Inputs, Phase
from modelyard_api.kinds.batchprediction import BatchPredictionStatus
from modelyard_api.kinds.dataset import Dataset, DatasetSpec
from modelyard_api.kinds.datasetversion import DatasetVersionSpec
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.wire.result import PredictResult
from modelyard_api.wire.task import PredictTask


def begin(view: View, facts: Facts, now: datetime) -> Step:
    """Resolves what is not resolved yet, and creates the Job. Raises Missing, Waits and Fails."""
    _rules(view, view.output)
    model, data = _model_version(view), _data(view)
    rules = _rules(view, _output(view, facts, now))
    signature = model.status.signature or model.spec.signature
    if signature is None:
        raise Waits("VersionNotReady", f"ModelVersion {model.name} has no signature yet; see its conditions")
    name, output = data["metadata"]["name"], view.run.spec.output
    if trouble := check(output, model.name, signature, name, DatasetVersionSpec.model_validate(data["spec"]), rules):
        raise Fails(trouble)
    job = children.predict_job(view, model, data, rules)
    if too_large := jobs.task_too_large(job):
        columns = len(data["spec"]["columns"])
        message = f"spec.datasetRef: the {columns} columns of {name} {too_large}; ignore columns in the Dataset"
        raise Fails(Trouble("SpecTooLarge", message))
    status = view.run.status
    if not status.start_time:
        inputs = Inputs(dataset_version=name, model_version=model.name, image=children.image(view))
        status = started(view, inputs, timestamp(now))
    return Step(
        status.model_copy(update={"phase": Phase.PENDING}), pod_pending(job["metadata"]["name"]), (Create(JOBS, job),)
    )


def started(view: View, inputs: Inputs, at: str) -> BatchPredictionStatus:
    update = {
        "inputs": inputs,
        "result_uri": children.result_uri(view.run),
        "job": job_name(view.run),
        "start_time": at,
    }
    return view.run.status.model_copy(update=update)


def restored(task: PredictTask) -> dict[str, Any]:
    """Returns the fields of a lost status that the Job's task tells."""
    return {"inputs": inputs_of(task.data.name, task.model_version, task.image)}


def of_result(result: PredictResult) -> Inputs:
    """Returns what a run had resolved whose status and Job are gone."""
    return inputs_of(result.dataset_version, result.model_version, result.image)


def inputs_of(dataset_version: str, model_version: str, image: str) -> Inputs:
    return Inputs(dataset_version=dataset_version, model_version=model_version, image=image)


def _output(view: View, facts: Facts, now: datetime) -> Object | None:
    """Returns the Dataset of the answers as it is now. Raises Missing and Waits.

    It is read anew: the run and an edit of the rules may come in one commit, and the watch of the Datasets be behind.
    """
    need = Fetch(DATASETS, view.run.namespace, view.run.spec.output.dataset_ref.name)
    dataset: Object | None = read(facts, need, "DatasetNotReady", now + RETRY)
    return dataset


def _rules(view: View, output: Object | None) -> DatasetSpec:
    """Returns the spec of the Dataset of the answers. Raises Waits and Fails."""
    field, name = "spec.output.datasetRef.name", view.run.spec.output.dataset_ref.name
    if output is None:
        message = f"{field}: there is no Dataset {name!r}; apply one with spec.source: {{pushed: {{}}}}"
        raise Waits("DatasetNotFound", message)
    spec = Dataset.model_validate(output).spec
    if spec.source.pushed is None:
        message = f"{field}: Dataset {name!r} reads its source itself; name one with spec.source: {{pushed: {{}}}}"
        raise Fails(Trouble("NotPushed", message))
    if spec.suspend:
        message = f"{field}: Dataset {name!r} is suspended, so it takes no table; set its spec.suspend to false"
        raise Waits("DatasetNotReady", message, warning=True)
    return spec


def _model_version(view: View) -> ModelVersion:
    """Returns the version that was resolved, or resolves it. Raises Waits and Fails."""
    ref, inputs = view.run.spec.model_ref, view.run.status.inputs
    if inputs and inputs.model_version:
        return references.resolved(view.model_version, "ModelVersionNotFound", inputs.model_version)
    version = references.model_version(ref, view.model, view.versions)
    if ref.version is not None and view.model is not None:
        references.check_gates(version, view.model)
    return version


def _data(view: View) -> Object:
    """Returns the DatasetVersion that was resolved, or resolves it. Raises Waits and Fails."""
    ref, inputs = view.run.spec.dataset_ref, view.run.status.inputs
    if inputs and inputs.dataset_version:
        return references.resolved(view.data, "DatasetVersionNotFound", inputs.dataset_version)
    return references.dataset_version(ref.name, ref.version, view.dataset, view.data)
