"""Generates ``manifests/base/*-rbac.yaml``; ``python -m modelyard_api.generate.rbac --check`` says if they are current.

The operator's rights on our kinds and on their children follow from the facts of the kinds. ``OTHERS`` lists its other
rights.
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
from modelyard_api.kinds.registry import DELIVERED, KINDS

FOLDER = Path(__file__).resolve().parents[3] / "manifests" / "base"
INFOS = tuple(kind.info for kind in KINDS.values())
READ = ("get", "list", "watch")
WRITE = ("create", "patch", "delete")


@dataclass(frozen=True)
class Rule:
    """A rule of a role. ``why`` becomes a comment; ``names``, if any, restrict the rule to objects with these names."""

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
    resource = BUILT_IN[kind]
    return Rule((resource.plural,), verbs, why, resource.group, names)


CHILDREN = {
    "Job": "Created once and deleted; the other children are applied. All end with their owner.",
    "EndpointSlice": "Whether clients of a Service get to a pod.",
    "ScaledObject": "Changes the number of pods by the requests that they are answering, where KEDA is installed.",
    "HTTPRoute": "Traffic through a Gateway, where the Gateway API is installed.",
    "ConfigMap": "The catalogue of a ModelPool's models, which ends with its owner; and whether a source is there.",
    "PersistentVolumeClaim": "The volume of a Workspace, which ends with its owner; and whether a source is there.",
}
"""Why the operator needs a kind of children, for those whose name alone doesn't tell."""
KEPT = ("ConfigMap", "PersistentVolumeClaim")
"""Kinds that the operator never deletes: its own objects end with their owner, the others belong to people."""
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
    built_in("Namespace", ("get",), "Whether a namespace accepts what a PipelineSource of another one delivers."),
    built_in(
        "Event", ("list", "create", "patch"), "Why no pod of a Job is created, such as a quota; and its own Events."
    ),
    built_in("TokenReview", ("create",), "Who reads its metrics, which name the objects of all namespaces."),
    built_in("SubjectAccessReview", ("create",)),
)
"""Rules for resources that are neither one of our kinds nor a child of one."""


def operator_rules() -> Iterator[Rule]:
    """Yields what the operator may do in the namespaces that it works in."""
    yield Rule(_plurals(), READ, "Its kinds: it reads specs and writes status.")
    yield Rule(_plurals("/status"), ("patch",))
    created = tuple(info.plural for info in INFOS if "create" in info.operator)
    yield Rule(created, ("create",), "Versions, of which it owns also those that people import; runs, and their steps.")
    patched = tuple(info.plural for info in INFOS if "patch" in info.operator)
    yield Rule(patched, ("patch",), "Owners, a finalizer while it is used, how a run has ended; and suspend of steps.")
    deleted = tuple(info.plural for info in INFOS if "delete" in info.operator)
    yield Rule(deleted, ("delete",), "Runs, and versions of data, that retention doesn't keep.")
    yield Rule(
        tuple(KINDS[kind].info.plural for kind in DELIVERED),
        WRITE,
        "What a PipelineSource delivers: what people write, into its own namespace and those that accept it.",
    )
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
        yield built_in(kind, ("list", "watch"), CHILDREN.get(kind, ""))
    yield from OTHERS


def view_rules() -> Iterator[Rule]:
    """Yields what people with the cluster's role ``view`` may do."""
    yield Rule(_plurals(), READ)


def edit_rules() -> Iterator[Rule]:
    """Yields what people with the cluster's role ``edit`` may do in addition."""
    edited = tuple(info.plural for info in INFOS if info.people == "Edit")
    deletable = tuple(info.plural for info in INFOS if info.people == "Delete")
    yield Rule(edited, ("create", "update", "patch", "delete", "deletecollection"))
    yield Rule(deletable, ("delete", "deletecollection"), "The operator alone makes them.")
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
    """Returns the YAML that binds the role to the operator's service account of the same name."""
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
    """Returns file name in ``manifests/base`` -> its generated text."""
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
    """Returns how the files differ from the generated ones, as a unified diff; empty if they are current."""
    return difference(folder, files())


def write(folder: Path = FOLDER) -> None:
    for name, text in files().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    sys.exit(run("modelyard_api.generate.rbac", __doc__, write, differences))
