"""Conditions by the kstatus rules, so that ``kubectl wait``, Flux and Argo CD understand every kind.

A healthy object carries only positive conditions set True; Reconciling and Stalled are there only while they hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Condition:
    """``warning``: its Event is a Warning."""

    type: str
    status: bool
    reason: str
    message: str
    warning: bool = False


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """The inverse of :func:`timestamp`; fractions of a second are accepted too."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def ready(reason: str, message: str) -> tuple[Condition, ...]:
    return (Condition("Ready", True, reason, message),)


def reconciling(reason: str, message: str, warning: bool = False) -> tuple[Condition, ...]:
    """Not there yet; it goes on by itself. ``warning``: something went wrong on the way."""
    return (
        Condition("Ready", False, reason, message, warning),
        Condition("Reconciling", True, reason, message, warning),
    )


def stalled(reason: str, message: str) -> tuple[Condition, ...]:
    """It won't get there without a change by somebody."""
    return (Condition("Ready", False, reason, message, True), Condition("Stalled", True, reason, message, True))


def suspended(message: str) -> tuple[Condition, ...]:
    return (Condition("Ready", False, "Suspended", message),)


def complete(reason: str, message: str) -> tuple[Condition, ...]:
    """For kinds that run to completion."""
    return (*ready(reason, message), Condition("Complete", True, reason, message))


def failed(reason: str, message: str) -> tuple[Condition, ...]:
    """For kinds that run to completion: Stalled too, so that waiting tools end."""
    return (*stalled(reason, message), Condition("Failed", True, reason, message, True))


def conditions(
    wanted: Iterable[Condition], previous: Iterable[dict[str, Any]], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """The list for a status; ``lastTransitionTime`` changes only with a condition's status."""
    before = {item["type"]: item for item in previous}
    made = []
    for condition in wanted:
        status = "True" if condition.status else "False"
        old = before.get(condition.type)
        same = old is not None and old["status"] == status
        made.append(
            {
                "type": condition.type,
                "status": status,
                "reason": condition.reason,
                "message": condition.message[:2000],
                "observedGeneration": generation,
                "lastTransitionTime": old["lastTransitionTime"] if same and old else timestamp(now),
            }
        )
    return made


def holds(obj: dict[str, Any] | None, type_: str) -> bool:
    """Whether an object's condition is True."""
    return any(
        item["type"] == type_ and item["status"] == "True"
        for item in ((obj or {}).get("status") or {}).get("conditions") or ()
    )


def find(obj: dict[str, Any], type_: str) -> dict[str, Any] | None:
    for item in (obj.get("status") or {}).get("conditions") or ():
        if item["type"] == type_:
            return dict(item)
    return None
