"""Names of a ModelDeployment's children, and the labels that select its pods."""

from __future__ import annotations

from modelyard.engine.resource import Object
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload.names import label

VERSION = "modelyard.dev/version"
"""Label: the number of the version that a Deployment's pods serve."""
STABLE = "modelyard.dev/stable"
"""Annotation of the Service: the stable version, from which a lost status is restored."""


def versioned(view: View, number: int) -> str:
    """Returns the name of one version's Deployment and Service: at most 63 characters (45 of name, 16 digits)."""
    return f"{view.deployment.name}-v{number}"


def selector(view: View, number: int | None = None) -> dict[str, str]:
    """Returns the labels that select all pods, or those of one version."""
    labels = {label("ModelDeployment"): view.deployment.name}
    return labels if number is None else labels | {VERSION: str(number)}


def number_of(child: Object) -> int | None:
    """Returns the version that a child belongs to, or None."""
    text = (child["metadata"].get("labels") or {}).get(VERSION, "")
    return int(text) if text.isdecimal() else None
