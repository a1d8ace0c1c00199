"""Calculates when the ref is looked up next, and when a build is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from modelyard.engine.conditions import parse_time
from modelyard.workload.durations import duration
from modelyard_api.kinds.pipelinesource import PipelineSource, PipelineSourceStatus

LONGEST_PAUSE = timedelta(minutes=10)
"""Longest pause after something that was away, unless pollEvery is longer."""
SHORTEST_PAUSE = timedelta(seconds=20)


def next_look(source: PipelineSource, status: PipelineSourceStatus) -> datetime:
    """Returns when to look next: at once for a new generation, and less often while looks fail."""
    if status.looked_generation != source.generation or status.last_look_time is None:
        return datetime.fromtimestamp(0, UTC)
    every = duration(source.spec.git.poll_every)
    pause = min(every * 2 ** min(status.failed_looks, 10), max(every, LONGEST_PAUSE))
    due: datetime = parse_time(status.last_look_time) + pause
    return due


def next_try(tries: int, now: datetime) -> datetime:
    """Returns when a build is tried again that has ended without a verdict so many times."""
    pause: timedelta = min(SHORTEST_PAUSE * 2 ** min(tries, 10), LONGEST_PAUSE)
    return now + pause
