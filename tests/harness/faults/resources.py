"""The resources that the scenarios' namespaces hold, and where they lie on the API server."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

OURS = ("datasets", "datasetversions", "trainingruns", "models", "modelversions", "modeldeployments", "modelpools")
GROUPS = {
    **dict.fromkeys(OURS, "apis/modelyard.dev/v1alpha1"),
    "jobs": "apis/batch/v1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "services": "api/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "configmaps": "api/v1",
    "pods": "api/v1",
    "poddisruptionbudgets": "apis/policy/v1",
    "horizontalpodautoscalers": "apis/autoscaling/v2",
    "gateways": "apis/gateway.networking.k8s.io/v1",
    "httproutes": "apis/gateway.networking.k8s.io/v1",
    "backendtrafficpolicies": "apis/gateway.envoyproxy.io/v1alpha1",
}
FED = (
    *OURS,
    "jobs",
    "deployments",
    "services",
    "endpointslices",
    "configmaps",
    "poddisruptionbudgets",
    "horizontalpodautoscalers",
)
"""What the operator watches."""


def path(plural: str, namespace: str = "", name: str = "") -> str:
    group = GROUPS.get(plural, "api/v1")
    inside = f"/namespaces/{namespace}" if namespace else ""
    return f"/{group}{inside}/{plural}{'/' if name else ''}{name}"
