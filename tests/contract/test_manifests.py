"""The overlays and the examples, as the API server sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.api import Api
from tests.localcluster import access
from tests.localcluster.paths import REPO
from tests.support.kube import Kube

pytestmark = pytest.mark.cluster
MANIFESTS = REPO / "manifests"
OVERLAYS = ("local", "production")
EXAMPLES = sorted((MANIFESTS / "examples").rglob("*.yaml"))


def rendered(cluster: str, overlay: str) -> list[dict[str, Any]]:
    text = access.kubectl(cluster, "kustomize", str(MANIFESTS / "overlays" / overlay))
    return [one for one in yaml.safe_load_all(text) if one]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_server_side_dry_run(crds: str, overlay: str) -> None:
    # A dry run makes no namespace for what follows in it.
    access.kubectl(crds, "apply", "--server-side", "-f", str(MANIFESTS / "base" / "namespace.yaml"))
    path = str(MANIFESTS / "overlays" / overlay)
    flags = ("--server-side", "--dry-run=server", "--force-conflicts", "--validate=strict")
    lines = access.kubectl(crds, "apply", *flags, "-k", path).splitlines()
    assert len(lines) == len(rendered(crds, overlay)) > 15
    assert all("serverside-applied (server dry run)" in line for line in lines), lines


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_admitted_where_restricted_is_enforced(api: Api, overlay: str) -> None:
    deployments = [one for one in rendered(api.cluster, overlay) if one["kind"] == "Deployment"]
    assert {one["metadata"]["name"] for one in deployments} == {"modelyard-operator", "modelyard-tracking"}
    for one in deployments:
        template = one["spec"]["template"]
        for container in template["spec"]["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {"requests", "limits"} <= container["resources"].keys()
        spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": one["metadata"]["name"]}, "spec": spec}
        path = f"/api/v1/namespaces/{api.namespace}/pods?dryRun=All"
        answer = api.send("POST", path, pod)
        assert answer.code == 201, answer.message
        worse = spec | {"hostNetwork": True}
        assert api.send("POST", path, pod | {"spec": worse}).code == 403  # so the namespace does check


def test_production_keeps_nothing_on_a_volume_and_secrets_in_files(crds: str) -> None:
    objects = rendered(crds, "production")
    assert [one for one in objects if one["kind"] in ("PersistentVolumeClaim", "PersistentVolume", "Secret")] == []
    tracking = next(
        one
        for one in objects
        if one["metadata"]["name"] == "modelyard-tracking" and "spec" in one and one["kind"] == "Deployment"
    )
    volumes = {one["name"]: one for one in tracking["spec"]["template"]["spec"]["volumes"]}
    assert volumes["data"] == {"name": "data", "emptyDir": {}}
    container = tracking["spec"]["template"]["spec"]["containers"][0]
    mounts = {one["name"]: one for one in container["volumeMounts"]}
    for name in ("database", "artifacts"):
        assert "secretName" in volumes[name]["secret"]
        assert mounts[name]["readOnly"] is True


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(MANIFESTS)))
def test_examples_are_accepted(api: Api, path: Path) -> None:
    flags = ("--server-side", "--dry-run=server", "--validate=strict")
    assert "serverside-applied (server dry run)" in Kube(api.cluster, api.namespace).run(
        "apply", *flags, "-f", str(path)
    )


def test_the_operators_lease_is_served_first(api: Api) -> None:
    path = str(MANIFESTS / "base" / "operator-priority.yaml")
    schema = access.kubectl(api.cluster, "apply", "--server-side", "-f", path, "-o", "jsonpath={.metadata.uid}")
    namespace = "modelyard-system"
    user = {"Impersonate-User": f"system:serviceaccount:{namespace}:modelyard-operator"}
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/modelyard-operator"

    def served_by(path: str) -> str | None:
        return api.send("GET", path, headers=user).headers["X-Kubernetes-PF-FlowSchema-UID"]

    access.wait_until(20, "the API server knows the FlowSchema", lambda: served_by(leases) == schema)
    assert served_by(api.path("Dataset")) != schema
