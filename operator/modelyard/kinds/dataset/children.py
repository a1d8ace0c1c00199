"""Builds the ingest Job of a Dataset."""

from __future__ import annotations

from typing import Any

from modelyard.engine.resource import Object
from modelyard.kinds.dataset.observe import View
from modelyard.workload import template
from modelyard.workload.names import child_metadata, child_name
from modelyard.workload.run.jobs import job
from modelyard.workload.run.run import Run
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, folder
from modelyard_api.fields.pods import RunPolicy
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.wire.result import IngestResult
from modelyard_api.wire.task import SOURCE_FOLDER, IngestTask

BACKOFF_LIMIT = 3
"""How many times a failed ingest pod is replaced."""


def job_name(dataset: Dataset, source_version: str | None) -> str:
    """Returns the name of the next check's Job: a function of the last check, so that it can't be created twice.

    If the version of the ConfigMap is known, it is part of the name: the Job, and its result, which outlives it, then
    belong to that data even if the last check was forgotten with a lost status.
    """
    last = dataset.status.last_check_time or ""
    return child_name(dataset.name, "ingest", dataset.uid, dataset.generation, last, source_version or "")


def result_uri(dataset: Dataset, name: str) -> str:
    return f"{folder(dataset.namespace, dataset.uid)}/ingest/{name}/{RESULT_JSON}"


def policy(dataset: Dataset) -> RunPolicy:
    return RunPolicy(suspend=dataset.spec.suspend, backoff_limit=BACKOFF_LIMIT)


def run(view: View, name: str) -> Run[IngestResult]:
    """Returns the Run of the check whose Job has this name."""
    attempts = view.dataset.status.attempts if view.dataset.status.job == name else 0
    return Run(IngestResult, result_uri(view.dataset, name), policy(view.dataset), attempts)


def ingest_job(view: View, name: str) -> Object:
    """Returns the Job of this name, which reads the source."""
    dataset, spec = view.dataset, view.dataset.spec
    image = spec.pod_template.image or view.installation.images.ingest
    source: dict[str, Any]
    mount: dict[str, Any] = {"name": "source", "mountPath": SOURCE_FOLDER, "readOnly": True}
    if spec.source.config_map:
        key = spec.source.config_map.key
        source = {"name": spec.source.config_map.name, "items": [{"key": key, "path": key}]}
        volume, path = {"name": "source", "configMap": source}, key
    else:
        assert spec.source.volume is not None
        source = {"claimName": spec.source.volume.claim_name, "readOnly": True}
        volume, path = {"name": "source", "persistentVolumeClaim": source}, spec.source.volume.path
    task = IngestTask(
        **addresses(dataset, view.installation, result_uri(dataset, name)),
        spec=spec,
        source=path,
    )
    pod = template.program(
        "ingest", image, spec.pod_template, view.installation.resources.run, mounts=[mount], volumes=[volume]
    )
    metadata = child_metadata(view.raw, name, "modelyard-ingest")
    return job(metadata, task, pod, policy(dataset), spec.pod_template, run(view, name).attempts)
