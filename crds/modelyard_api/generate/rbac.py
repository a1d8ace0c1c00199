"""Generates ``manifests/base/*-rbac.yaml``; ``python -m modelyard_api.generate.rbac --check`` says if they are current.

What the operator may do with our kinds and with their children follows from the facts of the kinds. What else it may do
stands in ``OTHERS``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelyard_api import GROUP
from modelyard_api.fields.builtin import BUILT_IN
from modelyard_api.generate.files import HEADER, difference, run
from modelyard_api.kinds.registry import KINDS

FOLDER = Path(__file__).resolve().parents[3] / "manifests" / "base"
INFOS = tuple(kind.info for kind in KINDS.values())
READ = ("get", "list", "watch")
WRITE = ("create", "patch", "delete")


@dataclass(frozen=True)
class Rule:
    """``why`` becomes a comment; ``names`` are those of the only objects that it is about."""

    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str = ""
    group: str = GROUP
    names: tuple[str, ...] = ()

    def text(self) -> str:
        rule: dict[str, Any] = {"apiGroups": [self.group], "resources": list(self.resources)}
        if self.names:
            rule["resourceNames"] = list(self.names)
        rule["verbs"] = list(self.verbs)
        comment = f"# {self.why}\n" if self.why else ""
        return comment + yaml.safe_dump([rule], default_flow_style=None, sort_keys=False, width=110)


def built_in(kind: str, verbs: tuple[str, ...], why: str = "", names: tuple[str, ...] = ()) -> Rule:
    found = BUILT_IN[kind]
    return Rule((found.plural,), verbs, why, found.group, names)


CHILDREN = {
    "Job": "Created once and deleted; the other children are applied. All end with their owner.",
    "EndpointSlice": "Whether clients of a Service get to a pod.",
    "ScaledObject": "Changes the number of pods by the requests that they are answering, where KEDA is installed.",
    "HTTPRoute": "Traffic through a Gateway, where the Gateway API is installed.",
    "ConfigMap": "The catalogue of a ModelPool's models, which ends with its owner; and whether a source is there.",
}
"""Why the operator needs them, where their kind alone doesn't tell."""
KEPT = ("ConfigMap",)
"""Children that the operator never deletes: those end with their owner, and the others of their kind are people's."""
OTHERS = (
    built_in("CustomResourceDefinition", ("get",), "Whether KEDA is installed.", names=("scaledobjects.keda.sh",)),
    built_in(
        "Gateway", ("get",), "Whether the Gateway that a route is to be attached to is there, and who implements it."
    ),
    built_in("GatewayClass", ("get",)),
    built_in(
        "Pod",
        ("list", "patch"),
        "Why a pod failed; and an annotation of a ModelPool's pods, at which the kubelet brings their catalogue up to "
        "date.",
    ),
    built_in("Node", ("get",), "Whether the node of a pod that does not end is lost."),
    built_in("PersistentVolumeClaim", ("get",), "Whether a source is there."),
    built_in("Event", ("create", "patch")),
)
"""What is neither a kind of ours nor a child of one."""


def operator_rules() -> Iterator[Rule]:
    """What the operator may do in the namespaces that it works in."""
    yield Rule(_plurals(), READ, "Its kinds: it reads specs and writes status.")
    yield Rule(_plurals("/status"), ("patch",))
    makes = tuple(info.plural for info in INFOS if "create" in info.operator)
    yield Rule(makes, ("create",), "Of versions it makes new ones, and owns those that people import.")
    yield Rule(tuple(info.plural for info in INFOS if "patch" in info.operator), ("patch",))
    yield Rule(
        tuple(f"{info.plural}/finalizers" for info in INFOS if info.owns),
        ("update",),
        "Clusters that check it want this of whoever makes an object that holds up its owner's deletion.",
    )
    for kind in _once(kind for info in INFOS for kind in info.owns if kind in BUILT_IN):
        read = ("get",) if BUILT_IN[kind].addon else READ
        write = tuple(verb for verb in WRITE if verb != "delete" or kind not in KEPT)
        yield built_in(kind, (*read, *write), CHILDREN.get(kind, ""))
    for kind in _once(kind for info in INFOS for kind in info.watches):
        yield built_in(kind, READ, CHILDREN.get(kind, ""))
    yield from OTHERS


def view_rules() -> Iterator[Rule]:
    """What people may do who have the cluster's role ``view``."""
    yield Rule(_plurals(), READ)


def edit_rules() -> Iterator[Rule]:
    """What people may do, beside that, who have the cluster's role ``edit``."""
    edited = tuple(info.plural for info in INFOS if info.people == "Edit")
    made = tuple(info.plural for info in INFOS if info.people == "Delete")
    yield Rule(edited, ("create", "update", "patch", "delete", "deletecollection"))
    yield Rule(made, ("delete", "deletecollection"), "The operator alone makes them.")
    yield Rule(tuple(f"{info.plural}/scale" for info in INFOS if info.scale), ("get", "update", "patch"))


def _plurals(subresource: str = "") -> tuple[str, ...]:
    return tuple(f"{info.plural}{subresource}" for info in INFOS)


def _once(kinds: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kinds))


def _role(kind: str, name: str, labels: dict[str, str], rules: Iterable[Rule]) -> str:
    metadata = {"name": name, "labels": labels}
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata}
    texts = [rule.text() for rule in rules if rule.resources]
    return yaml.safe_dump(head, sort_keys=False) + "rules:\n" + "".join(texts)


def _binding(kind: str, role: str) -> str:
    """Of the role of the same name to the operator's own account."""
    return f"""apiVersion: rbac.authorization.k8s.io/v1
kind: {kind}
metadata:
  name: {NAME}
  labels: {{app.kubernetes.io/name: {NAME}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {role}, name: {NAME}}}
subjects:
- {{kind: ServiceAccount, name: {NAME}, namespace: modelyard-system}}
"""


NAME = "modelyard-operator"
OWN_NAMESPACE = (
    built_in("Lease", ("create",)),
    built_in("Lease", ("get", "patch"), names=(NAME,)),
    built_in("ConfigMap", ("get",), names=("modelyard",)),
)


def files() -> dict[str, str]:
    """File name in ``manifests/base`` -> its text, as it should be."""
    labels = {"app.kubernetes.io/name": NAME}
    to_edit = {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in ("edit", "admin")}
    to_view = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    operator = (
        "# What the operator may do, verb by verb, and nothing that it doesn't.\n"
        + _role("ClusterRole", NAME, labels, operator_rules()),
        _binding("ClusterRoleBinding", "ClusterRole"),
        "# In its own namespace: which of the operators leads, and how it is installed.\n"
        + _role("Role", NAME, labels, OWN_NAMESPACE),
        _binding("RoleBinding", "Role"),
    )
    people = (
        "# What people may do who have the cluster's own roles `view`, `edit` and `admin` in a namespace.\n"
        + _role("ClusterRole", "modelyard-view", to_view | to_edit, view_rules()),
        _role("ClusterRole", "modelyard-edit", to_edit, edit_rules()),
    )
    return {
        "operator-rbac.yaml": HEADER + "---\n".join(operator),
        "user-rbac.yaml": HEADER + "---\n".join(people),
    }


def differences(folder: Path = FOLDER) -> str:
    """What the files differ in, as a unified diff; empty when all is current."""
    return difference(folder, files())


def write(folder: Path = FOLDER) -> None:
    for name, text in files().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    sys.exit(run("modelyard_api.generate.rbac", __doc__, write, differences))
