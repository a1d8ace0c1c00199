"""Names the errors of the API server about a child that an early retry would not mend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from modelyard.engine.adopt import controller_of
from modelyard.engine.client import ApiError
from modelyard.engine.conditions import find
from modelyard.engine.plan import Apply, Create, Write
from modelyard.engine.resource import Object, Resource

RETRY_SECONDS = {
    "InvalidChild": 300.0,
    "ChildForbidden": 60.0,
    "QuotaExceeded": 60.0,
    "NameTaken": 60.0,
    "NamespaceTerminating": math.inf,
}
"""Reason -> seconds until a refused write is sent again, if nothing changes before."""


class Refusal(Exception):
    """The API server rejects a child, and an early retry would not help. ``reason`` is a key of ``RETRY_SECONDS``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason, self.message = reason, message

    @property
    def retry_after(self) -> float:
        return RETRY_SECONDS[self.reason]


def refusal_of(write: Write, error: ApiError) -> Refusal | None:
    """Returns the Refusal that an error amounts to, or None if the write should be retried soon."""
    name = write.manifest["metadata"]["name"] if isinstance(write, Apply | Create) else write.name
    if error.code in (400, 422):
        return Refusal("InvalidChild", f"{_invalid(write.resource.kind, name)}: {error.message}")
    if error.code == 403 and error.namespace_is_terminating:
        return Refusal("NamespaceTerminating", error.message)
    if error.code == 403 and "exceeded quota" in error.message:
        return Refusal("QuotaExceeded", f"have the quota raised, or delete what is not needed: {error.message}")
    if error.code == 403 and isinstance(write, Apply | Create):
        return Refusal("ChildForbidden", f"{_invalid(write.resource.kind, name)}, or have it allowed: {error.message}")
    return None


def why_invalid(owner: Object, kind: str, name: str) -> str | None:
    """Returns in the API server's words why it refused to make this child in the pass before, None if it did not.

    A kind whose spec can't be corrected any more asks this, to end instead of waiting for ever.
    """
    ready, start = find(owner, "Ready") or {}, f"{_invalid(kind, name)}: "
    if ready.get("reason") != "InvalidChild" or not ready["message"].startswith(start):
        return None
    return str(ready["message"]).removeprefix(start).split(" is invalid: ", 1)[-1]


def why_refused(owner: Object, name: str) -> tuple[str, str] | None:
    """Returns the reason and the message of the refusal of the child of this name in the pass before, None if there was
    none. Only the first one of a pass is in the owner's conditions."""
    ready = find(owner, "Ready") or {}
    is_ours = ready.get("reason") in RETRY_SECONDS and name in ready.get("message", "")
    return (ready["reason"], ready["message"]) if is_ours else None


def _invalid(kind: str, name: str) -> str:
    return f"correct the part of spec that its {kind} {name} is made from"


def name_taken(resource: Resource, desired: Object, live: Object) -> Refusal:
    """Returns the Refusal of a child whose name an object of another owner has."""
    expected, actual = controller_of(desired), controller_of(live)
    name = f"{resource.kind} {live['metadata']['namespace']}/{live['metadata']['name']}"
    if all(expected.get(key) == actual.get(key) for key in ("kind", "name")):
        return Refusal(
            "NameTaken",
            f"{name} exists and belonged to an earlier {_owner(actual)}: Kubernetes is about to delete it; if it does "
            "not within a minute, it is taken over",
        )
    return Refusal(
        "NameTaken",
        f"{name} exists and belongs to {_owner(actual)}, not to {_owner(expected)}: delete or rename one of them",
    )


def _owner(reference: Mapping[str, Any]) -> str:
    return f"{reference['kind']} {reference['name']} ({reference['uid']})" if reference else "nobody"
