"""The writes that make a ModelDeployment's children what its status says."""

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
from modelyard.kinds.modeldeployment.traffic import routes, services
from modelyard.kinds.modeldeployment.traffic.gateways import GatewayState
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus


def writes(
    view: View,
    status: ModelDeploymentStatus,
    goal: int | None,
    sizes: Mapping[int, int],
    pods: Mapping[int, Pods],
    state: GatewayState,
) -> tuple[Write, ...]:
    """In this order: what traffic is sent to is there before it is, and goes after. ``goal`` is the wanted version,
    None where there is none that can be served."""
    made: list[Write] = []
    for number, replicas in sizes.items():
        version, child = view.versions.get(number), children.child_of(view, number)
        if version is not None and (child is None or number == goal or children.serves(child, version)):
            made.append(Apply(DEPLOYMENTS, children.deployment(view, version, replicas)))
        elif child is not None:
            # Its ModelVersion is gone, or was of a Model that is not named any more: the pods go on as they are.
            made.append(_resized(child, replicas))
    gateway = view.deployment.spec.gateway
    if gateway is not None:
        made += [Apply(SERVICES, services.version_service(view, number)) for number in sizes]
    made.append(Apply(SERVICES, services.service(view, status)))
    made.append(Apply(DISRUPTION_BUDGETS, services.disruption_budget(view)))
    if gateway is not None and state.open:
        made.append(Apply(HTTP_ROUTES, routes.route(view, gateway, status, state.tested)))
        if state.envoy:
            made.append(Apply(BACKEND_POLICIES, routes.policy(view, gateway)))
    return (*made, *_leftovers(view, sizes, pods, gateway is not None))


def _leftovers(view: View, sizes: Mapping[int, int], pods: Mapping[int, Pods], routed: bool) -> list[Write]:
    """Versions that have no business here any more. While nothing is known to serve nothing goes, and while pods are
    replaced one by one what serves goes after there is enough of what follows.

    A version goes once the stored status no longer names it: an operator that ends before its verdict is stored judges
    anew, by what these pods have counted, or how they ended. Without them it would begin the rollout again.
    """
    if not sizes:
        return []
    told = view.deployment.status
    staying = {*sizes, told.stable, told.candidate}
    enough = sum(pods[number].available for number in sizes if number in pods) >= max(sizes.values())
    rolling = view.deployment.spec.rollout.strategy == "Rolling"
    gone: list[Write] = []
    for child in view.pods:
        if number_of(child) not in staying and (enough or not rolling or not _available(child)):
            gone.append(Delete.of(DEPLOYMENTS, child))
    for child in view.services:
        number = number_of(child)
        if number is not None and (not routed or number not in staying):
            gone.append(Delete.of(SERVICES, child))
    return gone


def _available(child: Object) -> int:
    return int((child.get("status") or {}).get("availableReplicas", 0))


def _resized(child: Object, replicas: int) -> Patch:
    meta = child["metadata"]
    return Patch(DEPLOYMENTS, meta["namespace"], meta["name"], meta["uid"], {"spec": {"replicas": replicas}})
