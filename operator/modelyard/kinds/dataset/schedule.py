"""Calculates when the source is checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from modelyard.engine.conditions import parse_time
from modelyard.workload.durations import duration
from modelyard_api.kinds.dataset import Dataset

SHORTEST = timedelta(seconds=5)
AGAIN = timedelta(minutes=2)
"""Time after which a source that a person may mend without a change of the Dataset is looked at again, if
``checkEvery`` isn't shorter."""
MENDED_ELSEWHERE = frozenset(
    ("SourceUnreachable", "SourceDenied", "SourceNotFound", "SourceChanging", "CertificateNotTrusted", "KeyMissing")
)
"""Reasons of what is mended at the source's server, or in its Secret."""


def interval(dataset: Dataset) -> timedelta:
    """Returns the time between checks: never less than five seconds, whatever ``checkEvery`` says."""
    return max(duration(dataset.spec.check_every or "0s"), SHORTEST)


def next_check(dataset: Dataset, current: str | None = None) -> datetime | None:
    """Returns when to check next: at once for a generation that was never checked, or for a query whose inputs are
    ``current`` now and others were read. None means never again."""
    status = dataset.status
    if status.checked_generation != dataset.generation or status.last_check_time is None:
        return datetime.fromtimestamp(0, UTC)
    if current is not None and status.source_version is not None and status.source_version != current:
        return datetime.fromtimestamp(0, UTC)
    waits = [interval(dataset)] if dataset.spec.check_every else []
    waits += [wait] if (wait := _again(dataset)) else []
    return parse_time(status.last_check_time) + min(waits) if waits else None


def _again(dataset: Dataset) -> timedelta | None:
    """Returns when to look again because of what the last look has found, None if nothing asks for it."""
    found, source = dataset.status.source, dataset.spec.source
    if found is None or found.readable:
        return None
    if found.reason == "NotSettled":
        return max(duration(source.settle or "0s"), SHORTEST)
    if source.query and dataset.status.source_version is None:
        return AGAIN  # what was wrong was not the query
    return AGAIN if (source.uri or source.sql) and found.reason in MENDED_ELSEWHERE else None
