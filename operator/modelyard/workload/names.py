"""Names, labels and owners of children: deterministic, so that creating twice is impossible."""

from __future__ import annotations

import hashlib
from typing import Any

from modelyard.engine.resource import Object, Resource
from modelyard_api import API_VERSION

MANAGED_BY = {"app.kubernetes.io/managed-by": "modelyard"}


def label(kind: str) -> str:
    """The label by which a child names its parent of a kind, for example ``modelyard.dev/trainingrun``."""
    return f"modelyard.dev/{kind.lower()}"


RUN_UID = "modelyard.dev/run-uid"
"""On a ModelVersion: the uid of the run that made it, so that no run makes two."""


def short_hash(*parts: object, length: int = 8) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:length]


MAX_NAME = 63
"""Of a Job, whose name its pods carry as a label."""


def child_name(parent: str, purpose: str, *identity: object) -> str:
    """``<parent>-<purpose>-<8 hex digits of identity>``: a long parent is cut, the hash still keeps two apart."""
    end = f"-{purpose}-{short_hash(*identity)}"
    return parent[: MAX_NAME - len(end)].rstrip("-.") + end


def child_metadata(owner: Object, name: str, component: str, extra: dict[str, str] | None = None) -> dict[str, Any]:
    """Metadata of a child: the owner's namespace, its uid as controller owner, and the labels to find it by."""
    meta, kind = owner["metadata"], owner["kind"]
    return {
        "name": name,
        "namespace": meta["namespace"],
        "labels": {
            **MANAGED_BY,
            "app.kubernetes.io/name": component,
            "app.kubernetes.io/instance": meta["name"],
            label(kind): meta["name"],
            **(extra or {}),
        },
        "ownerReferences": [owner_reference(kind, meta["name"], meta["uid"])],
    }


def owner_reference(kind: str, name: str, uid: str) -> dict[str, Any]:
    """Of a controller owner of ours."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_uid(obj: Object) -> str | None:
    """The uid of the controller owner, if there is one."""
    references = obj["metadata"].get("ownerReferences") or ()
    return next((str(reference["uid"]) for reference in references if reference.get("controller")), None)


def owned_by(obj: Object | None, owner: Object) -> bool:
    """Whether ``owner``, by uid, is the controller owner."""
    return obj is not None and controller_uid(obj) == owner["metadata"]["uid"]


def manifest(resource: Resource, metadata: dict[str, Any], **parts: Any) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **parts}
