"""Conditions of a ModelDeployment, wherever its model runs: what it serves, or what to do next."""

from __future__ import annotations

from dataclasses import replace

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.kinds.modeldeployment import children
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.placement import Placement
from modelyard.kinds.modeldeployment.readings import Readings
from modelyard.kinds.modeldeployment.resolve import Goal, Unresolved
from modelyard.workload.signatures import changed
from modelyard.workload.unready import Unready
from modelyard.workload.versions import broken
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion

SERVICE_NAME_LABEL = "kubernetes.io/service-name"
"""Kubernetes sets this label on the EndpointSlices of a Service."""


def conditions_of(
    view: View, status: ModelDeploymentStatus, goal: Goal, placement: Placement, readings: Readings
) -> tuple[Condition, ...]:
    """Returns the conditions; ``status`` is the one that will be written."""
    if isinstance(goal, Unresolved):
        return _with_unready(_unresolved(view, status, goal), placement.unwanted(status))
    if view.deployment.spec.suspend:
        return _suspended(view, "set it to false to serve again")
    conditions = _rejected(status, goal.spec.number) or placement.conditions(status, goal, readings.gateway)
    conditions = _with_unready(conditions, placement.unwanted(status))
    conditions = _reachable(view, status, conditions)
    unscaled = readings.scaling.trouble
    if unscaled and conditions[0].status:
        message = f"{unscaled.message}; {conditions[0].message}"
        conditions = kstatus.reconciling(unscaled.reason, message, warning=True)
    if change := signature_change(view, status):
        conditions = tuple(replace(item, message=f"{item.message}; {change}") for item in conditions)
    return _with_broken_gates(goal, conditions)


def signature_change(view: View, status: ModelDeploymentStatus) -> str | None:
    """Returns which inputs, outputs or classes of the candidate are not those of the version that serves, or None."""
    stable, candidate = view.versions.get(status.stable or 0), view.versions.get(status.candidate or 0)
    if stable is None or candidate is None:
        return None
    child = children.child_of(view, stable.spec.number)
    if child is not None and not children.serves(child, stable):
        return None  # another Model's version of this number serves
    change = changed(stable, candidate)
    return f"clients of version {stable.spec.number} have to follow: {change}" if change else None


def _unresolved(view: View, status: ModelDeploymentStatus, goal: Unresolved) -> tuple[Condition, ...]:
    if view.deployment.spec.suspend:
        return _suspended(view, goal.message)
    serves = ""
    if status.stable and (view.pods or status.pool):
        serves = f"; version {status.stable} goes on serving" if status.ready_replicas else "; nothing serves"
    message = goal.message + serves
    if goal.final:
        return kstatus.stalled(goal.reason, message)
    return kstatus.reconciling(goal.reason, message, goal.warning)


def _suspended(view: View, message: str) -> tuple[Condition, ...]:
    """Returns the conditions without replicas: like a Deployment of 0 replicas, it is there once its pods have gone."""
    pods = sum((child.get("status") or {}).get("replicas", 0) for child in view.pods)
    if pods:
        return kstatus.reconciling("Suspending", f"spec.suspend is true; pods that still run: {pods}; {message}")
    return kstatus.suspended(f"spec.suspend is true: no replicas; {message}")


def _with_unready(conditions: tuple[Condition, ...], unwanted: tuple[int, Unready] | None) -> tuple[Condition, ...]:
    """Puts first why pods are not ready that are to serve although another version, or none, is wanted.

    Clients of the stable version notice that, whatever version is wanted.
    """
    if unwanted is None or unwanted[1].trouble is None:
        return conditions
    number, unready = unwanted
    trouble = unwanted[1].trouble
    # A version that a pod has found damaged says so itself.
    told = trouble.message in conditions[0].message
    message = conditions[0].message if told else f"version {number}: {trouble.message}; {conditions[0].message}"
    if unready.stalled:
        return kstatus.stalled(trouble.reason, message)
    return kstatus.reconciling(trouble.reason, message, warning=True)


def _rejected(status: ModelDeploymentStatus, number: int) -> tuple[Condition, ...] | None:
    for item in status.rejected:
        if item.version == number:
            serves = f"version {status.stable} serves on" if status.ready_replicas else "nothing serves"
            message = (
                f"version {number} was rolled back ({item.reason}): {item.message}; {serves}. "
                f"Train or pin another version, or set spec.rollout.promote: {number}"
            )
            return kstatus.stalled("CandidateRejected", message)
    return None


def _reachable(view: View, status: ModelDeploymentStatus, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Delays Ready until the Service has an endpoint: a busy Kubernetes updates EndpointSlices after pod counts."""
    name = view.deployment.name
    if not conditions[0].status or not status.ready_replicas or view.endpoints.get(name):
        return conditions
    unreached = f"Service {name} has no endpoint yet: kubectl get endpointslices -l {SERVICE_NAME_LABEL}={name}"
    return kstatus.reconciling("WaitingForEndpoints", f"{conditions[0].message}, but {unreached}")


def _with_broken_gates(version: ModelVersion, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Appends the broken gates to the messages if the version serves without passing its Model's gates."""
    if version.status.approved is not False:
        return conditions
    number, model = version.spec.number, version.spec.model_ref.name
    suffix = f"; version {number} does not pass the gates of Model {model!r}: {broken(version)}"
    return tuple(replace(item, message=item.message + suffix) for item in conditions)
