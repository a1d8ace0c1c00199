"""An autoscaler that sees real load: more pods, without a failed request."""

from __future__ import annotations

import pytest

from tests.support.kube import Kube
from tests.support.rollout_scene import MODEL, Rollouts

pytestmark = pytest.mark.cluster


def test_pods_follow_the_cpu_that_requests_cost(metrics: str, kube: Kube) -> None:
    served = Rollouts(kube)
    served.prepare("slow")
    resources = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "200m", "memory": "512Mi"}}
    autoscaling = {"minReplicas": 1, "maxReplicas": 2, "metric": "CPU", "target": 80}
    spec = {"modelRef": {"name": MODEL, "version": 1}, "autoscaling": autoscaling}
    served.scene.put("ModelDeployment", MODEL, spec | {"podTemplate": {"resources": resources}})
    served.serving(1)
    with served.clients(rate=200):
        served.until("a second pod, as the load asks for", replicas=2, readyReplicas=2)
    found = kube.get("modeldeployment", MODEL)
    assert found is not None
    assert found["spec"]["replicas"] == 2, "written by the autoscaler, through the scale subresource"
    status = kube.get("hpa", MODEL)["status"]  # type: ignore[index]
    scaling = {item["type"]: item["status"] for item in status["conditions"]}
    assert scaling["ScalingActive"] == scaling["AbleToScale"] == "True"
