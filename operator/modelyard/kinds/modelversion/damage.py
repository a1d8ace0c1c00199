"""Notices that a verified version's stored bytes are gone or were changed: a pod that fetched them says so.

Nobody reads all stored bytes again and again, so damage is known once a pod starts. It stays known after that pod is
gone: otherwise the version would be promoted and rolled out again, and fail again.
"""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.kinds.modelversion.observe import View
from modelyard_api.kinds.modelversion import VERIFY, Damage


def damage(view: View, now: datetime) -> Damage | None:
    """Returns the damage that is known of the version, or None."""
    verify, before = _verify(view), view.version.status.damage
    for deployment in view.deployments:
        for item in deployment.status.damaged:
            if item.name == view.version.name:
                same = before is not None and (before.reason, before.found_by) == (item.reason, deployment.name)
                return Damage(
                    reason=item.reason,
                    message=item.message,
                    found_by=deployment.name,
                    time=before.time if before and same else timestamp(now),
                    verify=verify,
                )
    if before is None or before.verify != verify or _serves_again(view, before):
        return None
    return before


def conditions_of(view: View, known: Damage) -> tuple[Condition, ...]:
    """Returns the conditions of a damaged version."""
    version, uri = view.version, view.version.spec.artifact.uri
    message = (
        f"{known.message} (found by a pod of ModelDeployment {known.found_by}); once {uri} is restored: "
        f"kubectl annotate modelversion {version.name} -n {version.namespace} --overwrite {VERIFY}=$(date +%s)"
    )
    return (*kstatus.stalled(known.reason, message), Condition("Verified", False, known.reason, message, warning=True))


def _serves_again(view: View, known: Damage) -> bool:
    """Whether the ModelDeployment that found the damage still has the version, and all of its pods have fetched it."""
    number = view.version.spec.number
    return any(
        item.name == known.found_by and number in (item.status.stable, item.status.candidate)
        for item in view.deployments
    )


def _verify(view: View) -> str | None:
    value = (view.raw["metadata"].get("annotations") or {}).get(VERIFY)
    return None if value is None else str(value)[:63]
