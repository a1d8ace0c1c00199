"""Names the errors of the API server about a child that an early retry would not mend."""

from __future__ import annotations

import math

from modelyard.engine.client import ApiError
from modelyard.engine.plan import Apply, Create, Write

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
    if error.code in (400, 422):
        kind = write.resource.kind
        return Refusal("InvalidChild", f"correct the part of spec that its {kind} is made from: {error.message}")
    if error.code == 403 and error.namespace_is_terminating:
        return Refusal("NamespaceTerminating", error.message)
    if error.code == 403 and "exceeded quota" in error.message:
        return Refusal("QuotaExceeded", f"have the quota raised, or delete what is not needed: {error.message}")
    if error.code == 403 and isinstance(write, Apply | Create):
        return Refusal("ChildForbidden", error.message)
    return None
