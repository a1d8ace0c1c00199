"""Words for the end of a container that failed."""

from __future__ import annotations

import signal
from typing import Any

_SHELL_BASE = 128
"""A container that a signal ends has the exit code 128 + its number, as in a shell."""
SIGKILLED = _SHELL_BASE + signal.SIGKILL
"""The exit code of a container that SIGKILL has ended."""


def how_it_ended(terminated: dict[str, Any]) -> str:
    """Returns ``was killed by signal 11 (SIGSEGV)`` or ``ended with exit code 3`` from a container's ``terminated``."""
    code = int(terminated.get("exitCode") or 0)
    number = int(terminated.get("signal") or 0) or code - _SHELL_BASE
    try:
        return f"was killed by signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"ended with exit code {code}"
