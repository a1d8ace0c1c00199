"""Notes which clusters a run uses, so that the next one makes them anew if that run was killed.

Tests put back what they change: volumes of the installation, cordoned nodes, policies of the whole cluster. Killed ones
can't, and whoever takes their cluster as it is fails for reasons that its output does not tell.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

from tests.common.paths import cache
from tests.common.say import say
from tests.run.phase import Phase


def mark(name: str) -> Path:
    """Returns the file that exists while a run uses the cluster, and after a run that was killed."""
    return cache() / f"testing-{name}"


def begin(name: str) -> bool:
    """Marks the cluster as used, and returns whether the last run was killed: then its clusters must be removed."""
    killed = mark(name).exists()
    if killed:
        say("the last run was killed before its tests could put back what they had changed: its clusters are made anew")
    mark(name).parent.mkdir(parents=True, exist_ok=True)
    mark(name).touch()
    return killed


def end(name: str, phases: Sequence[Phase]) -> None:
    """Removes the mark, unless a phase was killed: one that does not end within its grace is, for example."""
    if killed := [phase.name for phase in phases if (phase.code or 0) < 0 and phase.code != -signal.SIGINT]:
        say(f"killed: {', '.join(killed)}; the next run makes its clusters anew, since they are not as they were")
        return
    mark(name).unlink(missing_ok=True)
