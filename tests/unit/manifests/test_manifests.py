"""What the manifests promise that can be read from the files: rules without wildcards, settings that are understood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.main import KEY, NAME, parse_installation
from tests.localcluster import install
from tests.localcluster.say import CannotRun

MANIFESTS = Path(__file__).resolve().parents[3] / "manifests"
OVERLAYS = ("local", "production")


def documents(*paths: Path) -> list[dict[str, Any]]:
    return [one for path in paths for one in yaml.safe_load_all(path.read_text()) if one]


def base(kind: str) -> list[dict[str, Any]]:
    return [one for one in documents(*(MANIFESTS / "base").glob("*.yaml")) if one["kind"] == kind]


def rules(role: str) -> list[dict[str, Any]]:
    found = [one for one in [*base("ClusterRole"), *base("Role")] if one["metadata"]["name"] == role]
    assert found
    return [rule for one in found for rule in one["rules"]]


def test_no_rule_holds_a_wildcard() -> None:
    for role in [*base("ClusterRole"), *base("Role")]:
        for rule in role["rules"]:
            for key in ("apiGroups", "resources", "verbs", "resourceNames"):
                assert "*" not in rule.get(key, ()), (role["metadata"]["name"], rule)


def test_the_operator_may_not_read_secrets_nor_write_what_is_not_its_own() -> None:
    for rule in rules("modelyard-operator"):
        assert "secrets" not in rule["resources"]
        for resource in {"configmaps", "persistentvolumeclaims", "pods"} & set(rule["resources"]):
            # It writes the catalogues of ModelPools and annotates their pods; RBAC knows no narrower way to say so.
            more = {"configmaps": {"watch", "create", "patch"}, "pods": {"patch"}}.get(resource, set())
            assert set(rule["verbs"]) <= {"get", "list"} | more
        if "modelyard.dev" in rule["apiGroups"]:
            assert {"delete", "deletecollection"}.isdisjoint(rule["verbs"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_installation_is_understood(overlay: str) -> None:
    text = (MANIFESTS / "overlays" / overlay / KEY).read_text()
    found = parse_installation({KEY: text}, overlay)
    assert found.images.runtime.startswith("localhost/" if overlay == "local" else "ghcr.io/")
    kustomization = documents(MANIFESTS / "overlays" / overlay / "kustomization.yaml")[0]
    generated = kustomization["configMapGenerator"]
    assert generated == [{"name": NAME, "files": [KEY], "options": {"disableNameSuffixHash": True}}]


def test_no_secret_is_in_an_environment_variable() -> None:
    for path in MANIFESTS.rglob("*.yaml"):
        assert "secretKeyRef" not in path.read_text(), path


def _deployment(image: str) -> dict[str, Any]:
    pod = {"metadata": {}, "spec": {"containers": [{"image": image}]}}
    return {"kind": "Deployment", "metadata": {"name": "one"}, "spec": {"template": pod}}


def _annotations(image_digest: str, setting: str) -> dict[str, str]:
    settings = {"kind": "ConfigMap", "data": {"installation.yaml": setting}}
    objects = [settings, _deployment("localhost/modelyard/operator:dev")]
    made = install.marked(objects, {"operator": image_digest, "server": "sha256:other"})
    return dict(made[1]["spec"]["template"]["metadata"]["annotations"])


def test_pods_are_made_anew_for_a_new_image_or_setting_only() -> None:
    first = _annotations("sha256:1", "a")
    assert first["modelyard.dev/image-digest"] == "sha256:1"
    assert _annotations("sha256:1", "a") == first
    assert _annotations("sha256:2", "a") != first
    assert _annotations("sha256:1", "b") != first


def test_an_image_that_is_not_built_is_an_error() -> None:
    with pytest.raises(CannotRun, match="none of elsewhere/x is built"):
        install.marked([_deployment("elsewhere/x")], {"operator": "sha256:1"})
