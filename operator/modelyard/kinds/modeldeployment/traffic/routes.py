"""Traffic through a Gateway: one HTTPRoute that divides it between the versions' Services.

REST and gRPC go by the same route, told apart by their path: a GRPCRoute of the same hostname beside it would be
refused (Gateway API: a hostname belongs to routes of one kind).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard.engine.resource import BACKEND_POLICIES, HTTP_ROUTES, Object
from modelyard.kinds.modeldeployment.names import versioned
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.rollout.stages import stages_of
from modelyard.workload.names import child_metadata, manifest
from modelyard.workload.server import COMPONENT, GRPC_PORT
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.rollout import GatewayRef

ENVOY = "gateway.envoyproxy.io/gatewayclass-controller"
GRPC_PATHS = ("/inference.GRPCInferenceService", "/grpc.health.v1.Health")
NOBODY = "x-modelyard-nobody"
"""A header that no request has."""
_EVERYBODYS = 2
"""Rules that match without a header."""
Rule = dict[str, Any]


def gateway_namespace(view: View, gateway: GatewayRef) -> str:
    return gateway.namespace or view.installation.gateway_namespace


def route(view: View, gateway: GatewayRef, status: ModelDeploymentStatus, tested: bool) -> Object:
    """As ``status`` says: weights, headers, copies. ``tested``: whether there is one with the rules of a test."""
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT)
    parent = {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "name": gateway.name,
        "namespace": gateway_namespace(view, gateway),
    }
    spec = {"parentRefs": [parent], "hostnames": [gateway.hostname], "rules": _rules(view, status, tested)}
    return manifest(HTTP_ROUTES, metadata, spec=spec)


def policy(view: View, gateway: GatewayRef) -> Object:
    """What only Envoy Gateway knows: a call that a pod's end has cut off is tried again on another one (inference
    changes nothing, so that does no harm); pods that can't be reached get no more calls within seconds, while
    Kubernetes calls a lost node's pods ready for most of a minute; the hash by which a header's values are divided."""
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT)
    target = {"group": HTTP_ROUTES.group, "kind": HTTP_ROUTES.kind, "name": view.deployment.name}
    retry = {
        # About two seconds in all: a gateway hears of a new pod a moment after Kubernetes.
        "numRetries": 5,
        "perRetry": {"backOff": {"baseInterval": "100ms", "maxInterval": "1s"}},
        "retryOn": {"triggers": ["connect-failure", "refused-stream", "reset-before-request", "reset"]},
    }
    # Only what can't be reached counts, not how it answers. (An active check would do the same, but with one the
    # weights of a route's backends are no longer kept: each pod got the same share.)
    unreached = {"splitExternalLocalOriginErrors": True, "consecutiveLocalOriginFailures": 2, "maxEjectionPercent": 50}
    never = {"consecutive5XxErrors": 1_000_000, "consecutiveGatewayErrors": 0}
    spec: dict[str, Any] = {
        "targetRefs": [target],
        "retry": retry,
        "healthCheck": {"passive": {**unreached, **never, "interval": "2s", "baseEjectionTime": "10s"}},
        "timeout": {"tcp": {"connectTimeout": "2s"}},
    }
    sticky = view.deployment.spec.rollout.ab_test and view.deployment.spec.rollout.ab_test.sticky_by
    if sticky:
        consistent = {"type": "Headers", "headers": [{"name": sticky}], "tableSize": 65537}
        spec["loadBalancer"] = {"type": "ConsistentHash", "consistentHash": consistent}
    return manifest(BACKEND_POLICIES, metadata, spec=spec)


def is_tested(route: Object) -> bool:
    """Whether it has rules beside everybody's."""
    return len(route["spec"]["rules"]) > _EVERYBODYS


def begins(view: View, status: ModelDeploymentStatus) -> bool:
    """Whether the headers of a test lead to the candidate now."""
    test = view.deployment.spec.rollout.ab_test
    return bool(test and test.headers) and _divided(status)


def _divided(status: ModelDeploymentStatus) -> bool:
    return status.candidate is not None and status.weight is not None and 0 < status.weight < 100


def _rules(view: View, status: ModelDeploymentStatus, tested: bool) -> list[Rule]:
    stable, candidate, weight = status.stable, status.candidate, status.weight
    if candidate is None or weight is None or stable is None:
        # The whole Service: while pods are replaced one by one it has both versions' pods.
        shares: list[tuple[int | None, int]] = [(None, 1)]
        chosen = shares
    else:
        both = ((stable, 100 - weight), (candidate, weight))
        shares = chosen = [(number, share) for number, share in both if share]
    # A gateway names its clusters by a rule's place, and for some milliseconds answers 503 by a rule whose cluster is
    # not there yet or no more. So everybody else's rules keep their places, and those of the test are there as long as
    # the spec has it, and to the end of the rollout in which it was taken out of there; but for nobody before they are
    # known to be there, and when it doesn't run.
    test = view.deployment.spec.rollout.ab_test
    wanted, mirror = (test and test.headers) or {}, None if test else _mirrored(view, status)
    there = bool(wanted) or (tested and weight is not None)
    if test and _divided(status):
        shares = shares if test.sticky_by else [(stable, 1)]
    if tested and begins(view, status):
        chosen = [(candidate, 1)]
    else:
        wanted = wanted | {NOBODY: "true"}
    headers = [{"name": name, "type": "Exact", "value": value} for name, value in sorted(wanted.items())]
    return _both(view, shares, mirror=mirror) + (_both(view, chosen, headers) if there else [])


def _mirrored(view: View, status: ModelDeploymentStatus) -> tuple[int, int] | None:
    """The version that gets copies, and of how many percent of the requests."""
    stages, state = stages_of(view.deployment.spec.rollout), status.rollout
    if state is None or state.since is None or status.candidate is None or state.step >= len(stages):
        return None
    stage = stages[state.step]
    return (status.candidate, stage.weight) if stage.mirror and stage.weight else None


def _both(
    view: View,
    shares: Sequence[tuple[int | None, int]],
    headers: list[dict[str, str]] | None = None,
    mirror: tuple[int, int] | None = None,
) -> list[Rule]:
    """A rule for gRPC's calls and one for everything else."""
    grpc = [{"path": {"type": "PathPrefix", "value": path}} for path in GRPC_PATHS]
    rest = [{"path": {"type": "PathPrefix", "value": "/"}}]
    return [_rule(view, grpc, GRPC_PORT, shares, headers, mirror), _rule(view, rest, 80, shares, headers, mirror)]


def _rule(
    view: View,
    matches: list[dict[str, Any]],
    port: int,
    shares: Sequence[tuple[int | None, int]],
    headers: list[dict[str, str]] | None,
    mirror: tuple[int, int] | None,
) -> Rule:
    def backend(number: int | None) -> dict[str, Any]:
        name = view.deployment.name if number is None else versioned(view, number)
        return {"group": "", "kind": "Service", "name": name, "port": port}

    rule: Rule = {
        "matches": [match | ({"headers": headers} if headers else {}) for match in matches],
        "backendRefs": [backend(number) | {"weight": weight} for number, weight in shares],
    }
    if mirror:
        number, percent = mirror
        copies = {"backendRef": backend(number)} | ({"percent": percent} if percent < 100 else {})
        rule["filters"] = [{"type": "RequestMirror", "requestMirror": copies}]
    return rule
