"""Traffic through a Gateway: one HTTPRoute divides it between the versions' Services.

REST and gRPC share the route and are distinguished by their path: a GRPCRoute with the same hostname would be refused
(Gateway API: a hostname belongs to routes of one kind).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard.engine.ownership import foreign
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
"""A header that no request has: a rule that requires it matches nothing."""
_RULES_WITHOUT_TEST = 2
"""A route always has two rules that match without a header: one for gRPC and one for the rest."""
Rule = dict[str, Any]


def gateway_namespace(view: View, gateway: GatewayRef) -> str:
    return gateway.namespace or view.installation.gateway_namespace


def route(view: View, gateway: GatewayRef, status: ModelDeploymentStatus, tested: bool) -> Object:
    """Returns the route that ``status`` asks for; ``tested`` says whether the present route has the rules of a test."""
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
    """Returns the settings that only Envoy Gateway has.

    A call that was cut off when its pod ended is retried on another pod, which is safe because inference changes
    nothing. Unreachable pods get no more calls after a few seconds, whereas Kubernetes reports a lost node's pods as
    ready for most of a minute. Traffic can be divided by the hash of a header's value.
    """
    metadata = child_metadata(view.raw, view.deployment.name, COMPONENT)
    target = {"group": HTTP_ROUTES.group, "kind": HTTP_ROUTES.kind, "name": view.deployment.name}
    retry = {
        # Retries last about two seconds in all: a gateway learns of a new pod a moment after Kubernetes does.
        "numRetries": 5,
        "perRetry": {"backOff": {"baseInterval": "100ms", "maxInterval": "1s"}},
        "retryOn": {"triggers": ["connect-failure", "refused-stream", "reset-before-request", "reset"]},
    }
    # Only failures to connect count, not the codes of answers. An active check would do the same, but Envoy Gateway
    # then ignored the weights of the route's backends: each pod got the same share.
    local_failures = {
        "splitExternalLocalOriginErrors": True,
        "consecutiveLocalOriginFailures": 2,
        "maxEjectionPercent": 50,
    }
    ignore_answers = {"consecutive5XxErrors": 1_000_000, "consecutiveGatewayErrors": 0}
    spec: dict[str, Any] = {
        "targetRefs": [target],
        "retry": retry,
        "healthCheck": {"passive": {**local_failures, **ignore_answers, "interval": "2s", "baseEjectionTime": "10s"}},
        "timeout": {"tcp": {"connectTimeout": "2s"}},
    }
    sticky = view.deployment.spec.rollout.ab_test and view.deployment.spec.rollout.ab_test.sticky_by
    if sticky:
        consistent = {"type": "Headers", "headers": [{"name": sticky}], "tableSize": 65537}
        spec["loadBalancer"] = {"type": "ConsistentHash", "consistentHash": consistent}
    return manifest(BACKEND_POLICIES, metadata, spec=spec)


def is_tested(route: Object) -> bool:
    """Whether the route has the rules of an A-B test, beside the two that match every request. Rules that somebody else
    has written say nothing."""
    rules = route["spec"].get("rules") or ()
    return len(rules) > _RULES_WITHOUT_TEST and not foreign(route, ("f:spec", "f:rules"))


def begins(view: View, status: ModelDeploymentStatus) -> bool:
    """Whether the headers of an A-B test should lead to the candidate now."""
    test = view.deployment.spec.rollout.ab_test
    return bool(test and test.headers) and _divided(status)


def _divided(status: ModelDeploymentStatus) -> bool:
    return status.candidate is not None and status.weight is not None and 0 < status.weight < 100


def _rules(view: View, status: ModelDeploymentStatus, tested: bool) -> list[Rule]:
    stable, candidate, weight = status.stable, status.candidate, status.weight
    if candidate is None or weight is None or stable is None:
        # Use the whole Service, which has both versions' pods while they are replaced one by one.
        shares: list[tuple[int | None, int]] = [(None, 1)]
        test_shares = shares
    else:
        split = ((stable, 100 - weight), (candidate, weight))
        shares = test_shares = [(number, share) for number, share in split if share]
    # A gateway names its clusters by the index of a rule, and answers 503 for some milliseconds if a rule's cluster is
    # not set up yet or already removed. So the general rules come first and keep their indexes. The rules of a test
    # stay as long as the spec has the test, and until the end of the rollout in which it was removed from the spec.
    # They match no request until the route is known to have them, and whenever the test doesn't run.
    test = view.deployment.spec.rollout.ab_test
    matched, mirror = (test and test.headers) or {}, None if test else _mirrored(view, status)
    keeps_test = bool(matched) or (tested and weight is not None)
    if test and _divided(status):
        shares = shares if test.sticky_by else [(stable, 1)]
    if tested and begins(view, status):
        test_shares = [(candidate, 1)]
    else:
        matched = matched | {NOBODY: "true"}
    headers = [{"name": name, "type": "Exact", "value": value} for name, value in sorted(matched.items())]
    return _rule_pair(view, shares, mirror=mirror) + (_rule_pair(view, test_shares, headers) if keeps_test else [])


def _mirrored(view: View, status: ModelDeploymentStatus) -> tuple[int, int] | None:
    """Returns the version that gets copies of requests, and the percentage of requests that are copied."""
    stages, state = stages_of(view.deployment.spec.rollout), status.rollout
    if state is None or state.since is None or status.candidate is None or state.step >= len(stages):
        return None
    stage = stages[state.step]
    return (status.candidate, stage.weight) if stage.mirror and stage.weight else None


def _rule_pair(
    view: View,
    shares: Sequence[tuple[int | None, int]],
    headers: list[dict[str, str]] | None = None,
    mirror: tuple[int, int] | None = None,
) -> list[Rule]:
    """Returns a rule for gRPC calls and one for everything else."""
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
