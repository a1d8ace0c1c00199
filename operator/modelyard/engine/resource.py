"""Names API resources and objects, and their paths on the API server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from modelyard_api.fields.base import Kind
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.kinds.dataset import Dataset
from modelyard_api.kinds.datasetversion import DatasetVersion
from modelyard_api.kinds.model import ModelKind
from modelyard_api.kinds.modeldeployment import ModelDeployment
from modelyard_api.kinds.modelmonitor import ModelMonitor
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.kinds.pipeline import Pipeline
from modelyard_api.kinds.pipelinerun import PipelineRun
from modelyard_api.kinds.pipelinesource import PipelineSource
from modelyard_api.kinds.registry import resource_type
from modelyard_api.kinds.sweep import Sweep
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.kinds.workspace import Workspace

Object = dict[str, Any]
"""A Kubernetes object as the API server sends it: a plain dict of JSON values."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource type, for example ``Resource("batch", "v1", "jobs", "Job")``; the core group is ``""``."""

    group: str
    version: str
    plural: str
    kind: str

    @classmethod
    def of(cls, kind: type[Kind] | str) -> Resource:
        """Returns the resource of one of our kinds, or of a foreign kind by its name. Raises KeyError if unknown."""
        info = resource_type(kind) if isinstance(kind, str) else kind.info.resource
        return cls(info.group, info.version, info.plural, info.kind)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Returns the URL path on the API server. Without a namespace it covers all namespaces."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/" + "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Key(NamedTuple):
    """Identifies one object of a kind, in the queue and in calls of a controller."""

    resource: Resource
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.resource.kind}/{self.namespace}/{self.name}"


DATASETS = Resource.of(Dataset)
DATASET_VERSIONS = Resource.of(DatasetVersion)
TRAINING_RUNS = Resource.of(TrainingRun)
SWEEPS = Resource.of(Sweep)
MODELS = Resource.of(ModelKind)
MODEL_VERSIONS = Resource.of(ModelVersion)
MODEL_DEPLOYMENTS = Resource.of(ModelDeployment)
MODEL_POOLS = Resource.of(ModelPool)
MODEL_MONITORS = Resource.of(ModelMonitor)
BATCH_PREDICTIONS = Resource.of(BatchPrediction)
PIPELINES = Resource.of(Pipeline)
PIPELINE_RUNS = Resource.of(PipelineRun)
PIPELINE_SOURCES = Resource.of(PipelineSource)
WORKSPACES = Resource.of(Workspace)

JOBS = Resource.of("Job")
DEPLOYMENTS = Resource.of("Deployment")
SERVICES = Resource.of("Service")
ENDPOINT_SLICES = Resource.of("EndpointSlice")
DISRUPTION_BUDGETS = Resource.of("PodDisruptionBudget")
AUTOSCALERS = Resource.of("HorizontalPodAutoscaler")
SCALED_OBJECTS = Resource.of("ScaledObject")
GATEWAYS = Resource.of("Gateway")
GATEWAY_CLASSES = Resource.of("GatewayClass")
HTTP_ROUTES = Resource.of("HTTPRoute")
BACKEND_POLICIES = Resource.of("BackendTrafficPolicy")
DEFINITIONS = Resource.of("CustomResourceDefinition")
PODS = Resource.of("Pod")
NODES = Resource.of("Node")
NAMESPACES = Resource.of("Namespace")
CONFIG_MAPS = Resource.of("ConfigMap")
CLAIMS = Resource.of("PersistentVolumeClaim")
LEASES = Resource.of("Lease")
EVENTS = Resource.of("Event")
TOKEN_REVIEWS = Resource.of("TokenReview")
ACCESS_REVIEWS = Resource.of("SubjectAccessReview")
