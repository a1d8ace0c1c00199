"""Checks that metrics-server measures the CPU and memory of pods, which autoscaling relies on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.echo import echo
from tests.support.kube import Kube

pytestmark = pytest.mark.cluster


def autoscaler(kube: Kube, name: str) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": kube.namespace},
        "spec": {"scaleTargetRef": target, "maxReplicas": 2, "metrics": [{"type": "Resource", "resource": cpu}]},
    }


def test_an_autoscaler_gets_the_cpu_that_pods_use(metrics: str, kube: Kube) -> None:
    kube.apply(*echo(kube, "busy"), autoscaler(kube, "busy"))

    def measured() -> bool:
        status = (kube.get("hpa", "busy") or {}).get("status", {})
        # Until the first measurement, currentMetrics holds an entry without a value.
        values = [metric.get("resource", {}).get("current", {}) for metric in status.get("currentMetrics") or ()]
        return any("averageUtilization" in value for value in values)

    kube.until("a current value of the CPU", measured, 150, every=1)
    name, cpu, memory = kube.run("top", "pods", "--no-headers").split()[:3]
    assert name.startswith("busy-")
    assert cpu.endswith("m")
    assert int(memory.removesuffix("Mi")) > 5
