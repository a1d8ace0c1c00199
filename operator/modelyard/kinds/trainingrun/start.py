"""How a TrainingRun starts: what it is trained on is resolved and written down, in its Job's task and in its status.

Also how it finds its way back: a Job that was deleted, a status that was lost or never written.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import parse_time, timestamp
from modelyard.engine.plan import Create, Facts, Note, Plan
from modelyard.engine.resource import JOBS, Object
from modelyard.kinds.trainingrun import children, outcome
from modelyard.kinds.trainingrun.checks import check
from modelyard.kinds.trainingrun.observe import View
from modelyard.kinds.trainingrun.step import Step, fail, pod_pending, wait
from modelyard.workload.failures import Trouble
from modelyard.workload.run import jobs
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.trainingrun import TrainingRunStatus
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import ANNOTATION, TrainTask

FRESH = timedelta(seconds=30)
"""A run younger than this can't have lost its status: no need to ask the store whether it has trained before."""


def start(view: View, facts: Facts, now: datetime) -> Step:
    """Resolve what it is trained on, and make the Job. If nothing else is written, ``adopt`` reads it from the Job."""
    spec = view.run.spec
    trouble = check(spec, view.model["spec"]["task"] if view.model else None)
    if trouble:
        return fail(view, now, trouble)
    if spec.model_ref and view.model is None:
        return wait("ModelNotFound", f"spec.modelRef.name: there is no Model {spec.model_ref.name!r}; apply it")
    missing = _data_trouble(view, now)
    if missing:
        return missing
    found = _before(view, facts, now)
    if isinstance(found, Step):
        return found
    if found:
        # Which version it was trained on is known only where something else says so; a guess would be false lineage.
        status = _started(view, _version_of_result(view), now)
        return outcome.trained(view, now, found, status)
    assert view.version is not None
    status = _started(view, view.version["metadata"]["name"], now)
    return _make_job(view, now, view.version, status, Note("Started", f"training on {status.dataset_version}"))


def _data_trouble(view: View, now: datetime) -> Step | None:
    """Why there is no version to train on, for now or for good."""
    ref, dataset, version = view.run.spec.dataset_ref, view.dataset, view.version
    if dataset is None:
        return wait("DatasetNotFound", f"spec.datasetRef.name: there is no Dataset {ref.name!r}; apply it")
    if not ref.version and not _is_read(dataset):
        # Else a run that is applied together with a changed Dataset would train on what it was before.
        return wait("DatasetNotReady", f"Dataset {ref.name!r} was not read since its spec changed; see its conditions")
    if version is None:
        if ref.version:
            return wait("DatasetVersionNotFound", f"spec.datasetRef.version: there is no {ref.version!r}")
        return wait("DatasetNotReady", f"Dataset {ref.name!r} has no accepted version yet; see its conditions")
    if version["spec"]["datasetRef"]["name"] != ref.name:
        message = f"spec.datasetRef.version: {ref.version!r} is not a version of Dataset {ref.name!r}"
        return fail(view, now, Trouble("DatasetVersionMismatch", message))
    if not kstatus.holds(version, "Ready"):
        name = version["metadata"]["name"]
        if (version.get("status") or {}).get("accepted") is False:
            message = f"spec.datasetRef.version: {name!r} was rejected, and a version never changes; name another one"
            return fail(view, now, Trouble("DatasetVersionRejected", message))
        return wait("DatasetVersionNotReady", f"DatasetVersion {name!r} is not Ready; see its conditions")
    return None


def _is_read(dataset: Object) -> bool:
    """Whether the Dataset was read as its spec is now; a suspended one isn't, and stays as it is."""
    read = (dataset.get("status") or {}).get("checkedGeneration")
    return bool(dataset["spec"].get("suspend")) or read == dataset["metadata"].get("generation")


def _started(view: View, version: str | None, now: datetime) -> TrainingRunStatus:
    return view.run.status.model_copy(
        update={
            "dataset_version": version,
            "image": children.image(view),
            "result_uri": children.result_uri(view.run),
            "job": children.job_name(view.run),
            "start_time": timestamp(now),
        }
    )


def _version_of_result(view: View) -> str | None:
    made = view.model_version["spec"].get("lineage") or {} if view.model_version else {}
    return made.get("datasetVersion") or view.run.spec.dataset_ref.version


def _before(view: View, facts: Facts, now: datetime) -> TrainResult | Step | None:
    """What this very run (by its uid) has trained before; a Step where that isn't known yet."""
    created = view.raw["metadata"].get("creationTimestamp")
    if created and now - parse_time(created) < FRESH:
        return None
    found = outcome.read(view, facts, now)
    return found if isinstance(found, TrainResult | Step) else None


def again(view: View, facts: Facts, now: datetime) -> Step:
    """It has started but has no Job: not made yet, given up, deleted by somebody, or a restored backup.

    What was collected of a container of the user's own tells nothing: it may have been stopped, or have failed.
    """
    found = None if view.run.spec.trainer.container else _before(view, facts, now)
    if isinstance(found, Step):
        return found
    if found:
        return outcome.trained(view, now, found, view.run.status)
    if view.version is None:
        name = view.run.status.dataset_version
        return fail(view, now, Trouble("DatasetVersionNotFound", f"DatasetVersion {name!r} was deleted"))
    if view.run.spec.model_ref and view.model is None:
        name = view.run.spec.model_ref.name
        return wait("ModelNotFound", f"spec.modelRef.name: there is no Model {name!r}; apply it")
    return _make_job(view, now, view.version, view.run.status)


def _make_job(view: View, now: datetime, version: Object, status: TrainingRunStatus, *notes: Note) -> Step:
    job = children.training_job(view, version)
    if too_large := jobs.task_too_large(job):
        columns = len(version["spec"]["columns"])
        message = f"spec.datasetRef: the {columns} columns and spec.trainer {too_large}; ignore columns in the Dataset"
        return fail(view, now, Trouble("SpecTooLarge", message))
    plan = Plan(writes=(Create(JOBS, job),), notes=notes)
    return Step(pod_pending(job["metadata"]["name"]), Phase.PENDING, plan, status)


def adopt(view: View, job: Object) -> Step | None:
    """The status was lost but the Job is there: what it was made from stands in its task."""
    document = (job["spec"]["template"]["metadata"].get("annotations") or {}).get(ANNOTATION)
    if document is None:
        return None
    task = TrainTask.model_validate_json(document)
    status = view.run.status.model_copy(
        update={
            "dataset_version": task.data.name,
            "image": task.image,
            "result_uri": task.result_uri,
            "job": job["metadata"]["name"],
            "start_time": job["metadata"]["creationTimestamp"],
        }
    )
    return Step(kstatus.reconciling("Starting", "found the Job of this run"), Phase.PENDING, Plan(), status)
