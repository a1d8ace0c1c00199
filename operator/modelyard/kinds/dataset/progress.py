"""Reads how far the reading of a source is: the newest document that its pod has left says so."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pydantic import ValidationError

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Facts, Listing, Result, Unavailable
from modelyard.engine.resource import Object
from modelyard_api.fields.artifact import progress_uri
from modelyard_api.fields.status import Progress
from modelyard_api.wire.result import Reading

INTERVAL = timedelta(seconds=10)
"""How long a Job has run before it is asked how far it is, and the time between two looks."""
_PART = re.compile(r"[0-9]{13}\.json")
_MIB = 1 << 20


def glanced(result_uri: str, job: Object | None, facts: Facts, now: datetime) -> Progress | None:
    """Returns how far a running Job is, or None if that is not known. Raises Missing."""
    started = ((job or {}).get("status") or {}).get("startTime")
    if not started or now < parse_time(started) + INTERVAL:
        return None
    folder = progress_uri(result_uri)
    names = facts[Listing(folder)]
    parts = [] if isinstance(names, Unavailable) else sorted(name for name in names if _PART.fullmatch(name))
    if not parts:
        return None
    document = facts[Result(f"{folder}/{parts[-1]}")]
    try:
        return progress_of(Reading.model_validate(document))
    except ValidationError:
        return None


def progress_of(reading: Reading) -> Progress:
    again = ", read a second time since types were guessed wrongly at first" if reading.passes > 1 else ""
    if not reading.size or not reading.bytes:
        return Progress(percent=0, message=f"{reading.rows} rows{again}")
    size = f"{reading.bytes / _MIB:.0f} of {reading.size / _MIB:.0f} MiB"
    return Progress(percent=min(100 * reading.bytes // reading.size, 99), message=f"{reading.rows} rows, {size}{again}")
