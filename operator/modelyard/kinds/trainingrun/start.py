"""Starts a TrainingRun: resolves its DatasetVersion and records it in the Job's task and in status.

Also recovers from a deleted Job, and from a status that was lost or never written.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Create, Facts
from modelyard.engine.resource import JOBS, Object
from modelyard.kinds.trainingrun import children, outcome, script
from modelyard.kinds.trainingrun.checks import check
from modelyard.kinds.trainingrun.observe import View, job_name
from modelyard.workload import references
from modelyard.workload.conclude import Fails, Step, Trouble
from modelyard.workload.run import jobs
from modelyard.workload.run.adopt import may_have_lost_its_status
from modelyard.workload.run.conditions import pod_pending
from modelyard.workload.run.follow import earlier, result_of
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.trainingrun import TrainingRunStatus
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import TrainTask


def start(view: View, facts: Facts, now: datetime) -> Step:
    """Resolves the DatasetVersion and creates the Job. If the status write fails, ``adopted`` restores it from the Job.

    Raises Missing, Waits and Fails.
    """
    spec = view.run.spec
    if trouble := check(spec, view.model["spec"]["task"] if view.model else None):
        raise Fails(trouble)
    if spec.model_ref:
        references.model(spec.model_ref.name, view.model)
    ref = spec.dataset_ref
    version = references.dataset_version(ref.name, ref.version, view.dataset, view.version)
    references.check_target(version, "spec.datasetRef")
    if may_have_lost_its_status(view.raw, now):
        result = result_of(children.run(view), facts, now)
        if isinstance(result, TrainResult):
            return outcome.trained(view, now, result, _started(view, result.dataset_version, result.image, now))
    files = script.digests(view, facts, now)
    status = _started(view, version["metadata"]["name"], children.image(view), now)
    return _begin(view, version, status.model_copy(update={"script_files": files or None}))


def again(view: View, facts: Facts, now: datetime) -> Step:
    """Continues a run that has started but has no Job: not created yet, given up, deleted, or a restored backup.

    Raises Missing, Waits and Fails.
    """
    if may_have_lost_its_status(view.raw, now) and (result := earlier(children.run(view), facts, now)):
        return outcome.trained(view, now, result, view.run.status)
    version = references.resolved(view.version, "DatasetVersionNotFound", view.run.status.dataset_version)
    if view.run.spec.model_ref:
        references.model(view.run.spec.model_ref.name, view.model)
    files = script.digests(view, facts, now)
    return _begin(view, version, view.run.status.model_copy(update={"script_files": files or None}))


def restored(task: TrainTask) -> dict[str, Any]:
    """Returns the fields of a lost status that the Job's task tells."""
    return {"dataset_version": task.data.name, "image": task.image, "script_files": task.script_files or None}


def _begin(view: View, version: Object, status: TrainingRunStatus) -> Step:
    job = children.training_job(view, version, status.script_files or {})
    if too_large := jobs.task_too_large(job):
        columns = len(version["spec"]["columns"])
        message = f"spec.datasetRef: the {columns} columns and spec.trainer {too_large}; ignore columns in the Dataset"
        raise Fails(Trouble("SpecTooLarge", message))
    status = status.model_copy(update={"phase": Phase.PENDING})
    return Step(status, pod_pending(job["metadata"]["name"]), (Create(JOBS, job),))


def _started(view: View, version: str, image: str, now: datetime) -> TrainingRunStatus:
    return view.run.status.model_copy(
        update={
            "dataset_version": version,
            "image": image,
            "result_uri": children.result_uri(view.run),
            "job": job_name(view.run.name, view.run.uid),
            "start_time": timestamp(now),
        }
    )
