"""What one branch of a TrainingRun's decision says; ``decide`` makes the plan of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.engine.plan import Need, Note, Plan
from modelyard.kinds.trainingrun.observe import View
from modelyard.workload.failures import Trouble
from modelyard_api.status import Phase
from modelyard_api.trainingrun import TrainingRunStatus

RETRY = timedelta(seconds=10)


@dataclass(frozen=True)
class Step:
    conditions: tuple[Condition, ...]
    phase: Phase
    plan: Plan = field(default_factory=Plan)
    status: TrainingRunStatus | None = None
    """None: as it is."""


def ask(*needs: Need) -> Step:
    """Nothing can be said before these are known."""
    return Step((), Phase.PENDING, Plan(needs=needs))


def wait(reason: str, message: str, phase: Phase = Phase.PENDING, after: datetime | None = None) -> Step:
    """It goes on by itself; ``after`` is for what no watch tells of."""
    return Step(kstatus.reconciling(reason, message), phase, Plan(after=after))


def pod_pending(job: str) -> tuple[Condition, ...]:
    """What is said from the moment that the Job is made until its pod runs."""
    return kstatus.reconciling("PodPending", f"waiting for the training pod of Job {job}")


def fail(view: View, now: datetime, trouble: Trouble) -> Step:
    """For good: a run is tried once, and its Job has had its retries."""
    status = view.run.status.model_copy(update={"completion_time": timestamp(now)})
    note = Note(trouble.reason, trouble.message, "Warning")
    return Step(kstatus.failed(trouble.reason, trouble.message), Phase.FAILED, Plan(notes=(note,)), status)
