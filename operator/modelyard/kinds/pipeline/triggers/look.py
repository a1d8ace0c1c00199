"""What a trigger sees: a level, not an edge. So nothing is lost that comes while nobody looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelyard.engine.conditions import parse_time
from modelyard.workload.conclude import Trouble
from modelyard_api.kinds.pipeline import TriggerStatus
from modelyard_api.kinds.pipelinerun import Cause


@dataclass(frozen=True)
class Look:
    """``cause`` is what no run was started for yet, None if there is nothing.

    ``message`` says what the trigger waits for, ``after`` when to look again, and ``trouble`` that what it watches is
    not there. ``at_once`` means that the cause isn't waited with until nothing more comes.
    """

    message: str
    cause: Cause | None = None
    after: datetime | None = None
    trouble: Trouble | None = None
    at_once: bool = False
    next_slot: datetime | None = None
    skipped: tuple[str, ...] = ()
    """Times of a schedule that are skipped now, the newest first."""


def seen_until(row: TriggerStatus) -> datetime:
    """Returns the time up to which all that came is used, or not the trigger's business."""
    times = [row.since, *([row.used_at] if row.used_at else [])]
    return max(map(parse_time, times))


def is_used(row: TriggerStatus, value: str, uid: str) -> bool:
    return (row.used, row.used_uid) == (value, uid)
