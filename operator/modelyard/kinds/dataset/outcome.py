"""What came of a look at the source, and what a Dataset says of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, conditions, timestamp
from modelyard.engine.plan import Create, Note, Plan
from modelyard.engine.resource import DATASET_VERSIONS
from modelyard.kinds.dataset import children
from modelyard.kinds.dataset.observe import View
from modelyard.kinds.dataset.schedule import next_check
from modelyard.workload.failures import Trouble
from modelyard_api.kinds.dataset import DatasetStatus
from modelyard_api.wire.result import IngestResult

MAX_COLUMNS = 1000
"""That a DatasetVersion may have."""


def ingested(view: View, now: datetime, status: DatasetStatus, found: IngestResult) -> Plan:
    """Make the version that was found, wait for its verdict, then point at it."""
    if len(found.columns) > MAX_COLUMNS:
        message = f"spec.source: it has {len(found.columns)} columns; at most {MAX_COLUMNS} are possible. List in "
        why = Trouble("TooManyColumns", f"{message}spec.ignore what is not needed")
        return trouble(view, now, status, why, Plan(after=checked(view, status, now)))
    name = children.version_name(view.dataset, found)
    version = next((item for item in view.versions if item["metadata"]["name"] == name), None)
    if version is None:
        made = Create(DATASET_VERSIONS, children.dataset_version(view, found))
        return conclude(view, now, status, kstatus.reconciling("Checking", f"making {name}"), Plan(writes=(made,)))
    accepted = (version.get("status") or {}).get("accepted")
    if accepted is None:
        stuck = kstatus.find(version, "Stalled")
        if stuck:
            return trouble(view, now, status, Trouble(stuck["reason"], f"{name}: {stuck['message']}"), Plan())
        return conclude(view, now, status, kstatus.reconciling("Checking", f"waiting for {name} to be judged"), Plan())
    after = checked(view, status, now)
    if not accepted:
        broken = "; ".join(f"{v.column or 'table'}: {v.rule}, found {v.found}" for v in found.violations[:3])
        message = f"{name} breaks spec.validation: {broken}; correct the data or the rules"
        return trouble(view, now, status, Trouble("ValidationFailed", message), Plan(after=after))
    news = status.latest != name
    status.latest, status.accepted_generation = name, view.dataset.generation
    note = Note("NewVersion", f"{name}: {found.rows} rows, {len(found.columns)} columns")
    return conclude(view, now, status, standing(view, status), Plan(after=after, notes=(note,) if news else ()))


def checked(view: View, status: DatasetStatus, now: datetime) -> datetime | None:
    """The source was read to its end, well or not. Returns when to look next."""
    status.last_check_time = timestamp(now)
    status.checked_generation = view.dataset.generation
    status.job = None
    return next_check(view.dataset.model_copy(update={"status": status}))


def standing(view: View, status: DatasetStatus) -> tuple[Condition, ...]:
    """What is said between looks."""
    if _has_version(view, status):
        return kstatus.ready("VersionAccepted", f"{status.latest} is the latest accepted version")
    trouble = kstatus.find(view.raw, "SourceReadable")
    if trouble and trouble["status"] == "False":
        return kstatus.stalled(trouble["reason"], trouble["message"])
    return kstatus.reconciling("Checking", "the source is about to be read")


def trouble(view: View, now: datetime, status: DatasetStatus, trouble: Trouble, plan: Plan) -> Plan:
    """A look that failed: Ready stays True while this generation has an accepted version."""
    readable = Condition("SourceReadable", False, trouble.reason, trouble.message)
    base = kstatus.stalled(trouble.reason, trouble.message)
    if _has_version(view, status):
        base = kstatus.ready("VersionAccepted", f"{status.latest} is the latest accepted version")
    before = kstatus.find(view.raw, "SourceReadable")
    news = before is None or before["message"] != trouble.message
    notes = (Note(trouble.reason, trouble.message, "Warning"),) if news else ()
    return conclude(view, now, status, (*base, readable), replace(plan, notes=notes))


def conclude(view: View, now: datetime, status: DatasetStatus, wanted: tuple[Condition, ...], plan: Plan) -> Plan:
    if _has_version(view, status) and any(item.type == "Reconciling" for item in wanted):
        # A look that goes on takes nothing away from the version that is there.
        wanted = kstatus.ready("VersionAccepted", f"{status.latest} is the latest accepted version")
    if not any(item.type == "SourceReadable" for item in wanted):
        kept = kstatus.find(view.raw, "SourceReadable")
        if status.last_check_time == view.dataset.status.last_check_time:
            # What was found as an older spec said it tells nothing of what this one says.
            if kept and kept.get("observedGeneration") == view.dataset.generation:
                readable = Condition("SourceReadable", kept["status"] == "True", kept["reason"], kept["message"])
                wanted = (*wanted, readable)
        elif status.last_check_time:
            wanted = (*wanted, Condition("SourceReadable", True, "Read", "the source was read to its end"))
    status.observed_generation = view.dataset.generation
    wire = status.wire()
    previous = (view.raw.get("status") or {}).get("conditions") or ()
    wire["conditions"] = conditions(wanted, previous, view.dataset.generation, now)
    return replace(plan, status=wire)


def _has_version(view: View, status: DatasetStatus) -> bool:
    return bool(status.latest) and status.accepted_generation == view.dataset.generation
