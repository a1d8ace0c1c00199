"""Checks RBAC: rights on our kinds follow from their facts, rights on other resources are exactly those listed here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard_api import GROUP
from modelyard_api.fields.facts import KindInfo
from modelyard_api.generate import rbac
from modelyard_api.kinds.registry import DELIVERED, KINDS

INFOS = [kind.info for kind in KINDS.values()]
KEPT = "get list watch create patch delete"
ADDED = "get create patch delete"
OTHERS = {
    "jobs.batch": KEPT,
    "deployments.apps": KEPT,
    "services.": KEPT,
    "poddisruptionbudgets.policy": KEPT,
    "horizontalpodautoscalers.autoscaling": KEPT,
    "scaledobjects.keda.sh": ADDED,
    "httproutes.gateway.networking.k8s.io": ADDED,
    "backendtrafficpolicies.gateway.envoyproxy.io": ADDED,
    "configmaps.": "get list watch create patch",
    "endpointslices.discovery.k8s.io": "list watch",
    "customresourcedefinitions.apiextensions.k8s.io scaledobjects.keda.sh": "get",
    "gateways.gateway.networking.k8s.io": "get",
    "gatewayclasses.gateway.networking.k8s.io": "get",
    "pods.": "list patch",
    "nodes.": "get",
    "namespaces.": "get",
    "persistentvolumeclaims.": "get list watch create patch",
    "events.events.k8s.io": "list create patch",
    "tokenreviews.authentication.k8s.io": "create",
    "subjectaccessreviews.authorization.k8s.io": "create",
}
"""Other resources -> the operator's verbs on them in all namespaces. A wider right must be added here too."""
OWN_NAMESPACE = {
    "leases.coordination.k8s.io": "create",
    "leases.coordination.k8s.io modelyard-operator": "get patch",
    "configmaps. modelyard": "get",
}
every_kind = pytest.mark.parametrize("info", INFOS, ids=lambda info: info.kind)


def documents() -> Iterator[dict[str, Any]]:
    for name in rbac.files():
        yield from yaml.safe_load_all((rbac.FOLDER / name).read_text())


def rights(kind: str, name: str) -> dict[str, set[str]]:
    """Returns a role's verbs by ``resource.group``, followed by the object's name if the rule is about one object."""
    verbs: dict[str, set[str]] = defaultdict(set)
    (role,) = (item for item in documents() if (item["kind"], item["metadata"]["name"]) == (kind, name))
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for only in rule.get("resourceNames", [""]):
                    verbs[f"{resource}.{group} {only}".strip()] |= set(rule["verbs"])
    return verbs


def ours(role: str, info: KindInfo, subresource: str = "") -> set[str]:
    return rights("ClusterRole", role).get(f"{info.plural}{subresource}.{GROUP}", set())


def test_files_are_current() -> None:
    assert rbac.differences() == "", "run `make crds`"


def test_check_says_what_differs(tmp_path: Path) -> None:
    rbac.write(tmp_path)
    assert rbac.differences(tmp_path) == ""
    path = tmp_path / "user-rbac.yaml"
    path.write_text(path.read_text().replace("[delete, deletecollection]", "['*']"))
    assert "-  verbs: ['*']" in rbac.differences(tmp_path)


def test_rights_on_what_is_not_ours() -> None:
    granted = rights("ClusterRole", rbac.NAME)
    assert {name: verbs for name, verbs in granted.items() if GROUP not in name} == {
        name: set(verbs.split()) for name, verbs in OTHERS.items()
    }
    assert rights("Role", rbac.NAME) == {name: set(verbs.split()) for name, verbs in OWN_NAMESPACE.items()}


@every_kind
def test_the_operator_reads_specs_and_writes_statuses(info: KindInfo) -> None:
    delivers = {"create", "patch", "delete"} if info.kind in DELIVERED else set()
    assert ours(rbac.NAME, info) == {"get", "list", "watch", *info.operator, *delivers}
    assert ours(rbac.NAME, info, "/status") == {"patch"}
    assert ours(rbac.NAME, info, "/finalizers") == ({"update"} if info.owns else set())
    assert ours(rbac.NAME, info, "/scale") == set()


def test_a_source_delivers_what_people_write_and_no_further_sources() -> None:
    written = {info.kind for info in INFOS if info.people == "Edit"}
    assert set(DELIVERED) == written - {"PipelineSource"}


@every_kind
def test_the_operator_may_make_what_a_kind_owns(info: KindInfo) -> None:
    granted = rights("ClusterRole", rbac.NAME)
    for kind in info.owns:
        type_ = rbac.BUILT_IN.get(kind) or KINDS[kind].info.resource
        assert {"get", "create"} <= granted[f"{type_.plural}.{type_.group}"], kind


@every_kind
def test_people_write_specs_but_of_what_the_operator_makes(info: KindInfo) -> None:
    removes = {"delete", "deletecollection"}
    assert ours("modelyard-view", info) == {"get", "list", "watch"}
    assert ours("modelyard-edit", info) == (
        {"create", "update", "patch"} | removes if info.people == "Edit" else removes
    )
    assert ours("modelyard-edit", info, "/scale") == ({"get", "update", "patch"} if info.scale else set())
    assert ours("modelyard-edit", info, "/status") == set()


def test_roles_are_bound_and_added_to_those_of_the_cluster() -> None:
    bindings = [item for item in documents() if item["kind"].endswith("Binding")]
    assert {(item["kind"], item["roleRef"]["kind"], item["roleRef"]["name"]) for item in bindings} == {
        ("ClusterRoleBinding", "ClusterRole", rbac.NAME),
        ("RoleBinding", "Role", rbac.NAME),
    }
    account = {"kind": "ServiceAccount", "name": rbac.NAME, "namespace": "modelyard-system"}
    assert all(item["subjects"] == [account] for item in bindings)
    labels = {item["metadata"]["name"]: item["metadata"].get("labels", {}) for item in documents()}
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    assert labels["modelyard-view"] == {f"{prefix}{role}": "true" for role in ("view", "edit", "admin")}
    assert labels["modelyard-edit"] == {f"{prefix}{role}": "true" for role in ("edit", "admin")}
