"""Checks that the page of permissions says what a real API server answers to ``kubectl auth can-i --list``."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from modelyard_api import GROUP
from modelyard_api.generate.permissions import INSTALLED, accounts, objects, rows
from tests.common.paths import REPO
from tests.common.say import CannotRun, until
from tests.contract.api import Api
from tests.contract.test_manifests import OVERLAYS, rendered
from tests.localcluster import access

pytestmark = pytest.mark.cluster
RULED = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
SYSTEM = "modelyard-system"
NAMES = [name for _, name in sorted(accounts(item for folder in INSTALLED for item in objects(folder)))]
REVIEWS = "/apis/authorization.k8s.io/v1"
Table = dict[tuple[str, str], set[str]]
"""(resource or URL, the only name or nothing) -> verbs."""


def tables() -> dict[str, Table]:
    """Returns the heading of each of the page's tables -> its rows."""
    found: dict[str, Table] = defaultdict(dict)
    heading = ""
    for line in (REPO / "docs/reference/permissions.md").read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if line.startswith("| `"):
            what, name, verbs = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
            found[heading][what, name] = set(verbs.split())
    return found


PAGE = tables()


def together(*parts: Table) -> Table:
    merged: Table = defaultdict(set)
    for part in parts:
        for key, verbs in part.items():
            merged[key] |= verbs
    return dict(merged)


def listed(api: Api, namespace: str, user: str) -> Table:
    """Returns what ``kubectl auth can-i --list`` asks for, as that user."""
    path, review = f"{REVIEWS}/selfsubjectrulesreviews", {"spec": {"namespace": namespace}}
    answer = api.send("POST", path, review, headers={"Impersonate-User": user})
    assert answer.code == 201, answer.message
    status = answer.document["status"]
    assert status["incomplete"] is False, status
    made = rows([*status["resourceRules"], *status["nonResourceRules"]])
    return {(row.url or row.resource, row.name): set(row.verbs) for row in made}


def until_listed(api: Api, namespace: str, user: str, expected: Table) -> None:
    """Waits for the API server to know what was applied, and shows how its answer differs if it never does."""
    try:
        until(20, f"{user} may do what the page says", lambda: listed(api, namespace, user) == expected)
    except CannotRun:
        assert listed(api, namespace, user) == expected


@pytest.fixture(scope="module")
def installed(api: Api) -> Api:
    """Applies the rights of an installation."""
    built = [*rendered(api.cluster, "production"), *rendered(api.cluster, "../alerts")]
    for obj in (item for item in built if item["kind"] in ("Namespace", *RULED)):
        flags = ("--server-side", "--force-conflicts", "-f", "-")
        access.kubectl(api.cluster, "apply", *flags, input=json.dumps(obj))
    return api


@pytest.mark.parametrize("overlay", [*OVERLAYS, "../alerts"])
def test_the_page_reads_the_manifests_as_kustomize_does(crds: str, overlay: str) -> None:
    read, built = (
        sorted(
            json.dumps({**item, "metadata": item["metadata"] | {"labels": {}}}, sort_keys=True)
            for item in items
            if item["kind"] in RULED
        )
        for items in (objects(REPO / "manifests/overlays" / overlay), rendered(crds, overlay))
    )
    assert read == built, "apart from labels"


@pytest.mark.parametrize("name", NAMES)
def test_an_account_may_do_what_the_page_says_and_nothing_else(installed: Api, name: str) -> None:
    user = f"system:serviceaccount:{SYSTEM}:{name}"
    everywhere = PAGE.get(f"{name} in every namespace", {})
    here = PAGE.get(f"{name} in the namespace {SYSTEM}", {})
    until_listed(installed, installed.namespace, user, together(PAGE["Everybody"], everywhere))
    until_listed(installed, SYSTEM, user, together(PAGE["Everybody"], everywhere, here))


def test_pods_of_tenants_may_do_what_everybody_may(installed: Api) -> None:
    user = f"system:serviceaccount:{installed.namespace}:default"
    until_listed(installed, installed.namespace, user, PAGE["Everybody"])
    until_listed(installed, SYSTEM, user, PAGE["Everybody"])


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_people_may_do_what_the_page_says(installed: Api, role: str) -> None:
    user = f"person-{role}"
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    group = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{installed.namespace}"
    answer = installed.send("POST", f"{group}/rolebindings", binding)
    assert answer.code == 201, answer.message
    parts = ("view",) if role == "view" else ("view", "edit")
    expected = together(*(PAGE[f"Role modelyard-{part}"] for part in parts))

    def ours() -> Table:
        found = listed(installed, installed.namespace, user)
        return {key: verbs for key, verbs in found.items() if GROUP in key[0]}

    until(30, "the cluster's roles hold ours", lambda: ours() == expected)


@pytest.mark.parametrize("account", [*(f"{SYSTEM}:{name}" for name in NAMES), "{tenant}:default"])
@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("get", "", "secrets"),
        ("create", "", "pods"),
        ("create", "", "pods/exec"),
        ("get", "", "nodes/proxy"),
        ("create", "", "serviceaccounts/token"),
        ("impersonate", "", "users"),
        ("escalate", "rbac.authorization.k8s.io", "clusterroles"),
        ("bind", "rbac.authorization.k8s.io", "clusterroles"),
    ],
)
def test_no_account_may_become_more(installed: Api, account: str, verb: str, group: str, resource: str) -> None:
    """These are the rights by which one account gets at another's."""
    name, _, subresource = resource.partition("/")
    asked = {"namespace": installed.namespace, "verb": verb, "group": group, "resource": name}
    asked |= {"subresource": subresource}
    user = f"system:serviceaccount:{account.format(tenant=installed.namespace)}"
    groups = ["system:serviceaccounts", "system:authenticated"]
    review = {"spec": {"resourceAttributes": asked, "user": user, "groups": groups}}
    answer = installed.send("POST", f"{REVIEWS}/subjectaccessreviews", review)
    assert answer.code == 201, answer.message
    assert answer.document["status"]["allowed"] is False
