"""Builds the Services of a ModelDeployment, and its PodDisruptionBudget."""

from __future__ import annotations

from modelyard.engine.resource import DISRUPTION_BUDGETS, SERVICES, Object
from modelyard.kinds.modeldeployment.names import STABLE, selector, versioned
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload import pools
from modelyard.workload.names import child_metadata, manifest
from modelyard.workload.server import COMPONENT, SERVICE_PORTS, VERSION, disruption_budget_spec
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus


def url(view: View) -> str:
    """Returns the URL by which clients in the cluster reach the model."""
    return f"http://{view.deployment.name}.{view.deployment.namespace}.svc"


def service(view: View, status: ModelDeploymentStatus) -> Object:
    """Returns the Service for clients in the cluster.

    With Rolling it selects all pods. With other strategies it selects the stable version's pods, and switches to the
    candidate's when the candidate gets all of the traffic. For a packed model it selects the pool's pods.
    """
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT)
    if status.stable is not None:
        metadata["annotations"] = {STABLE: str(status.stable)}
    return manifest(SERVICES, metadata, spec={"selector": _target(view, status), "ports": SERVICE_PORTS})


def _target(view: View, status: ModelDeploymentStatus) -> dict[str, str]:
    pool = status.pool
    if pool is None and not any((child.get("status") or {}).get("availableReplicas") for child in view.pods):
        pool = view.deployment.spec.pool
    return pools.selector(pool) if pool is not None else selector(view, _selected_version(view, status))


def _selected_version(view: View, status: ModelDeploymentStatus) -> int | None:
    """Returns the version whose pods the Service selects; None means the pods of all versions."""
    if view.deployment.spec.rollout.strategy == "Rolling" or status.stable is None:
        return None
    return status.candidate if status.candidate is not None and status.weight == 100 else status.stable


def version_service(view: View, number: int) -> Object:
    """Returns the Service of one version's pods: a route divides traffic between such Services."""
    metadata = child_metadata(view.raw, versioned(view, number), COMPONENT, {VERSION: str(number)})
    return manifest(SERVICES, metadata, spec={"selector": selector(view, number), "ports": SERVICE_PORTS})


def disruption_budget(view: View, pods: int) -> Object:
    """Returns the budget of the pods of all versions, of which ``pods`` serve."""
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT)
    return manifest(DISRUPTION_BUDGETS, metadata, spec=disruption_budget_spec(selector(view), pods))
