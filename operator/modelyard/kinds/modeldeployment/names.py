"""What the children of a ModelDeployment are called, and the labels that its pods are found by."""

from __future__ import annotations

from modelyard.engine.resource import Object
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload.names import label

VERSION = "modelyard.dev/version"
"""Label: the number of the version that a Deployment's pods serve."""
STABLE = "modelyard.dev/stable"
"""Annotation of the Service: the stable version, should the status be lost."""


def versioned(view: View, number: int) -> str:
    """Of the Deployment and the Service of one version; with 45 characters of name and 16 digits it has 63."""
    return f"{view.deployment.name}-v{number}"


def selector(view: View, number: int | None = None) -> dict[str, str]:
    """Of all pods, or of those of one version."""
    found = {label("ModelDeployment"): view.deployment.name}
    return found if number is None else found | {VERSION: str(number)}


def number_of(child: Object) -> int | None:
    """The version that a child is about."""
    text = (child["metadata"].get("labels") or {}).get(VERSION, "")
    return int(text) if text.isdecimal() else None
