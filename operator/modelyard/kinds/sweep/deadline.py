"""Divides spec.activeDeadlineSeconds between the search and the training of the best trial."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import parse_time
from modelyard.engine.resource import Object
from modelyard_api.kinds.sweep import SweepSpec

LONGEST_TRAINING = 300
"""Most seconds that are kept for the training."""


def kept(seconds: int) -> int:
    """Returns the seconds that are kept for the training: a third, at most five minutes."""
    return min(seconds // 3, LONGEST_TRAINING)


def of_search(spec: SweepSpec) -> int | None:
    """Returns the seconds of the search: all, if nothing is trained after it."""
    seconds = spec.active_deadline_seconds
    return seconds if seconds is None or spec.model_ref is None else max(seconds - kept(seconds), 1)


def of_training(spec: SweepSpec, job: Object | None, now: datetime) -> int | None:
    """Returns the seconds that are left when the search has ended; ``job`` is its Job."""
    seconds = spec.active_deadline_seconds
    if seconds is None:
        return None
    started = ((job or {}).get("status") or {}).get("startTime")
    if started is None:
        return max(kept(seconds), 1)
    left = parse_time(started) + timedelta(seconds=seconds) - now
    return max(int(left.total_seconds()), 1)
