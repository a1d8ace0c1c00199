"""Checks what tests on KWOK's played nodes rely on: pods run, end on demand, and go at once when deleted."""

from __future__ import annotations

import pytest

from tests.localcluster.kwok import FINISH
from tests.support.kube import Kube
from tests.support.namespace import new_namespace

pytestmark = pytest.mark.kwok


@pytest.mark.parametrize(("phase", "condition"), [("Succeeded", "Complete"), ("Failed", "Failed")])
def test_a_pod_runs_until_it_is_told_to_end(kwok: str, phase: str, condition: str) -> None:
    with new_namespace(kwok) as kube:
        kube.apply(_job(kube))
        _wait_until_its_pod_is_ready(kube)
        kube.run("annotate", "pod", "-l", "job-name=j", f"{FINISH}={phase}")
        kube.run("wait", "job/j", f"--for=condition={condition}", "--timeout=60s")


def test_a_deleted_pod_goes_at_once(kwok: str) -> None:
    with new_namespace(kwok) as kube:
        kube.apply(_job(kube))
        _wait_until_its_pod_is_ready(kube)
        kube.run("delete", "job", "j", "--cascade=foreground", "--timeout=60s")
        assert kube.run("get", "pods", "-o", "name").strip() == ""


def _wait_until_its_pod_is_ready(kube: Kube) -> None:
    """Waits by the Job: kubectl fails at once where no pod has the label yet."""
    kube.run("wait", "job/j", "--for=jsonpath={.status.ready}=1", "--timeout=60s")


def _job(kube: Kube) -> dict[str, object]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    security["seccompProfile"] = {"type": "RuntimeDefault"}
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "none", "securityContext": security}]}
    metadata = {"namespace": kube.namespace, "name": "j"}
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
