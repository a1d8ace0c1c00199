"""Calculates when the source is checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from modelyard.engine.conditions import parse_time
from modelyard.workload.durations import duration
from modelyard_api.kinds.dataset import Dataset

SHORTEST = timedelta(seconds=5)


def interval(dataset: Dataset) -> timedelta:
    """Returns the time between checks: never less than five seconds, whatever ``checkEvery`` says."""
    return max(duration(dataset.spec.check_every or "0s"), SHORTEST)


def next_check(dataset: Dataset) -> datetime | None:
    """Returns when to check next: at once for a generation that was never checked. None means never again."""
    status = dataset.status
    if status.checked_generation != dataset.generation or status.last_check_time is None:
        return datetime.fromtimestamp(0, UTC)
    if dataset.spec.check_every is None:
        return None
    return parse_time(status.last_check_time) + interval(dataset)
