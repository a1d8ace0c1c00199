"""Outcomes of a check of the source."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Note, Write
from modelyard.kinds.dataset.conditions import has_version, standing
from modelyard.kinds.dataset.observe import View
from modelyard.kinds.dataset.register import broken_rules, register, version_name
from modelyard.kinds.dataset.schedule import next_check
from modelyard.workload.conclude import Step, Trouble
from modelyard_api.fields.listing import Listing
from modelyard_api.kinds.dataset import DatasetStatus, SourceStatus
from modelyard_api.kinds.datasetversion import MAX_COLUMNS, Origin
from modelyard_api.wire.result import CheckResult, IngestResult, LookResult

READ = "the source was read to its end"
_NOTABLE = ("FilesChanged", "RowsLeftOut")
"""Reasons of looks that have found nothing to read, and something to tell of."""


def found(view: View, now: datetime, status: DatasetStatus, result: CheckResult) -> Step:
    """Takes what a look at the source has found."""
    if isinstance(result, IngestResult):
        return ingested(view, now, status, result)
    assert isinstance(result, LookResult)
    return looked(view, now, status, result)


def ingested(view: View, now: datetime, status: DatasetStatus, table: IngestResult) -> Step:
    """Registers the table that was read as a version, and makes it the latest if the rules accept it."""
    if len(table.columns) > MAX_COLUMNS:
        message = f"spec.source: it has {len(table.columns)} columns; at most {MAX_COLUMNS} are possible. List in "
        return failed(view, now, status, Trouble("TooManyColumns", f"{message}spec.ignore what is not needed"))
    name, dataset = version_name(view.dataset, table), view.dataset
    if view.version(name) is None:
        origin = Origin(kind="Dataset", name=dataset.name, uid=dataset.uid)
        write = register(view, table, origin, dataset.spec.split)
        return Step(status, kstatus.reconciling("Checking", f"making {name}"), (write,))
    if not table.accepted:
        return failed(view, now, status, Trouble("ValidationFailed", broken_rules(name, table)), table.listing)
    after = checked(view, status, now)
    is_new = status.latest != name
    status.latest, status.accepted_generation = name, dataset.generation
    status.source = SourceStatus(readable=True, reason="Read", message=READ, listing=table.listing)
    notes = (Note("VersionAccepted", f"{name}: {table.rows} rows, {len(table.columns)} columns"),) if is_new else ()
    return Step(status, standing(view, status), after=after, notes=notes)


def looked(view: View, now: datetime, status: DatasetStatus, look: LookResult) -> Step:
    """Records a look that has read nothing: what is known stays, unless what is new is still being written."""
    before = status.source
    if look.reason == "NotSettled":
        # Of files that were rejected only another look could say so again.
        listing = before.listing if before and (before.readable or before.reason == look.reason) else None
        status.source = SourceStatus(readable=False, reason=look.reason, message=look.message, listing=listing)
    elif look.reason in _NOTABLE:
        status.source = SourceStatus(readable=True, reason=look.reason, message=look.message, listing=look.listing)
    elif before is not None and before.reason in ("NotSettled", "RowsLeftOut"):
        status.source = SourceStatus(readable=True, reason="Read", message=READ, listing=before.listing)
    elif before is not None and look.listing is not None:
        before.listing = look.listing
    is_new = look.reason in _NOTABLE and (before is None or before.message != look.message)
    notes = (Note(look.reason, look.message, "Warning"),) if is_new else ()
    after = checked(view, status, now)
    return Step(status, standing(view, status), after=after, notes=notes)


def checked(view: View, status: DatasetStatus, now: datetime) -> datetime | None:
    """Records that the source was looked at, with what ``status.source`` says. Returns when to check next."""
    status.last_check_time = timestamp(now)
    status.checked_generation = view.dataset.generation
    status.job, status.attempts, status.progress = None, 0, None
    return next_check(view.dataset.model_copy(update={"status": status}))


def failed(view: View, now: datetime, status: DatasetStatus, trouble: Trouble, listing: Listing | None = None) -> Step:
    """Returns the Step of a check that has come to its end, and has no accepted version."""
    step = unreadable(view, status, trouble, None, listing=listing)
    return replace(step, after=checked(view, status, now))


def unreadable(
    view: View,
    status: DatasetStatus,
    trouble: Trouble,
    after: datetime | None,
    writes: tuple[Write, ...] = (),
    listing: Listing | None = None,
) -> Step:
    """Returns the Step of a failed check: Ready stays True while this generation has an accepted version.

    ``listing`` is that of files that were read to their end and rejected: until they change nothing else comes of them.
    """
    before = status.source
    message = trouble.message[:2000]
    status.source = SourceStatus(readable=False, reason=trouble.reason, message=message, listing=listing)
    conditions = kstatus.stalled(trouble.reason, trouble.message)
    if has_version(view, status):
        conditions = standing(view, status)
    # A new message with the same reason is an Event too: other data breaks other rules.
    is_new = before is None or before.message != status.source.message
    notes = (Note(trouble.reason, trouble.message, "Warning"),) if is_new else ()
    return Step(status, conditions, writes, after, notes)
