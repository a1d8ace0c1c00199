"""Autoscaling of a ModelDeployment: by CPU with Kubernetes' autoscaler, or by requests in flight with KEDA.

Both write the ModelDeployment's scale subresource, so that a rollout divides whatever number of pods they set.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from modelyard.engine.plan import Apply, Delete, Facts, Fetch, Unavailable, Write
from modelyard.engine.resource import AUTOSCALERS, DEFINITIONS, SCALED_OBJECTS, Object
from modelyard.kinds.modeldeployment.autoscaler import inactive
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.traffic import services
from modelyard.workload.conclude import Trouble
from modelyard.workload.names import child_metadata, manifest, owned_by
from modelyard.workload.server import COMPONENT, PORT
from modelyard_api import API_VERSION
from modelyard_api.kinds.rollout import Autoscaling

IN_FLIGHT = "modelyard_server_requests_in_flight"
_KEDA_DEFINITION = Fetch(DEFINITIONS, "", f"{SCALED_OBJECTS.plural}.{SCALED_OBJECTS.group}")
HPA = ("AbleToScale", "ScalingActive")
"""Conditions of a HorizontalPodAutoscaler that are True while it works."""
CHECK_SCALED_OBJECT = timedelta(minutes=5)
"""Interval at which a ScaledObject that works is compared with what it should be."""
_METRICS = "see to metrics-server: kubectl top pods"
_MISSING = (
    "spec.autoscaling.metric: Concurrency is counted by KEDA, which is not installed here; "
    "install it (https://keda.sh), or write metric: CPU"
)


@dataclass(frozen=True, slots=True)
class Scaling:
    """``trouble`` is why nothing scales the pods; ``waits`` says that the cause is not watched and must be polled.

    ``after`` is when what the autoscaler says of itself will have lasted long enough to be told.
    """

    writes: tuple[Write, ...] = ()
    trouble: Trouble | None = None
    waits: bool = False
    after: datetime | None = None


def scaling(view: View, facts: Facts, now: datetime) -> Scaling:
    """Returns the writes of the autoscaler that the spec asks for. Raises Missing.

    Unwanted autoscalers are deleted first: KEDA refuses an object that another autoscaler scales.
    """
    spec = view.deployment.spec
    autoscaling = None if spec.suspend or spec.pool is not None else spec.autoscaling
    metric = autoscaling.metric if autoscaling else None
    writes: list[Write] = []
    if view.autoscaler is not None and metric != "CPU":
        writes.append(Delete.of(AUTOSCALERS, view.autoscaler))
    if view.scaler is not None and metric != "Concurrency":
        scaled_object = facts[Fetch(SCALED_OBJECTS, view.deployment.namespace, view.deployment.name)]
        if isinstance(scaled_object, Unavailable):
            # Another autoscaler is made only once KEDA's is known to go.
            message = f"spec.autoscaling: whether KEDA still scales: {scaled_object.message}"
            return Scaling(tuple(writes), Trouble("AutoscalerUnknown", message), waits=True)
        if scaled_object is not None and owned_by(scaled_object, view.raw):
            writes.append(Delete.of(SCALED_OBJECTS, scaled_object))
    if autoscaling is None:
        return Scaling(tuple(writes))
    if autoscaling.metric == "CPU":
        trouble, after = inactive(view.autoscaler, HPA, _METRICS, now) if view.autoscaler else (None, None)
        return Scaling((*writes, Apply(AUTOSCALERS, _by_cpu(view, autoscaling))), trouble, after=after)
    write = Apply(SCALED_OBJECTS, _by_requests(view, autoscaling))
    remedy = f"see kubectl describe scaledobject {view.deployment.name}"
    if view.scaler is not None:
        trouble, after = inactive(view.scaler, HPA, remedy, now)
        # Nobody watches the ScaledObject: at the latest then it is looked at whether somebody else has changed it.
        return Scaling(
            (*writes, write), trouble, after=min(after or now + CHECK_SCALED_OBJECT, now + CHECK_SCALED_OBJECT)
        )
    keda = facts[_KEDA_DEFINITION]
    if isinstance(keda, Unavailable):
        trouble = Trouble("AutoscalerUnknown", f"spec.autoscaling.metric: whether there is KEDA: {keda.message}")
        return Scaling(tuple(writes), trouble, waits=True)
    if keda is None:
        return Scaling(tuple(writes), Trouble("AutoscalerNotFound", _MISSING), waits=True)
    # KEDA makes an autoscaler only of a ScaledObject that it understands, and a ScaledObject is not watched.
    scaled_object = facts[Fetch(SCALED_OBJECTS, view.deployment.namespace, view.deployment.name)]
    trouble = None
    if scaled_object is not None and not isinstance(scaled_object, Unavailable):
        trouble, _ = inactive(scaled_object, ("Ready",), remedy, now)
    return Scaling((*writes, write), trouble, waits=True)


def _by_cpu(view: View, autoscaling: Autoscaling) -> Object:
    target = {"type": "Utilization", "averageUtilization": autoscaling.target}
    spec = {
        "scaleTargetRef": _scale_target(view),
        "minReplicas": autoscaling.min_replicas,
        "maxReplicas": autoscaling.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return manifest(AUTOSCALERS, child_metadata(view.raw, view.deployment.name, COMPONENT), spec=spec)


def _by_requests(view: View, autoscaling: Autoscaling) -> Object:
    """Returns a ScaledObject; KEDA asks every pod of the Service (https://keda.sh/docs/latest/scalers/metrics-api/)."""
    trigger = {
        "url": f"{services.url(view)}:{PORT}/metrics",
        "aggregateFromKubeServiceEndpoints": "true",
        "aggregationType": "sum",
        "format": "prometheus",
        "valueLocation": IN_FLIGHT,
        "targetValue": str(autoscaling.target),
    }
    spec = {
        "scaleTargetRef": _scale_target(view),
        "minReplicaCount": autoscaling.min_replicas,
        "maxReplicaCount": autoscaling.max_replicas,
        "triggers": [{"type": "metrics-api", "metricType": "AverageValue", "metadata": trigger}],
    }
    return manifest(SCALED_OBJECTS, child_metadata(view.raw, view.deployment.name, COMPONENT), spec=spec)


def _scale_target(view: View) -> Object:
    return {"apiVersion": API_VERSION, "kind": "ModelDeployment", "name": view.deployment.name}
