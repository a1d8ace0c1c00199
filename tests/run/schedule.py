"""Runs each phase as soon as those it waits for have succeeded; the first failure stops all others."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from tests.run.phase import Phase, clock, tell


def run(phases: Sequence[Phase]) -> list[Phase]:
    """Runs the phases, and returns those that failed by themselves. An interrupt ends all and is raised again."""
    changed = threading.Condition()
    running: dict[str, threading.Thread] = {}

    def work(phase: Phase) -> None:
        phase.run()
        with changed:
            changed.notify_all()

    try:
        while True:
            with changed:
                failed = [phase for phase in phases if phase.code]
                if failed:
                    break
                for phase in _ready(phases, running):
                    running[phase.name] = threading.Thread(target=work, args=(phase,), daemon=True)
                    running[phase.name].start()
                if all(phase.code == 0 for phase in phases):
                    return []
                changed.wait(1)
        others = [phase for phase in phases if phase.name in running and phase.code is None]
        for phase in others:
            tell(phase.name, f"is stopped: {', '.join(item.name for item in failed)} failed")
        return failed
    finally:
        _stop(phases, running)


def _ready(phases: Sequence[Phase], running: dict[str, threading.Thread]) -> list[Phase]:
    done = {phase.name for phase in phases if phase.code == 0}
    return [phase for phase in phases if phase.name not in running and done.issuperset(phase.after)]


def _stop(phases: Sequence[Phase], running: dict[str, threading.Thread]) -> None:
    stopping = [
        threading.Thread(target=phase.interrupt) for phase in phases if phase.name in running and phase.code is None
    ]
    for thread in stopping:
        thread.start()
    for thread in (*stopping, *running.values()):
        thread.join()


def table(phases: Sequence[Phase], began: float) -> str:
    """Returns a table of when each phase began and how long it took."""
    lines = [f"{'phase':>9}   began    took"]
    for phase in phases:
        if phase.began is None:
            lines.append(f"{phase.name:>9}   was not begun")
            continue
        took = "-" if phase.seconds is None else clock(phase.seconds)
        outcome = "" if phase.code == 0 else "  stopped" if phase.interrupted else f"  FAILED ({phase.code})"
        lines.append(f"{phase.name:>9}   {clock(phase.began - began):>5}   {took:>5}{outcome}")
    return "\n".join([*lines, f"{'all':>9}           {clock(time.monotonic() - began):>5}"])
