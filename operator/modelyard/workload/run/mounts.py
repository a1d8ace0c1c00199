"""Explains why a pod waits for its volumes: its status says only that its containers are being created."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import parse_time
from modelyard.engine.events import last_seen
from modelyard.engine.plan import EventsOf, Facts, Unavailable
from modelyard.engine.resource import Object
from modelyard.workload.conclude import Trouble
from modelyard.workload.run import failures

REPEATED_WITHIN = timedelta(minutes=4)
"""Age from which an Event is old: the kubelet mounts again every two minutes at least."""


def not_mounted(pod: Object, facts: Facts, now: datetime) -> tuple[Trouble, bool] | None:
    """Returns why the pod's volumes can't be mounted, and whether a person has to act; None if it isn't known.

    Raises Missing.
    """
    meta = pod["metadata"]
    if not failures.is_being_created(pod):
        return None
    events = facts[EventsOf(meta["namespace"], meta["uid"], "FailedMount")]
    if isinstance(events, Unavailable) or not events or parse_time(last_seen(events[-1])) < now - REPEATED_WITHIN:
        return None
    words = " ".join(str(events[-1].get("note") or "").split())
    message = f"the volumes of pod {meta['name']} can't be mounted: {words}; make what is missing, and it goes on"
    return Trouble("VolumeNotMounted", message), "not found" in words
