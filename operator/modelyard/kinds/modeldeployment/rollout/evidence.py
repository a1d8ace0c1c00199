"""What both versions' servers saw over the same time, read from their pods, and the verdict on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Facts, Page, PodsWith, Unavailable
from modelyard.engine.resource import Object
from modelyard.judgement import judge
from modelyard.kinds.modeldeployment.names import selector
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload.server import url, written
from modelyard_api.kinds.modeldeployment import Judged, ModelDeploymentStatus
from modelyard_api.wire.request_counts import WINDOW_SECONDS

if TYPE_CHECKING:
    from modelyard_api.wire.sketches import Sketches


def pods_need(view: View, number: int) -> PodsWith:
    return PodsWith(view.deployment.namespace, written(selector(view, number)))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The judgement, and how a pod of the candidate ended, if one did."""

    judged: tuple[Judged, ...] | None = None
    crashed: str | None = None


def evidence(view: View, status: ModelDeploymentStatus, facts: Facts, now: datetime) -> Evidence:
    """Of a candidate that has traffic. Raises Missing."""
    state, analysis = status.rollout, view.deployment.spec.rollout.analysis
    assert state is not None
    assert state.since is not None
    assert status.stable is not None
    both = facts.all(*(pods_need(view, number) for number in (state.version, status.stable)))
    ended = crashed(both[0])
    if not analysis.metrics:
        return Evidence(judged=(), crashed=ended)
    # Servers keep windows of ten seconds: from the one in which the step began, for both versions.
    began = int(parse_time(state.since).timestamp())
    span = (began - began % WINDOW_SECONDS, int(now.timestamp()) + 1)
    answers = any(metric.metric == "Disagreement" for metric in analysis.metrics)
    pages = [_pages(view, pods, span, answers) for pods in both]
    facts.all(*(page for found in pages for page in found))
    seen = [_merged(facts.all(*found)) for found in pages]
    return Evidence(judged=judge(analysis.metrics, analysis.min_requests, seen[0], seen[1]), crashed=ended)


def crashed(pods: Sequence[Object] | Unavailable) -> str | None:
    """How a server ended that had begun to answer; nodes that went away are not its fault."""
    for pod in _listed(pods):
        for container in (pod.get("status") or {}).get("containerStatuses") or ():
            ended = _ended(container)
            if container["name"] != "server" or not ended or pod["metadata"].get("deletionTimestamp"):
                continue
            said = (ended.get("message") or "").strip()[-200:]
            reason = ended.get("reason", "Error")
            what = f"pod {pod['metadata']['name']} ended with exit code {ended['exitCode']} ({reason})"
            return f"{what}: {said}" if said else what
    return None


def _ended(container: Object) -> Object | None:
    """How it ended last, other than well or with its node."""
    for state in (container.get("state"), container.get("lastState")):
        ended: Object = (state or {}).get("terminated") or {}
        if ended.get("exitCode") and ended.get("reason") not in ("ContainerStatusUnknown", "Unknown"):
            return ended
    return None


def _listed(pods: Sequence[Object] | Unavailable) -> Sequence[Object]:
    return () if isinstance(pods, Unavailable) else pods


def _pages(view: View, pods: Sequence[Object] | Unavailable, span: tuple[int, int], answers: bool) -> list[Page]:
    made = []
    query = f"since={span[0]}&until={span[1]}{'&answers=true' if answers else ''}"
    for pod in _listed(pods):
        place = (pod.get("status") or {}).get("podIP")
        if place and pod["status"].get("phase") == "Running":
            made.append(Page(f"{url(place)}/v2/models/{view.deployment.name}/sketches?{query}"))
    return made


def _merged(pages: Sequence[bytes | Unavailable]) -> Sketches | None:
    """None where no pod answered. A pod that doesn't answer is left out: the others have seen the same traffic."""
    # numpy and the sketches' library are 12 MB that operators without a rollout need not have.
    from modelyard_api.wire.sketches import NotSketches, merge, read

    parts = []
    for page in pages:
        if isinstance(page, Unavailable):
            continue
        try:
            parts.append(read(page))
        except NotSketches:
            continue
    try:
        return merge(parts)
    except NotSketches:
        return None
