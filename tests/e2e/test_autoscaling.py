"""Checks autoscalers under real load: they add pods, and no request fails."""

from __future__ import annotations

import json
import time
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
    # KEDA polls every 30 s, and its first poll finds no pod yet.
    kube.until("KEDA finds it in order", lambda: _is_ready(kube.get("scaledobject", MODEL)), 90)
    print(kube.run("get", "hpa,scaledobject"))
    # Without spec.autoscaling the autoscalers go, and the current number of pods stays.
    kube.patch("modeldeployment", MODEL, {"spec": {"autoscaling": None}})
    kube.until("nobody scales", lambda: not kube.list("scaledobjects") and not kube.list("hpa"), 60)
    assert served.status["replicas"] == 2


@pytest.mark.disrupts
def test_an_autoscaler_without_metrics_is_told(metrics: str, kube: Kube) -> None:
    served, system = Rollouts(kube), Kube(kube.cluster, "kube-system")
    served.prepare("equal")
    system.run("scale", "deployment", "metrics-server", "--replicas=0")
    try:
        autoscaling = {"minReplicas": 1, "maxReplicas": 2, "metric": "CPU", "target": 80}
        spec = {"modelRef": {"name": MODEL, "version": 1}, "autoscaling": autoscaling}
        served.scene.put("ModelDeployment", MODEL, spec)
        ready = kube.until_condition("modeldeployment", MODEL, "Ready", "False", "AutoscalerNotActive", 300)
        assert "its ScalingActive is False (FailedGetResourceMetric" in ready["message"]
        assert "version 1 serves on 1 of 1 replicas" in ready["message"]
    finally:
        system.run("scale", "deployment", "metrics-server", "--replicas=1")
    kube.until_condition("modeldeployment", MODEL, seconds=240)


def test_a_manifests_replicas_take_no_pods_away(metrics: str, kube: Kube) -> None:
    served = Rollouts(kube)
    served.prepare("equal")
    # An idle server needs more than a hundredth of what it requests, so the autoscaler asks for all that it may.
    autoscaling = {"minReplicas": 2, "maxReplicas": 4, "metric": "CPU", "target": 1}
    spec = {"modelRef": {"name": MODEL, "version": 1}, "autoscaling": autoscaling}
    spec["podTemplate"] = {"resources": RESOURCES}
    # As a GitOps tool does: its manifest names the field, and it takes the field back at each sync.
    manifest = {"apiVersion": "modelyard.dev/v1alpha1", "kind": "ModelDeployment", "spec": {**spec, "replicas": 1}}
    text = json.dumps({**manifest, "metadata": {"name": MODEL}})
    flags = ("apply", "--server-side", "--force-conflicts", "--field-manager=gitops", "-f", "-")
    kube.run(*flags, text=text)
    served.serving(1)
    kube.until("the autoscaler has asked for 4", lambda: asked_by(kube) == 4, 240)
    served.whole(4)
    kube.run(*flags, text=text)
    note = served.scene.event_note("ModelDeployment", MODEL, "ReplicasIgnored")
    assert note.startswith("spec.replicas: 1 was written by gitops and is not followed")
    assert served.status["held"]["replicas"] == 4
    until = time.monotonic() + 45  # three turns of the autoscaler, which first asks for minReplicas
    while time.monotonic() < until:
        (child,) = kube.list("deployments", f"modelyard.dev/modeldeployment={MODEL}")
        assert child["spec"]["replicas"] == 4
        time.sleep(0.5)
    ready = kube.until_condition("modeldeployment", MODEL)
    assert "spec.replicas: 1 of gitops was not followed" in ready["message"]


def asked_by(kube: Kube) -> int:
    """Returns the number of pods that the autoscaler has asked for last."""
    return int(((kube.get("hpa", MODEL) or {}).get("status") or {}).get("desiredReplicas") or 0)


def _is_ready(obj: Object | None) -> bool:
    return (condition(obj, "Ready") or {}).get("status") == "True"


def grown(kube: Kube, metric: dict[str, Any]) -> Rollouts:
    """Deploys an autoscaled model and sends requests until it has a second pod; returns the deployment's Rollouts."""
    served = Rollouts(kube)
    served.prepare("slow")
    autoscaling = {"minReplicas": 1, "maxReplicas": 2, **metric}
    spec = {"modelRef": {"name": MODEL, "version": 1}, "autoscaling": autoscaling}
    served.scene.put("ModelDeployment", MODEL, spec | {"podTemplate": {"resources": RESOURCES}})
    served.serving(1)
    with served.clients(rate=200, connections=8):
        served.until("a second pod, as the load asks for", replicas=2, readyReplicas=2)
    deployment = kube.get("modeldeployment", MODEL)
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 2, "written by the autoscaler, through the scale subresource"
    return served
