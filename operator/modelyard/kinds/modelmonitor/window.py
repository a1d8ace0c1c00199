"""When windows begin and end, and what the pods saw in one.

Windows tile the time since 1970, so they need no memory: a monitor whose operator was away looks at the same ones. The
servers keep what they saw, by ten seconds and by minute, for an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Facts, PodsWith, Unavailable
from modelyard.engine.resource import Object
from modelyard.kinds.modelmonitor.observe import View
from modelyard.workload import pools, server, windows
from modelyard.workload.conclude import RETRY, Waits
from modelyard.workload.durations import duration

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Sketches

SETTLE = timedelta(seconds=3)
"""How long after its end a window is read: a server takes in what it answered a little later."""


@dataclass(frozen=True)
class Span:
    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def next_look(self) -> datetime:
        """Returns when the window that follows is looked at."""
        return self.end + (self.end - self.start) + SETTLE


def newest(length: str, now: datetime) -> Span:
    """Returns the newest window that has ended and is settled."""
    seconds = int(duration(length).total_seconds())
    end = int((now - SETTLE).timestamp()) // seconds * seconds
    return Span(datetime.fromtimestamp(end - seconds, UTC), datetime.fromtimestamp(end, UTC))


@dataclass(frozen=True)
class Seen:
    """What the pods saw: ``told`` of them, whose names are ``pods``. Of ``lost`` pods rows are missing."""

    sketches: Sketches | None
    told: int
    pods: tuple[str, ...]
    lost: int

    @property
    def rows(self) -> int:
        return self.sketches.predictions if self.sketches is not None else 0


def seen(view: View, span: Span, known: tuple[str, ...], facts: Facts, now: datetime) -> Seen:
    """Returns what the pods of the version that serves saw; ``known`` are those that were asked about the window
    before. Raises Missing and Waits."""
    assert view.deployment is not None
    assert view.version is not None
    pods = facts[_pods_need(view)]
    if isinstance(pods, Unavailable):
        raise Waits("PodsUnavailable", f"the pods can't be listed: {pods.message}", now + RETRY)
    running = windows.running(pods)
    limits = (int(span.start.timestamp()), int(span.end.timestamp()))
    told = windows.parts(facts.all(*(windows.page(pod, view.deployment.name, limits) for pod in running)))
    # The pods of a ModelPool may still serve another version of the model.
    digest = view.version.spec.artifact.digest
    ours = [part for part in told if part is not None and part.digest == digest]
    names = tuple(pod["metadata"]["name"] for pod in running)
    silent = sum(part is None for part in told)
    restarted = sum(_restarted(pod, span.start) for pod, part in zip(running, told, strict=True) if part is not None)
    ended = len(set(known) - set(names))
    return Seen(windows.merged(ours), len(ours), names, silent + restarted + ended)


def _pods_need(view: View) -> PodsWith:
    assert view.deployment is not None
    place, pool = view.monitor.namespace, view.deployment.status.pool
    if pool is not None:
        return pools.pods_need(place, pool)
    return PodsWith(place, server.written(server.selector(view.deployment.name, view.deployment.status.stable)))


def _restarted(pod: Object, start: datetime) -> bool:
    """Whether the server of a pod has begun anew since ``start``, and so forgotten what it saw before."""
    for container in pod["status"].get("containerStatuses") or ():
        began = ((container.get("state") or {}).get("running") or {}).get("startedAt")
        if container["name"] == "server" and container.get("restartCount") and began and parse_time(began) > start:
            return True
    return False
