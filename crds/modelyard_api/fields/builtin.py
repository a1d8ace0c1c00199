"""The resource types of Kubernetes, of the Gateway API and of other add-ons."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A resource type, for example ``ResourceType("batch", "v1", "jobs", "Job")``; the core group is ``""``.

    ``addon`` means that not every cluster serves it, so nothing may wait for a list of it.
    """

    group: str
    version: str
    plural: str
    kind: str
    addon: bool = False


BUILT_IN: dict[str, ResourceType] = {
    resource.kind: resource
    for resource in (
        ResourceType("batch", "v1", "jobs", "Job"),
        ResourceType("apps", "v1", "deployments", "Deployment"),
        ResourceType("", "v1", "services", "Service"),
        ResourceType("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"),
        ResourceType("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
        ResourceType("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
        ResourceType("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject", addon=True),
        ResourceType("gateway.networking.k8s.io", "v1", "gateways", "Gateway", addon=True),
        ResourceType("gateway.networking.k8s.io", "v1", "gatewayclasses", "GatewayClass", addon=True),
        ResourceType("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", addon=True),
        ResourceType("gateway.envoyproxy.io", "v1alpha1", "backendtrafficpolicies", "BackendTrafficPolicy", addon=True),
        ResourceType("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"),
        ResourceType("", "v1", "pods", "Pod"),
        ResourceType("", "v1", "nodes", "Node"),
        ResourceType("", "v1", "namespaces", "Namespace"),
        ResourceType("", "v1", "configmaps", "ConfigMap"),
        ResourceType("", "v1", "secrets", "Secret"),
        ResourceType("", "v1", "serviceaccounts", "ServiceAccount"),
        ResourceType("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
        ResourceType("storage.k8s.io", "v1", "storageclasses", "StorageClass"),
        ResourceType("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass"),
        ResourceType("coordination.k8s.io", "v1", "leases", "Lease"),
        ResourceType("events.k8s.io", "v1", "events", "Event"),
        ResourceType("authentication.k8s.io", "v1", "tokenreviews", "TokenReview"),
        ResourceType("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview"),
    )
}
"""Kind -> resource type: the facts of our kinds and the RBAC rules refer to these types by kind."""
