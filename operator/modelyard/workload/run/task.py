"""What every task says: whose it is, where to write, and where the tracking server is."""

from __future__ import annotations

from typing import Any

from modelyard_api.fields.artifact import folder
from modelyard_api.fields.base import Kind
from modelyard_api.installation import Installation
from modelyard_api.wire.task import Subject


def addresses(owner: Kind, installation: Installation, result_uri: str) -> dict[str, Any]:
    """Returns the fields of ``Common`` for a task of ``owner``, whose artifacts are in the folder of its uid."""
    return {
        "subject": Subject(namespace=owner.namespace, name=owner.name, uid=owner.uid),
        "tracking_url": installation.tracking_url,
        "base_uri": folder(owner.namespace, owner.uid),
        "result_uri": result_uri,
    }
