"""Collects what a Sweep's decision is made from."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.resource import JOBS, MODELS, SERVICES, TRAINING_RUNS, Object
from modelyard.engine.store import Store
from modelyard.workload import data
from modelyard.workload.names import child_name, owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.sweep import Sweep

LONGEST_PARENT = 31
"""Characters of a Sweep's name in that of its TrainingRun, which may have 45."""


@dataclass(frozen=True)
class View:
    raw: Object
    sweep: Sweep
    installation: Installation
    job: Object | None
    service: Object | None
    dataset: Object | None
    version: Object | None
    """The DatasetVersion that was resolved at the start, or else the one that would be resolved now."""
    model: Object | None
    training_run: Object | None
    """The TrainingRun of the best trial."""


def job_name(sweep: Sweep) -> str:
    return child_name(sweep.name, "sweep", sweep.uid)


def training_run_name(sweep: Sweep) -> str:
    return child_name(sweep.name[:LONGEST_PARENT].rstrip("-"), "best", sweep.uid)


def observe(store: Store, raw: Object, installation: Installation) -> View:
    sweep = Sweep.model_validate(raw)
    spec, namespace = sweep.spec, sweep.namespace
    dataset, version = data.observed(store, namespace, spec.dataset_ref, sweep.status.dataset_version)
    jobs = [job for job in store.owned(JOBS, raw) if owned_by(job, raw)]
    services = [item for item in store.owned(SERVICES, raw) if owned_by(item, raw)]
    run = store.get(TRAINING_RUNS, namespace, training_run_name(sweep))
    return View(
        raw=raw,
        sweep=sweep,
        installation=installation,
        job=jobs[0] if jobs else None,
        service=services[0] if services else None,
        dataset=dataset,
        version=version,
        model=store.get(MODELS, namespace, spec.model_ref.name) if spec.model_ref else None,
        training_run=run if owned_by(run, raw) else None,
    )
