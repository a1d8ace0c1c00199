"""Builds the ingest Job of a Dataset."""

from __future__ import annotations

from modelyard.engine.resource import Object
from modelyard.kinds.dataset import inputs
from modelyard.kinds.dataset.observe import View
from modelyard.workload import template
from modelyard.workload.data import previous_of
from modelyard.workload.names import child_metadata, child_name
from modelyard.workload.run.jobs import job
from modelyard.workload.run.run import Run
from modelyard.workload.run.task import addresses
from modelyard_api.fields.artifact import RESULT_JSON, folder
from modelyard_api.fields.pods import RunPolicy
from modelyard_api.fields.sources import Source
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.wire.result import CheckResult
from modelyard_api.wire.task import CREDENTIALS_FOLDER, SOURCE_FOLDER, IngestTask, Previous

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


def run(view: View, name: str) -> Run[CheckResult]:
    """Returns the Run of the check whose Job has this name."""
    attempts = view.dataset.status.attempts if view.dataset.status.job == name else 0
    return Run(CheckResult, result_uri(view.dataset, name), policy(view.dataset), attempts)


def previous(view: View) -> Previous | None:
    """Returns the latest accepted version, whose types hold on."""
    found = view.version(view.dataset.status.latest)
    return None if found is None else previous_of(found)


def ingest_job(view: View, name: str) -> Object:
    """Returns the Job of this name, which reads the source."""
    dataset, spec = view.dataset, view.dataset.spec
    image = spec.pod_template.image or view.installation.images.ingest
    mounts, volumes = _mounted(spec.source)
    default = view.installation.resources.run
    pod = template.program("ingest", image, spec.pod_template, default, mounts=mounts, volumes=volumes)
    limit = pod["containers"][0]["resources"]["limits"].get("ephemeral-storage")
    task = IngestTask(
        **addresses(dataset, view.installation, result_uri(dataset, name)),
        spec=spec,
        source=_path(spec.source),
        seen=seen(dataset),
        remake=dataset.status.checked_generation != dataset.generation,
        inputs=inputs.resolve(view) if spec.source.query else [],
        previous=previous(view),
        **({} if limit is None else {"most_bytes": int(template.quantity(limit) / 2)}),
    )
    metadata = child_metadata(view.raw, name, "modelyard-ingest")
    return job(metadata, task, pod, policy(dataset), spec.pod_template, run(view, name).attempts)


def seen(dataset: Dataset) -> str | None:
    """Returns the digest of the listing that was read last for this generation, None if all is to be read."""
    status = dataset.status
    if status.source is None or status.source.listing is None or status.checked_generation != dataset.generation:
        return None
    return status.source.listing.digest


def _path(source: Source) -> str:
    if source.config_map:
        return source.config_map.key
    return source.volume.path if source.volume else ""


def _mounted(source: Source) -> tuple[list[template.Mount], list[template.Volume]]:
    """Returns the mounts and the volumes of what the source names: its data, and the Secret that opens it.

    A Secret that isn't there keeps the pod waiting, which the status tells.
    """
    mounts: list[template.Mount] = [{"name": "source", "mountPath": SOURCE_FOLDER, "readOnly": True}]
    if source.config_map:
        key = source.config_map.key
        named = {"name": source.config_map.name, "items": [{"key": key, "path": key}]}
        return mounts, [{"name": "source", "configMap": named}]
    if source.volume:
        claim = {"claimName": source.volume.claim_name, "readOnly": True}
        return mounts, [{"name": "source", "persistentVolumeClaim": claim}]
    named_secret = source.sql.secret_ref if source.sql else source.secret_ref
    if named_secret is None:
        return [], []
    secret = {"secretName": named_secret.name, "defaultMode": 0o440}
    mounts = [{"name": "credentials", "mountPath": CREDENTIALS_FOLDER, "readOnly": True}]
    return mounts, [{"name": "credentials", "secret": secret}]
