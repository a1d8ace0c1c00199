"""The writes that bring a ModelDeployment's children in line with its status."""

from __future__ import annotations

from collections.abc import Mapping

from modelyard.engine.plan import Apply, Delete, Patch, Write
from modelyard.engine.resource import (
    BACKEND_POLICIES,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    HTTP_ROUTES,
    SERVICES,
    Object,
)
from modelyard.kinds.modeldeployment import children
from modelyard.kinds.modeldeployment.names import number_of
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.rollout.capacity import serving_pods
from modelyard.kinds.modeldeployment.traffic import routes, services
from modelyard.kinds.modeldeployment.traffic.gateways import GatewayState
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus


def writes(
    view: View,
    status: ModelDeploymentStatus,
    goal: int | None,
    sizes: Mapping[int, int],
    pods: Mapping[int, Pods],
    gateway_state: GatewayState,
) -> tuple[Write, ...]:
    """Returns the writes in order: a target exists before traffic is sent to it, and is deleted afterwards.

    ``sizes`` maps each version to its number of pods. ``goal`` is the wanted version; None means that no version can
    be served.
    """
    ordered: list[Write] = []
    for number, replicas in sizes.items():
        version, child = view.versions.get(number), children.child_of(view, number)
        if version is not None and (child is None or number == goal or children.serves(child, version)):
            ordered.append(Apply(DEPLOYMENTS, children.deployment(view, version, replicas)))
        elif child is not None:
            # The ModelVersion is gone, or the spec names another Model now: only the number of replicas changes.
            ordered.append(_resized(child, replicas))
    spec = view.deployment.spec
    served = serving_pods(status, spec.rollout, sizes, 0 if spec.suspend else spec.replicas, pods)
    gateway = spec.gateway
    if gateway is not None:
        ordered += [Apply(SERVICES, services.version_service(view, number)) for number in sizes]
    ordered.append(Apply(SERVICES, services.service(view, status)))
    ordered.append(Apply(DISRUPTION_BUDGETS, services.disruption_budget(view, served)))
    if gateway is not None and gateway_state.open:
        ordered.append(Apply(HTTP_ROUTES, routes.route(view, gateway, status, gateway_state.tested)))
        if gateway_state.envoy:
            ordered.append(Apply(BACKEND_POLICIES, routes.policy(view, gateway)))
    return (*ordered, *_leftovers(view, sizes, pods, gateway is not None))


def _leftovers(view: View, sizes: Mapping[int, int], pods: Mapping[int, Pods], routed: bool) -> list[Write]:
    """Returns the deletes of the children of versions that are no longer needed.

    Nothing is deleted while no version has a size. With Rolling, an old version that still has available pods is
    deleted only when the remaining versions have enough.

    A version is deleted once the stored status no longer names it: an operator that ends before its verdict is stored
    judges again from what these pods have counted, or how they ended. Without the pods it would restart the rollout.
    """
    if not sizes:
        return []
    stored = view.deployment.status
    kept = {*sizes, stored.stable, stored.candidate}
    enough = sum(pods[number].available for number in sizes if number in pods) >= max(sizes.values())
    rolling = view.deployment.spec.rollout.strategy == "Rolling"
    deletes: list[Write] = []
    for child in view.pods:
        if number_of(child) not in kept and (enough or not rolling or not _available(child)):
            deletes.append(Delete.of(DEPLOYMENTS, child))
    for child in view.services:
        number = number_of(child)
        if number is not None and (not routed or number not in kept):
            deletes.append(Delete.of(SERVICES, child))
    return deletes


def _available(child: Object) -> int:
    return int((child.get("status") or {}).get("availableReplicas", 0))


def _resized(child: Object, replicas: int) -> Patch:
    meta = child["metadata"]
    return Patch(DEPLOYMENTS, meta["namespace"], meta["name"], meta["uid"], {"spec": {"replicas": replicas}})
