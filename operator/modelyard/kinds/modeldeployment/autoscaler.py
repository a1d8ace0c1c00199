"""Tells whether an autoscaler works, from its own conditions: one without metrics changes nothing, and is silent."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import find, parse_time
from modelyard.engine.resource import Object
from modelyard.workload.conclude import Trouble

PATIENCE = timedelta(minutes=2)
"""Time that an autoscaler may lack metrics: those of new pods come about a minute after them."""


def inactive(
    autoscaler: Object, types: tuple[str, ...], remedy: str, now: datetime
) -> tuple[Trouble | None, datetime | None]:
    """Returns why the autoscaler doesn't work, or None, and when to look again if it may turn out not to.

    ``types`` are its conditions that have to be True. An unknown or absent one is as bad as a False one: nobody scales.
    """
    name, after = f"{autoscaler.get('kind', 'autoscaler')} {autoscaler['metadata']['name']}", None
    for type_ in types:
        condition = find(autoscaler, type_) or {}
        status, reason = condition.get("status", "Unknown"), condition.get("reason") or "Unknown"
        if status == "True" or reason == "ScalingDisabled":  # that of 0 replicas
            continue
        since = parse_time(condition.get("lastTransitionTime") or autoscaler["metadata"]["creationTimestamp"])
        if now < since + PATIENCE:
            after = min(after or since + PATIENCE, since + PATIENCE)
            continue
        words = " ".join((condition.get("message") or "nobody has set it").split())[:400]
        message = f"spec.autoscaling: {name} doesn't scale, its {type_} is {status} ({reason}: {words}); {remedy}"
        return Trouble("AutoscalerNotActive", message), None
    return None, after
