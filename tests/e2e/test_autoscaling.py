"""Autoscalers that see real load: more pods, without a failed request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kube import Kube, Object, condition
from tests.support.rollout_scene import MODEL, Rollouts

pytestmark = pytest.mark.cluster
RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "200m", "memory": "512Mi"}}


def test_pods_follow_the_cpu_that_requests_cost(metrics: str, kube: Kube) -> None:
    served = grown(kube, {"metric": "CPU", "target": 80})
    status = kube.get("hpa", MODEL)["status"]  # type: ignore[index]
    scaling = {item["type"]: item["status"] for item in status["conditions"]}
    assert scaling["ScalingActive"] == scaling["AbleToScale"] == "True"
    assert served.status["replicas"] == 2


def test_pods_follow_the_requests_in_flight(keda: str, kube: Kube) -> None:
    served = grown(kube, {"metric": "Concurrency", "target": 2})
    # KEDA looks every 30 s, and first when no pod is there yet.
    kube.until("KEDA finds it in order", lambda: _is_ready(kube.get("scaledobject", MODEL)), 90)
    print(kube.run("get", "hpa,scaledobject"))
    # As it was before, with the number of pods that there are: nobody changes it any more.
    kube.patch("modeldeployment", MODEL, {"spec": {"autoscaling": None}})
    kube.until("nobody scales", lambda: not kube.list("scaledobjects") and not kube.list("hpa"), 60)
    assert served.status["replicas"] == 2


def _is_ready(made: Object | None) -> bool:
    return (condition(made, "Ready") or {}).get("status") == "True"


def grown(kube: Kube, metric: dict[str, Any]) -> Rollouts:
    """One whose requests have brought a second pod."""
    served = Rollouts(kube)
    served.prepare("slow")
    autoscaling = {"minReplicas": 1, "maxReplicas": 2, **metric}
    spec = {"modelRef": {"name": MODEL, "version": 1}, "autoscaling": autoscaling}
    served.scene.put("ModelDeployment", MODEL, spec | {"podTemplate": {"resources": RESOURCES}})
    served.serving(1)
    with served.clients(rate=200, connections=8):
        served.until("a second pod, as the load asks for", replicas=2, readyReplicas=2)
    found = kube.get("modeldeployment", MODEL)
    assert found is not None
    assert found["spec"]["replicas"] == 2, "written by the autoscaler, through the scale subresource"
    return served
