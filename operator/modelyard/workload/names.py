"""Derives children's names, labels and owners, deterministically, so that no child is created twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from modelyard.engine.adopt import controller_of
from modelyard.engine.resource import Object, Resource
from modelyard_api import API_VERSION

MANAGED_BY = {"app.kubernetes.io/managed-by": "modelyard"}


def label(kind: str) -> str:
    """Returns the label in which a child names its parent of this kind, for example ``modelyard.dev/trainingrun``."""
    return f"modelyard.dev/{kind.lower()}"


def is_own_label(key: str) -> bool:
    """Whether a label is one that :func:`child_metadata` sets; users can't set these in a podTemplate."""
    return key.startswith("modelyard.dev/") or key in (
        *MANAGED_BY,
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
    )


RUN_UID = "modelyard.dev/run-uid"
"""Label of a ModelVersion with the uid of the run that made it, so that no run makes two."""


def short_hash(*parts: object, length: int = 8) -> str:
    """Returns the first hex digits of the SHA-256 of the parts."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:length]


MAX_NAME = 63
"""Longest name of a Job in characters: its pods carry it as a label value."""
MAX_OWN_NAME = 45
"""Longest name of an object of our kinds that has children itself, by ``NAME_RULE``."""


def child_name(parent: str, purpose: str, *identity: object, longest: int = MAX_NAME) -> str:
    """Returns ``<parent>-<purpose>-<8 hex digits of identity>``. A long parent is cut; the hash keeps names unique."""
    suffix = f"-{purpose}-{short_hash(*identity)}"
    return parent[: longest - len(suffix)].rstrip("-.") + suffix


def version_name(model: str, number: int) -> str:
    """Returns the name of a Model's version, which a rule of the API also asks of imports."""
    return f"{model}-v{number}"


def version_number(name: str) -> int:
    """Returns the number in the name of a Model's version."""
    return int(name.rpartition("-v")[2])


def child_metadata(owner: Object, name: str, component: str, extra: dict[str, str] | None = None) -> dict[str, Any]:
    """Returns a child's metadata: the owner's namespace, the owner as controller, and labels to find the child by."""
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
    """Returns the ownerReference of a controller owner of one of our kinds."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_uid(obj: Object) -> str | None:
    """Returns the uid of the controller owner, or None."""
    return controller_of(obj).get("uid")


def owned_by(obj: Object | None, owner: Object) -> bool:
    """Whether ``owner`` is the controller owner of ``obj``, by uid."""
    return obj is not None and controller_uid(obj) == owner["metadata"]["uid"]


def of_name(objects: Iterable[Object], name: str | None) -> Object | None:
    """Returns the object of this name, or None."""
    return next((item for item in objects if item["metadata"]["name"] == name), None)


def manifest(resource: Resource, metadata: dict[str, Any], **parts: Any) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **parts}
