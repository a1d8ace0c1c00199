"""Checks the component for tenants' namespaces on the API server: it is accepted, and it holds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.common.paths import REPO
from tests.common.say import until
from tests.contract.api import Api
from tests.localcluster import access

pytestmark = pytest.mark.cluster
COMPONENT = REPO / "manifests/components/tenant"


def built(cluster: str, namespace: str, folder: Path) -> list[dict[str, Any]]:
    """Returns what kustomize builds of the component as its comment says to use it."""
    shutil.copytree(COMPONENT, folder / "tenant")
    files = {
        "namespace.yaml": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        "kustomization.yaml": {"namespace": namespace, "resources": ["namespace.yaml"], "components": ["tenant"]},
    }
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content))
    return list(yaml.safe_load_all(access.kubectl(cluster, "kustomize", str(folder))))


@pytest.fixture
def tenant(stored: Api, tmp_path: Path) -> Api:
    """Applies the component to a namespace, and waits until its quota counts."""
    objects = built(stored.cluster, stored.namespace, tmp_path)
    text = yaml.safe_dump_all(objects)
    access.kubectl(stored.cluster, "apply", "--server-side", "--validate=strict", "-f", "-", input=text)
    quota = f"/api/v1/namespaces/{stored.namespace}/resourcequotas/modelyard-tenant"
    until(60, "the quota counts", lambda: stored.send("GET", quota).document.get("status", {}).get("used"))
    return stored


def pod(**more: Any) -> dict[str, Any]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    container = {
        "name": "main",
        "image": "modelyard/none",
        "securityContext": {**security, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    return {"metadata": {"name": "one"}, "spec": {"containers": [container], **more}}


def test_it_builds_into_one_namespace_with_its_labels(crds: str, tmp_path: Path) -> None:
    namespace, *others = built(crds, "team-a", tmp_path)
    assert namespace["kind"] == "Namespace"
    assert namespace["metadata"]["name"] == "team-a"
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert namespace["metadata"]["labels"]["modelyard.dev/tenant"] == "true"
    assert {item["metadata"]["namespace"] for item in others} == {"team-a"}
    kinds = [item["kind"] for item in others]
    assert sorted(set(kinds)) == ["LimitRange", "NetworkPolicy", "ResourceQuota"]


def test_it_admits_what_says_nothing_of_its_size_and_refuses_what_is_too_much(tenant: Api) -> None:
    path = f"/api/v1/namespaces/{tenant.namespace}"
    answer = tenant.send("POST", f"{path}/pods?dryRun=All", pod())
    assert answer.code == 201, answer.message
    resources = answer.document["spec"]["containers"][0]["resources"]
    assert resources == {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}
    answer = tenant.send("POST", f"{path}/pods?dryRun=All", pod(hostNetwork=True))
    assert answer.code == 403
    assert "restricted" in answer.message
    service = {"metadata": {"name": "one"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    answer = tenant.send("POST", f"{path}/services?dryRun=All", service)
    assert answer.code == 403
    assert "exceeded quota" in answer.message


@pytest.mark.parametrize(
    ("resource", "group", "allowed"),
    [
        ("networkpolicies", "networking.k8s.io", True),
        ("resourcequotas", "", False),
        ("limitranges", "", False),
        ("namespaces", "", False),
    ],
)
def test_what_people_with_the_role_edit_may_lift(api: Api, resource: str, group: str, allowed: bool) -> None:
    """The component's comments say so; a right that Kubernetes adds or takes away changes what they promise."""
    rules = api.send("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/edit").document["rules"]
    found = [rule for rule in rules if resource in rule["resources"] and group in rule["apiGroups"]]
    verbs = {verb for rule in found for verb in rule["verbs"]}
    assert bool(verbs & {"update", "patch", "delete"}) is allowed
