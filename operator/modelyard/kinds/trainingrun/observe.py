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
from modelyard.workload.names import RUN_UID, child_name, controller_uid, owned_by
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
    """The ModelVersion that a run of this name has made for this Model before one of them was restored or orphaned."""


MADE_BY = "made by"
"""Index of the ModelVersions by the name of the run that made them."""


def job_name(name: str, uid: str) -> str:
    """Returns a name with a hash of the run's uid, so that one applied again never finds the deleted one's Job."""
    return child_name(name, "train", uid)


def observe(store: Store, raw: Object, installation: Installation) -> View:
    run = TrainingRun.model_validate(raw)
    spec, status = run.spec, run.status
    dataset, version = data.observed(store, run.namespace, spec.dataset_ref, status.dataset_version)
    # Anybody can set the label with the run's uid, so versions in other namespaces don't count.
    model_versions = [
        item for item in store.find(MODEL_VERSIONS, "run", run.uid) if item["metadata"]["namespace"] == run.namespace
    ]
    jobs = [job for job in store.owned(JOBS, raw) if owned_by(job, raw)]
    return View(
        raw=raw,
        run=run,
        installation=installation,
        job=jobs[0] if jobs else None,
        dataset=dataset,
        version=version,
        model=store.get(MODELS, run.namespace, spec.model_ref.name) if spec.model_ref else None,
        model_version=model_versions[0] if model_versions else None,
        former=_former(store, run, jobs),
    )


def _former(store: Store, run: TrainingRun, jobs: list[Object]) -> Object | None:
    """Returns the newest version that an earlier run of this name has made, and that has lost its owner or run.

    A deletion with the orphaning of children leaves the run's Job, whose name tells the uid.
    """
    model = run.spec.model_ref.name if run.spec.model_ref else None
    names, former = {job["metadata"]["name"] for job in jobs}, []
    for version in store.find(MODEL_VERSIONS, MADE_BY, f"{run.namespace}/{run.name}"):
        uid = (version["metadata"].get("labels") or {}).get(RUN_UID)
        is_bound = uid is not None and controller_uid(version)
        is_orphans = uid != run.uid and job_name(run.name, str(uid)) in names
        if version["spec"]["modelRef"]["name"] == model and (is_orphans or not is_bound):
            former.append(version)
    return max(former, key=lambda version: int(version["spec"]["number"]), default=None)
