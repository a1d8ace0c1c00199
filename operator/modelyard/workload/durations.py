"""Parses durations as people write them in a spec."""

from __future__ import annotations

import re
from datetime import timedelta

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
LONGEST = timedelta(days=36_500)
"""Upper bound that keeps date arithmetic from overflowing."""


def duration(text: str) -> timedelta:
    """Parses a Kubernetes-style duration such as ``1h30m``, and returns at most ``LONGEST``."""
    parts = re.findall(r"(\d+)(ms|s|m|h)", text)
    milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in parts)
    return min(LONGEST, timedelta(milliseconds=milliseconds))
