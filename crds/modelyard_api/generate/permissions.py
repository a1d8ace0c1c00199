"""The reference page of rights, from the manifests: what ``kubectl auth can-i --list`` answers for our accounts.

A contract test compares the page with a real API server's answers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

MANIFESTS = Path(__file__).resolve().parents[3] / "manifests"
INSTALLED = (MANIFESTS / "overlays" / "production", MANIFESTS / "alerts")
NOTHING = "Nothing beyond that."
_MARK = "Generated from `manifests` by `make docs`; do not edit."
_VERBS = "get list watch create update patch delete deletecollection"
_PODS = "Deployment"
_READ = (_PODS, "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


@dataclass(frozen=True, order=True)
class Row:
    """A line of ``kubectl auth can-i --list``. ``resource`` is followed by its group; else ``url`` is set."""

    resource: str = ""
    name: str = ""
    verbs: tuple[str, ...] = ()
    url: str = ""

    def text(self) -> str:
        cells = (self.url or self.resource, self.name)
        return " | ".join(("", *(f"`{cell}`" if cell else "" for cell in cells), " ".join(self.verbs), "")).strip()


EVERYBODY: tuple[Object, ...] = (
    {
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        "verbs": ["create"],
    },
    {"apiGroups": ["certificates.k8s.io"], "resources": ["clustertrustbundles"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
    {
        "nonResourceURLs": [
            *("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz"),
            *("/version", "/version/", "/.well-known/openid-configuration", "/.well-known/openid-configuration/"),
            *("/openid/v1/jwks", "/openid/v1/jwks/"),
        ],
        "verbs": ["get"],
    },
)
"""What Kubernetes' own default roles give every service account."""


def objects(folder: Path) -> Iterator[Object]:
    """Yields what decides on rights of a kustomization and of those that it builds on, in its namespace.

    Raises ValueError if it patches such an object other than a Deployment: nothing here reads patches.
    """
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    for patch in kustomization.get("patches", ()):
        text = patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text()
        for document in _documents(text):
            if document["kind"] != _PODS:
                raise ValueError(f"{folder.name} patches {document['kind']} {document['metadata']['name']}")
    for entry in (*kustomization.get("resources", ()), *kustomization.get("components", ())):
        path = folder / entry
        found = objects(path) if path.is_dir() else _documents(path.read_text())
        for item in found:
            metadata = item["metadata"]
            if "namespace" in kustomization and not item["kind"].startswith("Cluster"):
                metadata = metadata | {"namespace": kustomization["namespace"]}
            yield item | {"metadata": metadata}


def _documents(text: str) -> Iterator[Object]:
    """Yields the objects of a file that decide on rights. It parses no others: reading the CRDs takes long."""
    for document in re.split(r"^---$", text, flags=re.MULTILINE):
        if re.search(rf"^kind: ({'|'.join(_READ)})$", document, re.MULTILINE):
            yield yaml.safe_load(document)


def rows(rules: Iterable[Object]) -> tuple[Row, ...]:
    """Returns the rules as ``kubectl auth can-i --list`` shows them: a line for each resource, name and URL."""
    verbs: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for rule in rules:
        for url in rule.get("nonResourceURLs") or ():
            verbs["", "", url] += rule["verbs"]
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for name in rule.get("resourceNames") or ("",):
                    verbs[_with_group(resource, group), name, ""] += rule["verbs"]
    made = (
        Row(resource, name, tuple(sorted(set(of), key=f" {_VERBS} ".find)), url)
        for (resource, name, url), of in verbs.items()
    )
    return tuple(sorted(made, key=lambda row: (row.resource.partition(".")[2].partition("/")[0], row)))


def _with_group(resource: str, group: str) -> str:
    """Returns for example ``models.modelyard.dev/status``, as kubectl shows it."""
    name, slash, subresource = resource.partition("/")
    return (f"{name}.{group}" if group else name) + slash + subresource


def granted(of: Iterable[Object], account: tuple[str, str]) -> dict[str, tuple[Row, ...]]:
    """Returns namespace -> rights there of a service account, (namespace, name); everywhere is the namespace ``""``."""
    every = list(of)
    roles = {(*_key(item), item["kind"]): item["rules"] for item in every if item["kind"] in ("Role", "ClusterRole")}
    rules: dict[str, list[Object]] = defaultdict(list)
    for binding in every:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        where, _ = _key(binding)
        kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
        for subject in binding["subjects"]:
            if subject["kind"] != "ServiceAccount":
                raise ValueError(f"{binding['metadata']['name']} binds a {subject['kind']}, which has no section")
            if (subject["namespace"], subject["name"]) == account:
                role = ("" if kind == "ClusterRole" else where, name, kind)
                if role not in roles:
                    raise ValueError(f"{binding['metadata']['name']} binds {kind} {name}, which is not ours")
                rules[where] += roles[role]
    return {where: rows(of) for where, of in sorted(rules.items())}


def accounts(of: Iterable[Object]) -> dict[tuple[str, str], list[str]]:
    """Returns each service account of the manifests, or that pods of their Deployments have, with these Deployments."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in of:
        if item["kind"] == "ServiceAccount":
            found.setdefault(_key(item), [])
        if item["kind"] == _PODS:
            name = item["spec"]["template"]["spec"].get("serviceAccountName", "default")
            found.setdefault((_key(item)[0], name), []).append(item["metadata"]["name"])
    return dict(sorted(found.items()))


def page() -> Iterator[str]:
    """Yields the lines of the page."""
    every = [item for folder in INSTALLED for item in objects(folder)]
    yield from ("# Permissions", "", _MARK, "")
    yield (
        "What `kubectl auth can-i --list` answers for each account of an installation, and for people. Rights are "
        "given resource by resource and verb by verb, without wildcards; comments in `manifests/base/*-rbac.yaml` say "
        "what each is for. A test compares this page with the answers of a real API server."
    )
    yield from ("", "## Everybody", "")
    yield (
        "What Kubernetes gives every service account: to ask about itself, which APIs there are, and whom to trust. "
        "Another version of it may give a line less or more."
    )
    yield ""
    yield from _table(rows(EVERYBODY))
    for (namespace, name), deployments in accounts(every).items():
        yield from ("", f"## Service account {namespace}/{name}", "")
        names = ", ".join(f"`{of}`" for of in deployments)
        yield f"Pods of {names} run as it." if names else "No pod of an installation runs as it."
        scopes = granted(every, (namespace, name))
        if not scopes:
            yield from ("", NOTHING)
        for where, of in scopes.items():
            yield from ("", f"### {name} in {f'the namespace {where}' if where else 'every namespace'}", "")
            yield from _table(of)
    yield from ("", "## Pods of tenants", "")
    yield (
        "Every pod that the operator makes in a tenant's namespace runs as a service account of that namespace, "
        "`default` unless its `podTemplate` names another, and has no token for the Kubernetes API: "
        "`automountServiceAccountToken` is false. Modelyard grants `default` nothing."
    )
    yield from ("", NOTHING, "", "## People", "")
    yield (
        "People have these with the cluster's own roles in a namespace: `view` holds the first table, `edit` and "
        "`admin` hold both."
    )
    for item in every:
        if item["kind"] == "ClusterRole" and item["metadata"]["name"] in ("modelyard-view", "modelyard-edit"):
            yield from ("", f"### Role {item['metadata']['name']}", "")
            yield from _table(rows(item["rules"]))


def _table(of: Iterable[Row]) -> Iterator[str]:
    yield from ("| resource or URL | only of this name | verbs |", "|---|---|---|", *(row.text() for row in of))


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
