"""Reads from the pods what both versions' servers recorded over the same time, and judges it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from modelyard.engine.conditions import parse_time
from modelyard.engine.plan import Facts, PodsWith, Unavailable
from modelyard.engine.resource import Object
from modelyard.judgement import judge
from modelyard.kinds.modeldeployment.names import selector
from modelyard.kinds.modeldeployment.observe import View
from modelyard.workload import windows
from modelyard.workload.run.exits import how_it_ended
from modelyard.workload.server import written
from modelyard_api.kinds.modeldeployment import Judged, ModelDeploymentStatus
from modelyard_api.wire.redact import redacted
from modelyard_api.wire.request_counts import WINDOW_SECONDS


def pods_need(view: View, number: int) -> PodsWith:
    """Returns the need for the pods of one version."""
    return PodsWith(view.deployment.namespace, written(selector(view, number)))


@dataclass(frozen=True, slots=True)
class Evidence:
    """``judged`` is the judgement; ``crashed`` says how a pod of the candidate ended, None if none did."""

    judged: tuple[Judged, ...] | None = None
    crashed: str | None = None


def evidence(view: View, status: ModelDeploymentStatus, facts: Facts, now: datetime) -> Evidence:
    """Returns the evidence about a candidate that has traffic. Raises Missing."""
    state, analysis = status.rollout, view.deployment.spec.rollout.analysis
    assert state is not None
    assert state.since is not None
    assert status.stable is not None
    pods_of_both = facts.all(*(pods_need(view, number) for number in (state.version, status.stable)))
    ended = crashed(pods_of_both[0])
    if not analysis.metrics:
        return Evidence(judged=(), crashed=ended)
    # Servers keep windows of ten seconds: both versions are read from the window in which the step began.
    start = int(parse_time(state.since).timestamp())
    span = (start - start % WINDOW_SECONDS, int(now.timestamp()) + 1)
    answers = any(metric.metric == "Disagreement" for metric in analysis.metrics)
    pages = [
        [windows.page(pod, view.deployment.name, span, answers) for pod in windows.running(pods)]
        for pods in pods_of_both
    ]
    facts.all(*(page for needs in pages for page in needs))
    sketches = [windows.merged(windows.parts(facts.all(*needs))) for needs in pages]
    return Evidence(judged=judge(analysis.metrics, analysis.min_requests, sketches[0], sketches[1]), crashed=ended)


def crashed(pods: Sequence[Object] | Unavailable) -> str | None:
    """Returns how a server container ended, or None. A pod lost with its node or being deleted is not a crash."""
    for pod in _listed(pods):
        for container in (pod.get("status") or {}).get("containerStatuses") or ():
            terminated = _abnormal_end(container)
            if container["name"] != "server" or not terminated or pod["metadata"].get("deletionTimestamp"):
                continue
            log = redacted(terminated.get("message") or "").strip()[-200:]
            reason = terminated.get("reason", "Error")
            message = f"pod {pod['metadata']['name']} {how_it_ended(terminated)} ({reason})"
            return f"{message}: {log}" if log else message
    return None


def _abnormal_end(container: Object) -> Object | None:
    """Returns the last termination that was neither a success nor caused by the loss of the node."""
    for state in (container.get("state"), container.get("lastState")):
        terminated: Object = (state or {}).get("terminated") or {}
        if terminated.get("exitCode") and terminated.get("reason") not in ("ContainerStatusUnknown", "Unknown"):
            return terminated
    return None


def _listed(pods: Sequence[Object] | Unavailable) -> Sequence[Object]:
    return () if isinstance(pods, Unavailable) else pods
