"""Names of a ModelDeployment's children, and the labels that select its pods."""

from __future__ import annotations

from modelyard.engine.ownership import foreign
from modelyard.engine.resource import Object
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload import server
from modelyard.workload.names import label

STABLE = "modelyard.dev/stable"
"""Annotation of the Service: the stable version, from which a lost status is restored."""


def versioned(view: View, number: int) -> str:
    """Returns the name of one version's Deployment and Service: at most 63 characters (45 of name, 16 digits)."""
    return f"{view.deployment.name}-v{number}"


def selector(view: View, number: int | None = None) -> dict[str, str]:
    """Returns the labels that select all pods, or those of one version."""
    return server.selector(view.deployment.name, number)


def number_of(child: Object) -> int | None:
    """Returns the version that a child belongs to, or None.

    The name says it, because nobody can change it: a child with another label would be deleted with its pods.
    """
    owner = next((item["name"] for item in child["metadata"]["ownerReferences"] if item.get("controller")), "")
    text = child["metadata"]["name"].removeprefix(f"{owner}-v")
    return int(text) if text.isdecimal() and text != child["metadata"]["name"] else None


def version_name_of(child: Object) -> str | None:
    """Returns the name of the ModelVersion that a Deployment serves, or None.

    Its label says so, and that of its pods if somebody else has changed or removed it.
    """
    key = label("ModelVersion")
    own, pods = child["metadata"], child["spec"]["template"]["metadata"]
    meta = pods if foreign(child, ("f:metadata", "f:labels", f"f:{key}")) else own
    return (meta.get("labels") or {}).get(key) or (pods.get("labels") or {}).get(key)
