"""Starts a Sweep: resolves its DatasetVersion, and makes the Service and the Job. Recovers from what was lost too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Apply, Create, Facts
from modelyard.engine.resource import JOBS, SERVICES, Object
from modelyard.kinds.sweep import children, outcome
from modelyard.kinds.sweep.checks import check
from modelyard.kinds.sweep.observe import View, job_name
from modelyard.workload import references
from modelyard.workload.conclude import Fails, Step, Trouble
from modelyard.workload.run import jobs
from modelyard.workload.run.conditions import pod_pending
from modelyard.workload.run.follow import earlier
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.sweep import SweepStatus
from modelyard_api.wire.task import SweepTask


def start(view: View, facts: Facts, now: datetime) -> Step:
    """Raises Missing, Waits and Fails."""
    spec, status = view.sweep.spec, view.sweep.status
    if trouble := check(spec, view.model["spec"]["task"] if view.model else None):
        raise Fails(trouble)
    if spec.model_ref:
        references.model(spec.model_ref.name, view.model)
    ref = spec.dataset_ref
    version = references.dataset_version(ref.name, ref.version, view.dataset, view.version)
    # A status that was lost with the Job is no reason to search again.
    if result := earlier(children.run(view), facts, now):
        started = _started(view, result.dataset_version, result.image, now)
        return outcome.searched(view, now, result, started.model_copy(update={"attempts": max(status.attempts, 1)}))
    return _begin(view, version, _started(view, version["metadata"]["name"], children.image(view), now))


def again(view: View, facts: Facts, now: datetime) -> Step:
    """Continues a sweep that has started but has no Job: it goes on where the journal ends.

    Raises Missing, Waits and Fails.
    """
    if result := earlier(children.run(view), facts, now):
        return outcome.searched(view, now, result, view.sweep.status)
    version = references.resolved(view.version, "DatasetVersionNotFound", view.sweep.status.dataset_version)
    return _begin(view, version, view.sweep.status)


def restored(task: SweepTask) -> dict[str, Any]:
    """Returns the fields of a lost status that the Job's task tells."""
    return {"dataset_version": task.data.name, "image": task.image}


def _begin(view: View, version: Object, status: SweepStatus) -> Step:
    job = children.search_job(view, version)
    if too_large := jobs.task_too_large(job):
        columns = len(version["spec"]["columns"])
        message = f"spec.datasetRef: the {columns} columns and spec.search {too_large}; ignore columns in the Dataset"
        raise Fails(Trouble("SpecTooLarge", message))
    # The Service comes first: the pods of the Job find each other by it.
    writes = (Apply(SERVICES, children.service(view)), Create(JOBS, job))
    return Step(status.model_copy(update={"phase": Phase.PENDING}), pod_pending(job["metadata"]["name"]), writes)


def _started(view: View, version: str, image: str, now: datetime) -> SweepStatus:
    return view.sweep.status.model_copy(
        update={
            "dataset_version": version,
            "image": image,
            "result_uri": children.result_uri(view.sweep),
            "job": job_name(view.sweep),
            "start_time": timestamp(now),
        }
    )
