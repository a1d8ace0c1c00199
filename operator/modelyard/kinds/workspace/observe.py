"""Collects what a Workspace's decision is made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from modelyard.engine.resource import CLAIMS, DEPLOYMENTS, Object
from modelyard.engine.store import Store
from modelyard.workload import data
from modelyard.workload.names import owned_by
from modelyard_api.installation import Installation
from modelyard_api.kinds.workspace import Workspace

STARTED_WITH = "modelyard.dev/started-with"
"""Annotation of the Deployment: the versions of this start, Dataset -> DatasetVersion, as JSON."""


@dataclass(frozen=True)
class View:
    """``pods`` is the Deployment and ``claim`` the PersistentVolumeClaim, or None unless the Workspace owns them.

    ``started`` has the versions of this start, Dataset -> DatasetVersion; it is empty if nothing runs. ``data`` has the
    Dataset and the DatasetVersion of each of ``spec.datasets``: that of this start, or else the one that would be
    resolved now.
    """

    raw: Object
    workspace: Workspace
    installation: Installation
    pods: Object | None = None
    claim: Object | None = None
    started: Mapping[str, str] = field(default_factory=dict)
    data: tuple[tuple[Object | None, Object | None], ...] = ()


def child_name(workspace: str) -> str:
    """Returns the name that all children of a Workspace have."""
    return f"{workspace}-workspace"


def observe(store: Store, raw: Object, installation: Installation) -> View:
    workspace = Workspace.model_validate(raw)
    name = child_name(workspace.name)
    pods, claim = (store.get(resource, workspace.namespace, name) for resource in (DEPLOYMENTS, CLAIMS))
    pods, claim = pods if owned_by(pods, raw) else None, claim if owned_by(claim, raw) else None
    started = _started(workspace, pods)
    return View(
        raw=raw,
        workspace=workspace,
        installation=installation,
        pods=pods,
        claim=claim,
        started=started,
        data=tuple(
            data.observed(store, workspace.namespace, ref, ref.version or started.get(ref.name))
            for ref in workspace.spec.datasets
        ),
    )


def runs(pods: Object | None) -> bool:
    """Whether the Deployment has a pod to run."""
    return pods is not None and pods["spec"].get("replicas", 1) > 0


def _started(workspace: Workspace, pods: Object | None) -> dict[str, str]:
    """Returns the versions of this start from the status, or from the Deployment if the status was lost or not yet
    written."""
    if pods is None or not runs(pods):
        return {}
    if workspace.status.datasets:
        return {item.name: item.version for item in workspace.status.datasets}
    written = (pods["metadata"].get("annotations") or {}).get(STARTED_WITH, "{}")
    try:
        versions = json.loads(written)
    except ValueError:  # Somebody else has edited the annotation.
        return {}
    return {str(name): str(version) for name, version in versions.items()} if isinstance(versions, dict) else {}
