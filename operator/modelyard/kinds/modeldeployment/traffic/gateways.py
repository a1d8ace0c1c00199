"""Whether traffic can come through the Gateway that a ModelDeployment names, and what to do where it can't."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.conditions import find
from modelyard.engine.plan import Delete, Facts, Fetch, Unavailable
from modelyard.engine.resource import BACKEND_POLICIES, GATEWAY_CLASSES, GATEWAYS, HTTP_ROUTES, Object
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.traffic import services
from modelyard.kinds.modeldeployment.traffic.routes import ENVOY, gateway_namespace, is_tested
from modelyard.workload.failures import Trouble
from modelyard.workload.names import owned_by
from modelyard_api.kinds.rollout import GatewayRef


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What is known of the Gateway. ``trouble``: why no traffic is divided. ``open``: a route can be written.
    ``envoy``: Envoy Gateway serves it. ``tested``: there is a route with the rules of an A-B test."""

    trouble: Trouble | None = None
    open: bool = False
    envoy: bool = False
    tested: bool = False


@dataclass(frozen=True, slots=True)
class FormerRoute:
    """The route through a Gateway that the spec names no more. ``unread``: it could not be read, and may be there."""

    deletes: tuple[Delete, ...] = ()
    unread: bool = False


def gateway_state(view: View, gateway: GatewayRef, facts: Facts) -> GatewayState:
    """Reads the Gateway, its class and our route. Raises Missing."""
    where, name = gateway_namespace(view, gateway), gateway.name
    found, route = facts.all(
        Fetch(GATEWAYS, where, name), Fetch(HTTP_ROUTES, view.deployment.namespace, view.deployment.name)
    )
    ours = route if isinstance(route, dict) else None
    # One that can't be read now keeps its rules: without them requests would fail.
    tested = isinstance(route, Unavailable) or (ours is not None and is_tested(ours))
    if isinstance(found, Unavailable):
        return GatewayState(Trouble("GatewayUnknown", f"spec.gateway: {found.message}"))
    if found is None:
        message = (
            f"spec.gateway: there is no Gateway {name!r} in namespace {where!r}; correct spec.gateway, or make it: "
            f"see kubectl get gateways -A"
        )
        return GatewayState(Trouble("GatewayNotFound", message))
    gateway_class = facts[Fetch(GATEWAY_CLASSES, "", found["spec"]["gatewayClassName"])]
    envoy = isinstance(gateway_class, dict) and gateway_class["spec"]["controllerName"] == ENVOY
    if rival := _first_come(view):
        message = (
            f"spec.gateway.hostname: {gateway.hostname} is taken by ModelDeployment "
            f"{rival['metadata']['namespace']}/{rival['metadata']['name']}; write another hostname"
        )
        return GatewayState(Trouble("HostnameTaken", message))
    if (programmed := find(found, "Programmed")) is None or programmed["status"] != "True":
        why = f": {programmed['reason']}: {programmed['message']}" if programmed else ""
        message = (
            f"spec.gateway: Gateway {where}/{name} is not programmed{why}; see kubectl describe gateway -n {where}"
        )
        return GatewayState(Trouble("GatewayNotProgrammed", message), open=True, envoy=envoy, tested=tested)
    ab_test = view.deployment.spec.rollout.ab_test
    if ab_test and ab_test.sticky_by and not envoy:
        message = "spec.rollout.abTest.stickyBy: only Envoy Gateway divides by a hash; write abTest.headers instead"
        return GatewayState(Trouble("StickyNotSupported", message), open=True, tested=tested)
    return GatewayState(_refused(ours) if ours else None, open=True, envoy=envoy, tested=tested)


def former_route(view: View, facts: Facts) -> FormerRoute:
    """Reads it as long as ``status.url`` names the Gateway's hostname. Raises Missing."""
    url = view.deployment.status.url
    if view.deployment.spec.gateway is not None or url in (None, services.url(view)):
        return FormerRoute()
    meta = view.raw["metadata"]
    needs = tuple(Fetch(resource, meta["namespace"], meta["name"]) for resource in (HTTP_ROUTES, BACKEND_POLICIES))
    found = list(zip(needs, facts.all(*needs), strict=True))
    deletes = tuple(
        Delete(need.resource, need.namespace, need.name, child["metadata"]["uid"])
        for need, child in found
        if isinstance(child, dict) and owned_by(child, view.raw)
    )
    return FormerRoute(deletes, unread=any(isinstance(child, Unavailable) for _, child in found))


def _first_come(view: View) -> Object | None:
    """Another ModelDeployment that had the hostname before."""

    def age(obj: Object) -> tuple[str, str, str]:
        meta = obj["metadata"]
        return meta.get("creationTimestamp", ""), meta["namespace"], meta["name"]

    return next((rival for rival in view.rivals if age(rival) < age(view.raw)), None)


def _refused(route: Object) -> Trouble | None:
    for parent in (route.get("status") or {}).get("parents") or ():
        for item in parent.get("conditions") or ():
            if item["type"] in ("Accepted", "ResolvedRefs") and item["status"] == "False":
                if item["reason"] == "BackendNotFound":
                    continue  # a Service that was made a moment ago
                return Trouble(
                    "RouteNotAccepted", f"the Gateway refuses the route: {item['reason']}: {item['message']}"
                )
    return None
