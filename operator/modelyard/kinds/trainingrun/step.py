"""What one branch of a TrainingRun's decision says; ``decide`` makes the plan of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.engine.plan import Delete, Need, Note, Plan
from modelyard.engine.resource import JOBS, Object
from modelyard.kinds.trainingrun.observe import View
from modelyard.workload.failures import Trouble
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.trainingrun import TrainingRunStatus

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


def give_up(view: View, now: datetime, job: Object, trouble: Trouble, failed: int) -> Step:
    """Its Job goes, and another one takes its place in the next pass; ``failed``: the attempts that count until now.

    They are written down first: once the Job is gone, nothing else knows them.
    """
    known = (view.raw.get("status") or {}).get("attempts", 0)
    gone = (Delete.of(JOBS, job),) if known == failed else ()
    plan = Plan(writes=gone, notes=(Note(trouble.reason, trouble.message, "Warning"),), after=now)
    status = view.run.status.model_copy(update={"attempts": failed})
    return Step(kstatus.reconciling(trouble.reason, trouble.message), Phase.PENDING, plan, status)


def fail(view: View, now: datetime, trouble: Trouble) -> Step:
    """For good: a run is tried once, and its Job has had its retries."""
    status = view.run.status.model_copy(update={"completion_time": timestamp(now)})
    note = Note(trouble.reason, trouble.message, "Warning")
    return Step(kstatus.failed(trouble.reason, trouble.message), Phase.FAILED, Plan(notes=(note,)), status)
