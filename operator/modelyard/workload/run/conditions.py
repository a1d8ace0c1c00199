"""Builds the conditions of an unfinished run, with the same words for every kind."""

from __future__ import annotations

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.workload.run.states import Running, Starting, Unfinished


def progressing(state: Unfinished, job: str, reason: str, message: str) -> tuple[Condition, ...]:
    """Returns the conditions of an unfinished run. ``reason`` and ``message`` apply while a pod of Job ``job`` runs."""
    if isinstance(state, Running) and state.trouble is None:
        if state.hindrance is None:
            return kstatus.reconciling(reason, message)
        return kstatus.reconciling(state.hindrance.reason, f"{state.hindrance.message}; {message}", warning=True)
    if state.trouble is None:
        return pod_pending(job)
    if isinstance(state, Starting) and state.stalled:
        return kstatus.stalled(state.trouble.reason, state.trouble.message)
    return kstatus.reconciling(state.trouble.reason, state.trouble.message, warning=True)


def pod_pending(job: str) -> tuple[Condition, ...]:
    """Returns the conditions from the Job's creation until its pod runs."""
    return kstatus.reconciling("PodPending", f"waiting for the pod of Job {job}")
