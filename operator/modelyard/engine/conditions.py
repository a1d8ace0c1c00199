"""Builds conditions by the kstatus rules, so that ``kubectl wait``, Flux and Argo CD understand every kind.

A healthy object has only positive conditions, all True. Reconciling and Stalled are present only while they are True.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a status, which is True, False or, with None, Unknown. ``warning`` makes its Event a Warning."""

    type: str
    status: bool | None
    reason: str
    message: str
    warning: bool = False


def timestamp(moment: datetime) -> str:
    """Formats a time as RFC 3339 in UTC, in whole seconds, as Kubernetes does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Parses a time as :func:`timestamp` writes it. Fractions of a second are accepted too."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def ready(reason: str, message: str) -> tuple[Condition, ...]:
    return (Condition("Ready", True, reason, message),)


def reconciling(reason: str, message: str, warning: bool = False) -> tuple[Condition, ...]:
    """The goal isn't reached yet, but work continues. ``warning`` means that something went wrong meanwhile."""
    return (
        Condition("Ready", False, reason, message, warning),
        Condition("Reconciling", True, reason, message, warning),
    )


def stalled(reason: str, message: str) -> tuple[Condition, ...]:
    """The goal can't be reached until somebody changes something."""
    return (Condition("Ready", False, reason, message, True), Condition("Stalled", True, reason, message, True))


def suspended(message: str) -> tuple[Condition, ...]:
    """Nothing is done until somebody resumes the object. As a suspended Job has it, Suspended is True.

    There is no Ready: kstatus takes Ready False alone for work in progress, so that waiting tools would wait for ever,
    and Ready True would tell them that the goal is reached.
    """
    return (Condition("Suspended", True, "Suspended", message),)


def complete(reason: str, message: str) -> tuple[Condition, ...]:
    """The run succeeded, for kinds that run to completion."""
    return (*ready(reason, message), Condition("Complete", True, reason, message))


def failed(reason: str, message: str) -> tuple[Condition, ...]:
    """The run failed, for kinds that run to completion. Stalled is set too, so that waiting tools stop."""
    return (*stalled(reason, message), Condition("Failed", True, reason, message, True))


def conditions(
    wanted: Iterable[Condition], previous: Iterable[dict[str, Any]], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Returns ``status.conditions``. A condition's ``lastTransitionTime`` changes only with its ``status``."""
    before = {item["type"]: item for item in previous}
    result = []
    for condition in wanted:
        status = {True: "True", False: "False", None: "Unknown"}[condition.status]
        old = before.get(condition.type)
        same = old is not None and old["status"] == status
        result.append(
            {
                "type": condition.type,
                "status": status,
                "reason": condition.reason,
                "message": condition.message[:2000],
                "observedGeneration": generation,
                "lastTransitionTime": old["lastTransitionTime"] if same and old else timestamp(now),
            }
        )
    return result


def holds(obj: dict[str, Any] | None, type_: str) -> bool:
    """Whether the object has this condition with status True."""
    return any(
        item["type"] == type_ and item["status"] == "True"
        for item in ((obj or {}).get("status") or {}).get("conditions") or ()
    )


def find(obj: dict[str, Any], type_: str) -> dict[str, Any] | None:
    """Returns a copy of the object's condition of this type, or None."""
    for item in (obj.get("status") or {}).get("conditions") or ():
        if item["type"] == type_:
            return dict(item)
    return None
