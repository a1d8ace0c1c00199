"""Durations of a spec in seconds."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(duration: str | None, default: float) -> float:
    """Returns the seconds of a duration such as ``1h30m``, or the default without one."""
    if duration is None:
        return default
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|s|m|h)", duration))
