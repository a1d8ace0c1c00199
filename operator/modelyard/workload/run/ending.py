"""How a run ends or waits, in the same way for every kind whose status is a RunStatus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import timestamp
from modelyard.engine.resource import Object
from modelyard.workload.conclude import Fails, Step, Trouble, Waits
from modelyard_api.fields.status import Phase, RunStatus


def has_ended(status: RunStatus, generation: int) -> bool:
    """Whether a run has ended for good. One that failed before it started begins anew once its spec was edited."""
    is_corrected = not status.start_time and status.observed_generation != generation
    return status.phase == Phase.SUCCEEDED or (status.phase == Phase.FAILED and not is_corrected)


def fail(status: RunStatus, now: datetime, trouble: Trouble) -> Step:
    """Returns the final failure: a run is tried once, and its Job has used up its retries."""
    status = status.model_copy(update={"completion_time": timestamp(now), "phase": Phase.FAILED})
    return Step(status, kstatus.failed(trouble.reason, trouble.message))


def attempt(step: Callable[[], Step], status: RunStatus, now: datetime) -> Step:
    """Returns what ``step`` returns. If it can't go on, the run waits, or fails. Raises Missing."""
    try:
        return step()
    except Waits as waits:
        phase = Phase.RUNNING if status.phase == Phase.RUNNING else Phase.PENDING
        return waits.step(status.model_copy(update={"phase": phase}))
    except Fails as fails:
        return fail(status, now, fails.trouble)


def is_unfinished(run: Object) -> bool:
    return not (kstatus.holds(run, "Complete") or kstatus.holds(run, "Failed"))
