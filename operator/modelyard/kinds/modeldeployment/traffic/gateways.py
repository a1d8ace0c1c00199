"""Checks whether the Gateway that a ModelDeployment names can carry its traffic, and what to do if not."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.conditions import find
from modelyard.engine.plan import Delete, Facts, Fetch, Unavailable
from modelyard.engine.resource import BACKEND_POLICIES, GATEWAY_CLASSES, GATEWAYS, HTTP_ROUTES, Object
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.traffic import services
from modelyard.kinds.modeldeployment.traffic.routes import ENVOY, gateway_namespace, is_tested
from modelyard.workload.conclude import Trouble
from modelyard.workload.names import owned_by
from modelyard_api.kinds.rollout import GatewayRef


@dataclass(frozen=True, slots=True)
class GatewayState:
    """What is known about the Gateway.

    ``trouble`` is why it divides no traffic. ``open`` says that a route can be written, ``envoy`` that Envoy Gateway
    serves it, and ``tested`` that our route has the rules of an A-B test.
    """

    trouble: Trouble | None = None
    open: bool = False
    envoy: bool = False
    tested: bool = False


@dataclass(frozen=True, slots=True)
class FormerRoute:
    """A route left from an earlier spec.gateway; ``unread`` says that it may exist but can't be read now."""

    deletes: tuple[Delete, ...] = ()
    unread: bool = False


def gateway_state(view: View, gateway: GatewayRef, facts: Facts) -> GatewayState:
    """Returns the state of the Gateway, read with its class and our route. Raises Missing."""
    namespace, name = gateway_namespace(view, gateway), gateway.name
    raw_gateway, route = facts.all(
        Fetch(GATEWAYS, namespace, name), Fetch(HTTP_ROUTES, view.deployment.namespace, view.deployment.name)
    )
    ours = route if isinstance(route, dict) else None
    # A route that can't be read now is taken to have the rules: dropping them would make requests fail.
    tested = isinstance(route, Unavailable) or (ours is not None and is_tested(ours))
    if isinstance(raw_gateway, Unavailable):
        return GatewayState(Trouble("GatewayUnknown", f"spec.gateway: {raw_gateway.message}"))
    if raw_gateway is None:
        message = (
            f"spec.gateway: there is no Gateway {name!r} in namespace {namespace!r}; correct spec.gateway, or make it: "
            f"see kubectl get gateways -A"
        )
        return GatewayState(Trouble("GatewayNotFound", message))
    gateway_class = facts[Fetch(GATEWAY_CLASSES, "", raw_gateway["spec"]["gatewayClassName"])]
    envoy = isinstance(gateway_class, dict) and gateway_class["spec"]["controllerName"] == ENVOY
    if rival := _older_rival(view):
        message = (
            f"spec.gateway.hostname: {gateway.hostname} is taken by ModelDeployment "
            f"{rival['metadata']['namespace']}/{rival['metadata']['name']}; write another hostname"
        )
        return GatewayState(Trouble("HostnameTaken", message))
    if (programmed := find(raw_gateway, "Programmed")) is None or programmed["status"] != "True":
        why = f": {programmed['reason']}: {programmed['message']}" if programmed else ""
        message = (
            f"spec.gateway: Gateway {namespace}/{name} is not programmed{why}; "
            f"see kubectl describe gateway -n {namespace}"
        )
        return GatewayState(Trouble("GatewayNotProgrammed", message), open=True, envoy=envoy, tested=tested)
    ab_test = view.deployment.spec.rollout.ab_test
    if ab_test and ab_test.sticky_by and not envoy:
        message = "spec.rollout.abTest.stickyBy: only Envoy Gateway divides by a hash; write abTest.headers instead"
        return GatewayState(Trouble("StickyNotSupported", message), open=True, tested=tested)
    return GatewayState(_refused(ours) if ours else None, open=True, envoy=envoy, tested=tested)


def former_route(view: View, facts: Facts) -> FormerRoute:
    """Returns the route to delete; it is read only while ``status.url`` has a Gateway's hostname. Raises Missing."""
    url = view.deployment.status.url
    if view.deployment.spec.gateway is not None or url in (None, services.url(view)):
        return FormerRoute()
    meta = view.raw["metadata"]
    needs = tuple(Fetch(resource, meta["namespace"], meta["name"]) for resource in (HTTP_ROUTES, BACKEND_POLICIES))
    children = list(zip(needs, facts.all(*needs), strict=True))
    deletes = tuple(
        Delete(need.resource, need.namespace, need.name, child["metadata"]["uid"])
        for need, child in children
        if isinstance(child, dict) and owned_by(child, view.raw)
    )
    return FormerRoute(deletes, unread=any(isinstance(child, Unavailable) for _, child in children))


def _older_rival(view: View) -> Object | None:
    """Returns another ModelDeployment that is older and has the same hostname, or None."""

    def age(obj: Object) -> tuple[str, str, str]:
        meta = obj["metadata"]
        return meta.get("creationTimestamp", ""), meta["namespace"], meta["name"]

    return next((rival for rival in view.rivals if age(rival) < age(view.raw)), None)


def _refused(route: Object) -> Trouble | None:
    for parent in (route.get("status") or {}).get("parents") or ():
        for item in parent.get("conditions") or ():
            if item["type"] in ("Accepted", "ResolvedRefs") and item["status"] == "False":
                if item["reason"] == "BackendNotFound":
                    continue  # The Service was created a moment ago: the gateway has not seen it yet.
                return Trouble(
                    "RouteNotAccepted", f"the Gateway refuses the route: {item['reason']}: {item['message']}"
                )
    return None
