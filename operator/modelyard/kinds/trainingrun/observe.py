"""Collects what a TrainingRun's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import (
    JOBS,
    MODEL_VERSIONS,
    MODELS,
    Object,
)
from modelyard.engine.store import Store
from modelyard.workload import data
from modelyard.workload.names import owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.trainingrun import TrainingRun


@dataclass(frozen=True)
class View:
    raw: Object
    run: TrainingRun
    installation: Installation
    job: Object | None
    dataset: Object | None
    version: Object | None
    """The DatasetVersion that was resolved at the start, or else the one that would be resolved now."""
    model: Object | None
    model_version: Object | None
    """The ModelVersion that registers this run's model."""
    former: Object | None = None
    """The ModelVersion that a run of this name has made for this Model before both were restored or orphaned."""


UNBOUND = "unbound"
"""Index of the ModelVersions without a living owner or run, by the name of the run that made them."""


def observe(store: Store, raw: Object, installation: Installation) -> View:
    run = TrainingRun.model_validate(raw)
    spec, status = run.spec, run.status
    dataset, version = data.observed(store, run.namespace, spec.dataset_ref, status.dataset_version)
    # Anybody can set the label with the run's uid, so versions in other namespaces don't count.
    model_versions = [
        item for item in store.find(MODEL_VERSIONS, "run", run.uid) if item["metadata"]["namespace"] == run.namespace
    ]
    jobs = [job for job in store.owned(JOBS, run.uid) if owned_by(job, raw)]
    place, model = f"{run.namespace}/{run.name}", spec.model_ref.name if spec.model_ref else None
    former = [obj for obj in store.find(MODEL_VERSIONS, UNBOUND, place) if obj["spec"]["modelRef"]["name"] == model]
    return View(
        raw=raw,
        run=run,
        installation=installation,
        job=jobs[0] if jobs else None,
        dataset=dataset,
        version=version,
        model=store.get(MODELS, run.namespace, spec.model_ref.name) if spec.model_ref else None,
        model_version=model_versions[0] if model_versions else None,
        former=max(former, key=lambda version: int(version["spec"]["number"]), default=None),
    )
