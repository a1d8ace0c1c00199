"""Decides what a ModelMonitor says: a pure function of its view, which looks once at each window."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, parse_time, timestamp
from modelyard.engine.plan import Facts, Plan
from modelyard.judgement.drift import Moved
from modelyard.kinds.modelmonitor.observe import View
from modelyard.kinds.modelmonitor.reference import Watched, reference, unknown, watched
from modelyard.kinds.modelmonitor.verdict import INPUTS, OUTPUTS, Verdict, verdict
from modelyard.kinds.modelmonitor.window import Seen, Span, newest, seen
from modelyard.workload.conclude import Fails, Step, Waits, conclude
from modelyard_api.kinds.modelmonitor import (
    MOST_PODS,
    SHOWN_COLUMNS,
    ModelMonitorStatus,
    MovedColumn,
    SeenWindow,
)


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    return conclude(view.raw, _step(view, facts, now), now)


def _step(view: View, facts: Facts, now: datetime) -> Step:
    status = view.monitor.status.model_copy(deep=True)
    if view.monitor.spec.suspend:
        return Step(status, kstatus.suspended("spec.suspend is true; set it to false to go on"))
    span = newest(view.monitor.spec.window.length, now)
    try:
        return _look(view, watched(view), status, span, facts, now)
    except Waits as waits:
        return _blind(waits.step(status), waits.reason, waits.message, span)
    except Fails as fails:
        return _blind(fails.step(status), fails.trouble.reason, fails.trouble.message, span)


def _look(view: View, of: Watched, status: ModelMonitorStatus, span: Span, facts: Facts, now: datetime) -> Step:
    same = (status.model_version, status.reference) == (of.version.name, of.rows.name)
    before = parse_time(status.window.end) if status.window and _watched(view) else None
    if same and before is not None and before >= span.end:
        return Step(status, (_ready(view, of), *_said(status)), after=span.next_look)
    saw = seen(view, span, tuple(status.pods) if same else (), facts, now)
    said = verdict(view.monitor.spec, of, saw, reference(of, facts, now), span)
    if before is not None:
        status.missed += max(0, round((span.start - before).total_seconds() / span.seconds))
    _record(status, of, span, saw, said)
    return Step(status, (_ready(view, of), *said.conditions), after=span.next_look)


def _record(status: ModelMonitorStatus, of: Watched, span: Span, saw: Seen, said: Verdict) -> None:
    status.model_version, status.reference = of.version.name, of.rows.name
    status.window = SeenWindow(
        start=timestamp(span.start), end=timestamp(span.end), rows=saw.rows, pods=saw.told, lost=saw.lost
    )
    status.looks += 1
    status.alarms += said.alarm
    status.pods = list(saw.pods[:MOST_PODS])
    if said.columns is not None:
        farthest = sorted(said.columns, key=lambda column: column.limit - column.shift)
        status.columns = [_column(column) for column in farthest[:SHOWN_COLUMNS]]


def _column(column: Moved) -> MovedColumn:
    return MovedColumn(
        name=column.name[:512],
        role="Input" if column.role == "Input" else "Output",
        shift=round(column.shift, 4),
        proven=column.proven,
        limit=round(column.limit, 4),
        was=column.was[:64],
        now=column.now[:64],
    )


def _ready(view: View, of: Watched) -> Condition:
    length = view.monitor.spec.window.length
    message = f"compares each {length} of what {of.version.name} is asked and answers with {of.rows.name}"
    return kstatus.ready("Watching", message)[0]


def _watched(view: View) -> bool:
    """Whether the last pass has looked, or had looked, at a window by the spec as it is now."""
    status = view.monitor.status
    ready = status.condition("Ready")
    return ready is not None and ready.status == "True" and status.observed_generation == view.monitor.generation


def _said(status: ModelMonitorStatus) -> tuple[Condition, ...]:
    """Returns what the last look has said."""
    words = {"True": True, "False": False, "Unknown": None}
    said = [item for item in map(status.condition, (INPUTS, OUTPUTS)) if item is not None]
    return tuple(Condition(item.type, words[item.status], item.reason, item.message) for item in said)


def _blind(step: Step, reason: str, message: str, span: Span) -> Step:
    """Returns the step of a monitor that can't look: nothing is known of inputs and outputs.

    It tries again at each window. The version that serves and the rows that it learned from are not named in the spec,
    so no change of theirs wakes the monitor.
    """
    conditions = (*step.conditions, *(unknown(type_, reason, message) for type_ in (INPUTS, OUTPUTS)))
    after = min(step.after or span.next_look, span.next_look)
    return replace(step, conditions=conditions, after=after)
