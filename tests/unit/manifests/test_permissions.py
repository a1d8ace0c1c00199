"""Checks how the page of permissions is made from the manifests."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard_api.generate import permissions
from modelyard_api.generate.permissions import MANIFESTS, Row, granted, objects, rows

FOLDERS = [MANIFESTS / folder for folder in ("base", "overlays/local", "overlays/production")]
OPERATOR = ("modelyard-system", "modelyard-operator")


def test_every_overlay_grants_what_the_page_says() -> None:
    def of(folder: Path) -> dict[Any, Any]:
        every = list(objects(folder))
        return {account: granted(every, account) for account in permissions.accounts(every)}

    first, *others = (of(folder) for folder in FOLDERS)
    assert OPERATOR in first
    assert all(other == first for other in others)


def test_rules_are_shown_as_kubectl_shows_them() -> None:
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch", "get"]},
        {"apiGroups": ["apps"], "resources": ["deployments/scale"], "resourceNames": ["a", "b"], "verbs": ["get"]},
        {"nonResourceURLs": ["/version"], "verbs": ["get"]},
    ]
    assert rows(rules) == (
        Row("", "", ("get",), "/version"),
        Row("pods", "", ("get", "list", "patch")),
        Row("deployments.apps/scale", "a", ("get",)),
        Row("deployments.apps/scale", "b", ("get",)),
    )


def test_a_role_is_found_in_the_namespace_of_its_binding_alone() -> None:
    def role(namespace: str, verb: str) -> dict[str, Any]:
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": [verb]}]
        return {"kind": "Role", "metadata": {"name": "one", "namespace": namespace}, "rules": rules}

    def binding(kind: str) -> dict[str, Any]:
        subject = {"kind": kind, "name": "robot", "namespace": "system"}
        reference = {"kind": "Role", "name": "one"}
        metadata = {"name": "one", "namespace": "b"}
        return {"kind": "RoleBinding", "metadata": metadata, "roleRef": reference, "subjects": [subject]}

    every = [role("a", "get"), role("b", "list"), binding("ServiceAccount")]
    assert granted(every, ("system", "robot")) == {"b": (Row("pods", "", ("list",)),)}
    assert granted(every, ("a", "robot")) == {}
    with pytest.raises(ValueError, match="one binds Role one, which is not ours"):
        granted([role("a", "get"), binding("ServiceAccount")], ("system", "robot"))
    with pytest.raises(ValueError, match="one binds a Group, which has no section"):
        granted([role("b", "get"), binding("Group")], ("system", "robot"))


def test_an_overlay_that_patches_rights_is_refused(tmp_path: Path) -> None:
    shutil.copytree(MANIFESTS / "base", tmp_path / "base")
    (tmp_path / "overlay").mkdir()
    patch = {"patch": yaml.safe_dump({"kind": "ClusterRole", "metadata": {"name": "modelyard-operator"}, "rules": []})}
    kustomization = {"resources": ["../base"], "patches": [patch]}
    (tmp_path / "overlay" / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    with pytest.raises(ValueError, match="overlay patches ClusterRole modelyard-operator"):
        list(objects(tmp_path / "overlay"))


def test_an_account_that_is_added_has_its_section(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    account = {"kind": "ServiceAccount", "metadata": {"name": "robot"}}
    rule = {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}
    role = {"kind": "ClusterRole", "metadata": {"name": "robot"}, "rules": [rule]}
    subject = {"kind": "ServiceAccount", "name": "robot", "namespace": "system"}
    binding = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "robot"},
        "roleRef": {"kind": "ClusterRole", "name": "robot"},
        "subjects": [subject],
    }
    (tmp_path / "robot.yaml").write_text(yaml.safe_dump_all([account, role, binding]))
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"namespace": "system", "resources": ["robot.yaml"]}))
    monkeypatch.setattr(permissions, "INSTALLED", (tmp_path,))
    text = "\n".join(permissions.page())
    section = text.partition("### robot in every namespace\n")[2].partition("\n## ")[0]
    assert "| `tokenreviews.authentication.k8s.io` |  | create |" in section
