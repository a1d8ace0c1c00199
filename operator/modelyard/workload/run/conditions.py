"""The conditions of a run that is not over: the same words for every kind."""

from __future__ import annotations

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.workload.run.states import Running, Starting, Unfinished


def progressing(state: Unfinished, job: str, reason: str, message: str) -> tuple[Condition, ...]:
    """``reason`` and ``message`` are what is said while a pod of the Job of name ``job`` runs."""
    if isinstance(state, Running):
        return kstatus.reconciling(reason, message)
    if state.trouble is None:
        return pod_pending(job)
    if isinstance(state, Starting) and state.stalled:
        return kstatus.stalled(state.trouble.reason, state.trouble.message)
    return kstatus.reconciling(state.trouble.reason, state.trouble.message, warning=True)


def pod_pending(job: str) -> tuple[Condition, ...]:
    """What is said from the moment that the Job is made until its pod runs."""
    return kstatus.reconciling("PodPending", f"waiting for the pod of Job {job}")
