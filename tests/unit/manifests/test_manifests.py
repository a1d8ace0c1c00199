"""Checks the manifests' promises that can be read from the files: no wildcards in rules, settings that are valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.engine.resource import JOBS, TRAINING_RUNS
from modelyard.main import KEY, NAME, parse_installation
from modelyard.workload.template import quantity
from modelyard_api.fields.pods import SYSTEM_PRIORITY
from modelyard_api.kinds.registry import DELIVERED, KINDS
from tests.common.say import CannotRun
from tests.localcluster import install
from tests.unit.kinds.objects import run
from tests.unit.kinds.test_trainingrun import with_data

MANIFESTS = Path(__file__).resolve().parents[3] / "manifests"
OVERLAYS = ("local", "production")


def documents(*paths: Path) -> list[dict[str, Any]]:
    return [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]


def base(kind: str) -> list[dict[str, Any]]:
    return [item for item in documents(*(MANIFESTS / "base").glob("*.yaml")) if item["kind"] == kind]


def rules(role: str) -> list[dict[str, Any]]:
    roles = [item for item in [*base("ClusterRole"), *base("Role")] if item["metadata"]["name"] == role]
    assert roles
    return [rule for item in roles for rule in item["rules"]]


def test_no_rule_holds_a_wildcard() -> None:
    for role in [*base("ClusterRole"), *base("Role")]:
        for rule in role["rules"]:
            for key in ("apiGroups", "resources", "verbs", "resourceNames"):
                assert "*" not in rule.get(key, ()), (role["metadata"]["name"], rule)


def test_the_operator_may_not_read_secrets_nor_write_what_is_not_its_own() -> None:
    for rule in rules("modelyard-operator"):
        assert "secrets" not in rule["resources"]
        for resource in {"configmaps", "persistentvolumeclaims", "pods"} & set(rule["resources"]):
            # The operator writes the catalogues of ModelPools and annotates their pods, and makes the volumes of
            # Workspaces; RBAC can't be narrower.
            writes = {"pods": {"patch"}}.get(resource, {"watch", "create", "patch"})
            assert set(rule["verbs"]) <= {"get", "list"} | writes
        assert "*" not in {*rule["resources"], *rule["verbs"], *rule["apiGroups"]}
        if "modelyard.dev" in rule["apiGroups"] and "delete" in rule["verbs"]:
            # A Pipeline deletes its oldest runs, a Dataset its oldest versions, and a PipelineSource prunes what it has
            # delivered.
            delivered = {KINDS[kind].info.plural for kind in DELIVERED}
            assert set(rule["resources"]) in ({"datasetversions", "pipelineruns"}, delivered)
        assert "deletecollection" not in rule["verbs"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_installation_is_understood(overlay: str) -> None:
    text = (MANIFESTS / "overlays" / overlay / KEY).read_text()
    installation = parse_installation({KEY: text}, overlay)
    assert installation.images.runtime.startswith("localhost/" if overlay == "local" else "ghcr.io/")
    kustomization = documents(MANIFESTS / "overlays" / overlay / "kustomization.yaml")[0]
    generated = kustomization["configMapGenerator"]
    assert generated == [{"name": NAME, "files": [KEY], "options": {"disableNameSuffixHash": True}}]


def pod_spec(overlay: str, name: str) -> dict[str, Any]:
    """Returns the spec of a Deployment's pods, of one container, as the overlay's patches make it."""
    patches = [item for item in documents(*(MANIFESTS / "overlays" / overlay).glob("*.yaml")) if item.get("kind")]
    (spec,) = (item["spec"]["template"]["spec"] for item in base("Deployment") if item["metadata"]["name"] == name)
    for patch in patches:
        if patch["kind"] == "Deployment" and patch["metadata"]["name"] == name:
            changes = patch["spec"].get("template", {}).get("spec", {})
            spec |= {key: value for key, value in changes.items() if key != "containers"}
            for container in changes.get("containers", ()):
                for part, values in container.get("resources", {}).items():
                    spec["containers"][0]["resources"][part] |= values
    return dict(spec)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_runs_can_not_starve_the_operator(overlay: str) -> None:
    """A pod that is busy gets at least its request of a node's CPU, however many others are busy on it."""
    installation = parse_installation({KEY: (MANIFESTS / "overlays" / overlay / KEY).read_text()}, overlay)
    for name, cpu, memory in (("modelyard-operator", "300m", "256Mi"), ("modelyard-tracking", "200m", "512Mi")):
        spec = pod_spec(overlay, name)
        assert spec["priorityClassName"] == SYSTEM_PRIORITY
        requests = spec["containers"][0]["resources"]["requests"]
        assert quantity(requests["cpu"]) >= quantity(cpu)
        assert quantity(requests["cpu"]) >= quantity(installation.resources.run.requests["cpu"])
        # The kubelet first evicts what uses more than it has requested; the operator uses 186 MB with 10,000 objects.
        assert quantity(requests["memory"]) >= quantity(memory)


def test_the_priority_class_is_the_operators_own() -> None:
    (priority,) = base("PriorityClass")
    assert priority["metadata"]["name"] == SYSTEM_PRIORITY
    assert 0 < priority["value"] <= 1_000_000_000, "more is reserved for Kubernetes itself"
    assert priority["globalDefault"] is False, "runs would get it too"
    resources = documents(MANIFESTS / "base" / "kustomization.yaml")[0]["resources"]
    assert "priority.yaml" in resources
    world = with_data()
    world.put(TRAINING_RUNS, run())
    world.settle()
    for job in world.all(JOBS):
        assert "priorityClassName" not in job["spec"]["template"]["spec"]


def test_no_secret_is_in_an_environment_variable() -> None:
    for path in MANIFESTS.rglob("*.yaml"):
        assert "secretKeyRef" not in path.read_text(), path


def _deployment(image: str) -> dict[str, Any]:
    pod = {"metadata": {}, "spec": {"containers": [{"image": image}]}}
    return {"kind": "Deployment", "metadata": {"name": "one"}, "spec": {"template": pod}}


def _annotations(image_digest: str, setting: str) -> dict[str, str]:
    settings = {"kind": "ConfigMap", "data": {"installation.yaml": setting}}
    objects = [settings, _deployment("localhost/modelyard/operator:dev")]
    marked = install.marked(objects, {"operator": image_digest, "server": "sha256:other"})
    return dict(marked[1]["spec"]["template"]["metadata"]["annotations"])


def test_pods_are_made_anew_for_a_new_image_or_setting_only() -> None:
    first = _annotations("sha256:1", "a")
    assert first["modelyard.dev/image-digest"] == "sha256:1"
    assert _annotations("sha256:1", "a") == first
    assert _annotations("sha256:2", "a") != first
    assert _annotations("sha256:1", "b") != first


def test_an_image_that_is_not_built_is_an_error() -> None:
    with pytest.raises(CannotRun, match="none of elsewhere/x is built"):
        install.marked([_deployment("elsewhere/x")], {"operator": "sha256:1"})
