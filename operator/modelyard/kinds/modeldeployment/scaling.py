"""Who changes the number of a ModelDeployment's pods: Kubernetes' autoscaler by their cpu, or KEDA by the requests that
they are answering. Both write the ModelDeployment's scale, so that a rollout divides whatever number there is."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.plan import Apply, Delete, Facts, Fetch, Unavailable, Write
from modelyard.engine.resource import AUTOSCALERS, DEFINITIONS, SCALED_OBJECTS, Object
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.traffic import services
from modelyard.workload.failures import Trouble
from modelyard.workload.names import child_metadata, manifest, owned_by
from modelyard.workload.server import COMPONENT, PORT
from modelyard_api import API_VERSION
from modelyard_api.kinds.rollout import Autoscaling

IN_FLIGHT = "modelyard_server_requests_in_flight"
_KEDA = Fetch(DEFINITIONS, "", f"{SCALED_OBJECTS.plural}.{SCALED_OBJECTS.group}")
_MISSING = (
    "spec.autoscaling.metric: Concurrency is counted by KEDA, which is not installed here; "
    "install it (https://keda.sh), or write metric: CPU"
)


@dataclass(frozen=True, slots=True)
class Scaling:
    """``trouble``: why nobody changes the number of pods. ``waits``: it has to be looked at again, nobody tells."""

    writes: tuple[Write, ...] = ()
    trouble: Trouble | None = None
    waits: bool = False


def scaling(view: View, facts: Facts) -> Scaling:
    """What is wanted comes after what is not: KEDA refuses to scale what another autoscaler does. Raises Missing."""
    spec = view.deployment.spec
    wanted = None if spec.suspend or spec.pool is not None else spec.autoscaling
    metric = wanted.metric if wanted else None
    writes: list[Write] = []
    if view.autoscaler is not None and metric != "CPU":
        writes.append(Delete.of(AUTOSCALERS, view.autoscaler))
    if view.scaled and metric != "Concurrency":
        found = facts[Fetch(SCALED_OBJECTS, view.deployment.namespace, view.deployment.name)]
        if isinstance(found, Unavailable):
            return Scaling(tuple(writes), waits=True)
        if found is not None and owned_by(found, view.raw):
            writes.append(Delete.of(SCALED_OBJECTS, found))
    if wanted is None:
        return Scaling(tuple(writes))
    if wanted.metric == "CPU":
        return Scaling((*writes, Apply(AUTOSCALERS, _by_cpu(view, wanted))))
    if not view.scaled:
        there = facts[_KEDA]
        if isinstance(there, Unavailable):
            trouble = Trouble("AutoscalerUnknown", f"spec.autoscaling.metric: whether there is KEDA: {there.message}")
            return Scaling(tuple(writes), trouble, waits=True)
        if there is None:
            return Scaling(tuple(writes), Trouble("AutoscalerNotFound", _MISSING), waits=True)
    return Scaling((*writes, Apply(SCALED_OBJECTS, _by_requests(view, wanted))))


def _by_cpu(view: View, wanted: Autoscaling) -> Object:
    target = {"type": "Utilization", "averageUtilization": wanted.target}
    spec = {
        "scaleTargetRef": _scaled(view),
        "minReplicas": wanted.min_replicas,
        "maxReplicas": wanted.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return manifest(AUTOSCALERS, child_metadata(view.raw, view.deployment.name, COMPONENT), spec=spec)


def _by_requests(view: View, wanted: Autoscaling) -> Object:
    """KEDA asks every pod behind the Service: https://keda.sh/docs/latest/scalers/metrics-api/."""
    trigger = {
        "url": f"{services.url(view)}:{PORT}/metrics",
        "aggregateFromKubeServiceEndpoints": "true",
        "aggregationType": "sum",
        "format": "prometheus",
        "valueLocation": IN_FLIGHT,
        "targetValue": str(wanted.target),
    }
    spec = {
        "scaleTargetRef": _scaled(view),
        "minReplicaCount": wanted.min_replicas,
        "maxReplicaCount": wanted.max_replicas,
        "triggers": [{"type": "metrics-api", "metricType": "AverageValue", "metadata": trigger}],
    }
    return manifest(SCALED_OBJECTS, child_metadata(view.raw, view.deployment.name, COMPONENT), spec=spec)


def _scaled(view: View) -> Object:
    return {"apiVersion": API_VERSION, "kind": "ModelDeployment", "name": view.deployment.name}
