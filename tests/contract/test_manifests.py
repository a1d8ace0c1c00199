"""Checks that the API server accepts the overlays and the examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.common.paths import REPO
from tests.common.say import until
from tests.contract.api import Api
from tests.localcluster import access
from tests.support import examples
from tests.support.kube import Kube

pytestmark = pytest.mark.cluster
MANIFESTS = REPO / "manifests"
OVERLAYS = ("local", "production")


def rendered(cluster: str, overlay: str) -> list[dict[str, Any]]:
    text = access.kubectl(cluster, "kustomize", str(MANIFESTS / "overlays" / overlay))
    return [document for document in yaml.safe_load_all(text) if document]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_server_side_dry_run(crds: str, overlay: str) -> None:
    # A dry run creates no namespace for the objects that follow it in the overlay.
    access.kubectl(crds, "apply", "--server-side", "-f", str(MANIFESTS / "base" / "namespace.yaml"))
    path = str(MANIFESTS / "overlays" / overlay)
    flags = ("--server-side", "--dry-run=server", "--force-conflicts", "--validate=strict")
    lines = access.kubectl(crds, "apply", *flags, "-k", path).splitlines()
    assert len(lines) == len(rendered(crds, overlay)) > 15
    assert all("serverside-applied (server dry run)" in line for line in lines), lines


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_admitted_where_restricted_is_enforced(api: Api, overlay: str) -> None:
    deployments = [item for item in rendered(api.cluster, overlay) if item["kind"] == "Deployment"]
    assert {item["metadata"]["name"] for item in deployments} == {"modelyard-operator", "modelyard-tracking"}
    for deployment in deployments:
        template = deployment["spec"]["template"]
        assert template["spec"]["priorityClassName"] == "modelyard-system"
        for container in template["spec"]["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {"requests", "limits"} <= container["resources"].keys()
        spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
        metadata = {"name": deployment["metadata"]["name"]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        path = f"/api/v1/namespaces/{api.namespace}/pods?dryRun=All"
        answer = api.send("POST", path, pod)
        assert answer.code == 201, answer.message
        forbidden = spec | {"hostNetwork": True}
        # Without this refusal, the 201 above would only show that the namespace enforces nothing.
        assert api.send("POST", path, pod | {"spec": forbidden}).code == 403


def test_production_keeps_nothing_on_a_volume_and_secrets_in_files(crds: str) -> None:
    objects = rendered(crds, "production")
    assert {item["kind"] for item in objects}.isdisjoint(("PersistentVolumeClaim", "PersistentVolume", "Secret"))
    tracking = next(
        item
        for item in objects
        if item["metadata"]["name"] == "modelyard-tracking" and "spec" in item and item["kind"] == "Deployment"
    )
    volumes = {volume["name"]: volume for volume in tracking["spec"]["template"]["spec"]["volumes"]}
    assert volumes["data"] == {"name": "data", "emptyDir": {}}
    container = tracking["spec"]["template"]["spec"]["containers"][0]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    for name in ("database", "artifacts"):
        assert "secretName" in volumes[name]["secret"]
        assert mounts[name]["readOnly"] is True


@pytest.mark.parametrize("path", examples.FILES, ids=lambda path: str(path.relative_to(MANIFESTS)))
def test_examples_are_accepted(api: Api, path: Path) -> None:
    flags = ("--server-side", "--dry-run=server", "--validate=strict")
    assert "serverside-applied (server dry run)" in Kube(api.cluster, api.namespace).run(
        "apply", *flags, "-f", "-", text=examples.text(path)
    )


def test_the_operators_lease_is_served_first(api: Api) -> None:
    path = str(MANIFESTS / "base" / "operator-priority.yaml")
    schema = access.kubectl(api.cluster, "apply", "--server-side", "-f", path, "-o", "jsonpath={.metadata.uid}")
    namespace = "modelyard-system"
    user = {"Impersonate-User": f"system:serviceaccount:{namespace}:modelyard-operator"}
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/modelyard-operator"

    def served_by(path: str) -> str | None:
        return api.send("GET", path, headers=user).headers["X-Kubernetes-PF-FlowSchema-UID"]

    until(20, "the API server knows the FlowSchema", lambda: served_by(leases) == schema)
    assert served_by(api.path("Dataset")) != schema
