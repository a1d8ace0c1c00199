"""Outcomes of a check of the source."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Note, Write
from modelyard.kinds.dataset.conditions import has_version, standing
from modelyard.kinds.dataset.observe import View
from modelyard.kinds.dataset.register import broken_rules, register, version_name
from modelyard.kinds.dataset.schedule import next_check
from modelyard.workload.conclude import Step, Trouble
from modelyard_api.kinds.dataset import DatasetStatus, SourceStatus
from modelyard_api.kinds.datasetversion import MAX_COLUMNS, Origin
from modelyard_api.wire.result import IngestResult


def ingested(view: View, now: datetime, status: DatasetStatus, table: IngestResult) -> Step:
    """Registers the table that was read as a version, and makes it the latest if the rules accept it."""
    if len(table.columns) > MAX_COLUMNS:
        message = f"spec.source: it has {len(table.columns)} columns; at most {MAX_COLUMNS} are possible. List in "
        trouble = Trouble("TooManyColumns", f"{message}spec.ignore what is not needed")
        return unreadable(view, status, trouble, checked(view, status, now))
    name, dataset = version_name(view.dataset, table), view.dataset
    if view.version(name) is None:
        origin = Origin(kind="Dataset", name=dataset.name, uid=dataset.uid)
        write = register(view, table, origin, dataset.spec.split)
        return Step(status, kstatus.reconciling("Checking", f"making {name}"), (write,))
    after = checked(view, status, now)
    if not table.accepted:
        return unreadable(view, status, Trouble("ValidationFailed", broken_rules(name, table)), after)
    is_new = status.latest != name
    status.latest, status.accepted_generation = name, dataset.generation
    status.source = SourceStatus(readable=True, reason="Read", message="the source was read to its end")
    notes = (Note("VersionAccepted", f"{name}: {table.rows} rows, {len(table.columns)} columns"),) if is_new else ()
    return Step(status, standing(view, status), after=after, notes=notes)


def checked(view: View, status: DatasetStatus, now: datetime) -> datetime | None:
    """Records that the source was read to its end, successfully or not. Returns when to check next."""
    status.last_check_time = timestamp(now)
    status.checked_generation = view.dataset.generation
    status.job, status.attempts = None, 0
    return next_check(view.dataset.model_copy(update={"status": status}))


def unreadable(
    view: View, status: DatasetStatus, trouble: Trouble, after: datetime | None, writes: tuple[Write, ...] = ()
) -> Step:
    """Returns the Step of a failed check: Ready stays True while this generation has an accepted version."""
    before = status.source
    status.source = SourceStatus(readable=False, reason=trouble.reason, message=trouble.message[:2000])
    conditions = kstatus.stalled(trouble.reason, trouble.message)
    if has_version(view, status):
        conditions = standing(view, status)
    # A new message with the same reason is an Event too: other data breaks other rules.
    is_new = before is None or before.message != status.source.message
    notes = (Note(trouble.reason, trouble.message, "Warning"),) if is_new else ()
    return Step(status, conditions, writes, after, notes)
