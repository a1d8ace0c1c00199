"""Durations as people write them in a spec."""

from __future__ import annotations

import re
from datetime import timedelta

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
LONGEST = timedelta(days=36_500)
"""More than can be added to a date is not meant."""


def duration(text: str) -> timedelta:
    """A Kubernetes-style duration such as ``1h30m``; a century at most."""
    parts = re.findall(r"(\d+)(ms|s|m|h)", text)
    milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
    return min(LONGEST, timedelta(milliseconds=milliseconds))
