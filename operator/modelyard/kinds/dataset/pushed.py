"""The story of a Dataset whose source is ``pushed``: nothing is read, and runs bring its tables, one by one."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Facts, Note
from modelyard.kinds.dataset.conditions import has_version, standing
from modelyard.kinds.dataset.newest import newest
from modelyard.kinds.dataset.observe import View
from modelyard.kinds.dataset.outcome import unreadable
from modelyard.kinds.dataset.register import broken_rules, register, version_name
from modelyard.workload.conclude import RETRY, Step, Trouble
from modelyard.workload.protection import is_being_deleted
from modelyard.workload.pushes import ACCEPTED
from modelyard.workload.run.results import read_result
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.kinds.dataset import DatasetStatus, Push, SourceStatus
from modelyard_api.kinds.datasetversion import Origin
from modelyard_api.wire.result import PredictResult


def step(view: View, facts: Facts, now: datetime, status: DatasetStatus) -> Step:
    """Registers the next table that was pushed. Raises Missing and Waits."""
    status.job, status.attempts, status.progress = None, 0, None
    _keep_latest(view, status)
    answered = status.pushed is not None and any(run.uid == status.pushed.uid for run in view.pushing)
    if answered or not view.pushing:
        return Step(status, _conditions(view, status))
    return _push(view, facts, now, status, view.pushing[0])


def _push(view: View, facts: Facts, now: datetime, status: DatasetStatus, run: BatchPrediction) -> Step:
    """Makes a version of a run's table, and then tells the run what came of it.

    The name of the version follows from its content. So if the operator ends between the two, the version is found.
    """
    origin = Origin(kind=run.info.kind, name=run.name, uid=run.uid)
    uri = run.status.result_uri or ""
    table = read_result(facts, uri, now)
    if not isinstance(table, PredictResult):
        message = f"{_text(origin)} has ended, but its result is not at {uri}; apply a run with a new name"
        return _refused(view, status, Push(name=run.name, uid=run.uid, reason="ResultMissing", message=message))
    name = version_name(view.dataset, table)
    version = view.version(name)
    if version is None or is_being_deleted(version):
        making = kstatus.reconciling("Registering", f"making {name} of what {_text(origin)} has pushed")
        writes = (register(view, table, origin, table.split),) if version is None else ()
        return Step(status, making, writes, None if version is None else now + RETRY)
    push = Push(name=run.name, uid=run.uid, version=name, reason=ACCEPTED, message="")
    if not table.accepted:
        message = f"{_text(origin)} has pushed a table that is not accepted: {broken_rules(name, table)}"
        return _refused(view, status, push.model_copy(update={"reason": "ValidationFailed", "message": message[:2000]}))
    push.message, newest = f"{_text(origin)} has pushed {name}", status.pushed.time if status.pushed else None
    is_newer = newest is None or newest <= table.ended_at
    push.time = table.ended_at if is_newer else newest
    status.pushed = push
    status.source = SourceStatus(readable=True, reason="Pushed", message=push.message)
    if not is_newer or status.latest == name:
        return Step(status, _conditions(view, status))
    status.latest, status.accepted_generation = name, view.dataset.generation
    note = Note(ACCEPTED, f"{name}: {table.rows} rows, {len(table.columns)} columns, from {_text(origin)}")
    return Step(status, _conditions(view, status), notes=(note,))


def _refused(view: View, status: DatasetStatus, push: Push) -> Step:
    push.time = status.pushed.time if status.pushed else None
    status.pushed = push
    return unreadable(view, status, Trouble(push.reason, push.message), None)


def _text(origin: Origin) -> str:
    return f"{origin.kind} {origin.name}"


def _keep_latest(view: View, status: DatasetStatus) -> None:
    """Chooses the newest accepted version if the latest was deleted, or forgotten with a lost status.

    No edit of the spec has a table read again, so a version holds under every later generation.
    """
    if view.version(status.latest) is None:
        status.latest = newest(view)
    status.accepted_generation = view.dataset.generation if status.latest else None


def _conditions(view: View, status: DatasetStatus) -> tuple[Condition, ...]:
    if has_version(view, status) or (status.source and not status.source.readable):
        return standing(view, status)
    name = view.dataset.name
    message = f"no table was pushed yet; apply a BatchPrediction whose spec.output.datasetRef.name is {name!r}"
    return kstatus.reconciling("NothingPushed", message)
