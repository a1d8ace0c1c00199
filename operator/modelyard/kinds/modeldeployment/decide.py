"""What a ModelDeployment needs next: a pure function of its view."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, conditions, timestamp
from modelyard.engine.plan import Apply, Facts, Note, Patch, Plan, Write
from modelyard.engine.resource import DEPLOYMENTS, DISRUPTION_BUDGETS, SERVICES, Object
from modelyard.kinds.modeldeployment import children
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.resolve import resolve
from modelyard.workload.failures import Trouble
from modelyard_api.modeldeployment import ModelDeploymentStatus, Served

KEPT_HISTORY = 10


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    status = view.deployment.status.model_copy(deep=True)
    child = view.child or {}
    counts = child.get("status") or {}
    status.replicas, status.ready_replicas = counts.get("replicas", 0), counts.get("readyReplicas", 0)
    status.url = children.url(view)
    status.selector = ",".join(f"{key}={value}" for key, value in children.selector(view).items())
    wanted = resolve(view)
    if isinstance(wanted, Trouble):
        return _unresolved(view, now, status, wanted)
    status.image = children.image(view, wanted)
    made = children.deployment(view, wanted)
    writes = (
        Apply(DEPLOYMENTS, made),
        Apply(SERVICES, children.service(view)),
        Apply(DISRUPTION_BUDGETS, children.disruption_budget(view)),
    )
    number = wanted.spec.number
    if status.stable == number:
        # Also when the alias came back in the middle of a rollout.
        status.candidate = None
    if view.deployment.spec.suspend:
        status.candidate = None
        message = "spec.suspend is true: no replicas; set it to false to serve again"
        return _plan(view, now, status, kstatus.suspended(message), writes)
    notes: tuple[Note, ...] = ()
    if _rolled_out(view, made):
        if status.stable != number:
            status.history = [*status.history, Served(version=number, time=timestamp(now))][-KEPT_HISTORY:]
            notes = (Note("Serving", f"version {number} serves on all replicas; before: {status.stable or 'none'}"),)
        status.stable, status.candidate = number, None
        replicas = view.deployment.spec.replicas
        said = kstatus.ready("Serving", f"version {number} serves on {replicas} of {replicas} replicas")
        return _plan(view, now, status, said, writes, notes)
    if status.stable != number:
        if status.candidate != number:
            notes = (Note("RollingOut", f"version {number} is rolled out; stable: {status.stable or 'none'}"),)
        status.candidate = number
    return _plan(view, now, status, _progress(view, status, number, made), writes, notes)


def _rolled_out(view: View, made: Object) -> bool:
    """Whether what is wanted, and nothing else, serves on all replicas: the rule of ``kubectl rollout status``."""
    child = view.child
    if child is None or not children.is_as_wanted(child, made):
        return False
    counts: dict[str, Any] = child.get("status") or {}
    replicas = view.deployment.spec.replicas
    return bool(
        child["spec"].get("replicas") == replicas
        and counts.get("updatedReplicas", 0) == replicas
        and counts.get("replicas", 0) == replicas
        and counts.get("availableReplicas", 0) == replicas
    )


def _progress(view: View, status: ModelDeploymentStatus, number: int, made: Object) -> tuple[Condition, ...]:
    replicas = view.deployment.spec.replicas
    # Old pods go only as new ones get ready, so what was stable still serves.
    serves = f"version {status.stable} goes on serving" if status.stable and status.ready_replicas else "nothing serves"
    late = _deadline_exceeded(view.child) if children.is_as_wanted(view.child, made) else None
    if late:
        message = (
            f"version {number} did not become ready within {children.PROGRESS_SECONDS} s ({late}); {serves}; "
            f"see kubectl describe pods -l {status.selector}, then correct podTemplate or the version"
        )
        return kstatus.stalled("RolloutFailed", message)
    message = f"version {number}: {status.ready_replicas} pods of {replicas} replicas are ready"
    return kstatus.reconciling("RollingOut", message)


def _deadline_exceeded(child: Object | None) -> str | None:
    for item in ((child or {}).get("status") or {}).get("conditions") or ():
        if item["type"] == "Progressing" and item["status"] == "False":
            return str(item.get("message", ""))
    return None


def _unresolved(view: View, now: datetime, status: ModelDeploymentStatus, trouble: Trouble) -> Plan:
    """What serves goes on serving: nothing of it is touched but its number of replicas."""
    writes: tuple[Write, ...] = (
        Apply(SERVICES, children.service(view)),
        Apply(DISRUPTION_BUDGETS, children.disruption_budget(view)),
    )
    if view.child is not None:
        meta, body = view.child["metadata"], {"spec": {"replicas": children.replicas(view)}}
        writes = (Patch(DEPLOYMENTS, meta["namespace"], meta["name"], meta["uid"], body), *writes)
    if view.deployment.spec.suspend:
        return _plan(view, now, status, kstatus.suspended(f"spec.suspend is true; {trouble.message}"), writes)
    serves = f"; version {status.stable} goes on serving" if status.stable and view.child else ""
    said = kstatus.reconciling(trouble.reason, trouble.message + serves)
    return _plan(view, now, status, said, writes)


def _plan(
    view: View,
    now: datetime,
    status: ModelDeploymentStatus,
    wanted: tuple[Condition, ...],
    writes: tuple[Write, ...],
    notes: tuple[Note, ...] = (),
) -> Plan:
    status.observed_generation = view.deployment.generation
    wire = status.wire()
    previous = (view.raw.get("status") or {}).get("conditions") or ()
    wire["conditions"] = conditions(wanted, previous, view.deployment.generation, now)
    return Plan(status=wire, writes=writes, notes=notes)
