"""What a ModelDeployment says of itself: the condition that tells where its rollout is, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, parse_time, timestamp
from modelyard.kinds.modeldeployment import children
from modelyard.kinds.modeldeployment.names import versioned
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.packed import conditions as tell_packed
from modelyard.kinds.modeldeployment.packed.seat import Shared
from modelyard.kinds.modeldeployment.resolve import NOT_APPROVED
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.rollout.stages import Stage, pods_for, stage_at, stages_of
from modelyard.kinds.modeldeployment.traffic.gateways import Way
from modelyard.workload import server
from modelyard.workload.failures import Trouble
from modelyard.workload.versions import broken
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus, RolloutStatus
from modelyard_api.kinds.modelversion import ModelVersion

OF_SERVICE = "kubernetes.io/service-name"
"""Kubernetes' label of EndpointSlices."""


def conditions_of(
    view: View,
    status: ModelDeploymentStatus,
    goal: ModelVersion | Trouble,
    pods: Mapping[int, Pods],
    way: Way,
    here: Shared | None = None,
    unscaled: Trouble | None = None,
) -> tuple[Condition, ...]:
    """``status`` as it will be written; ``here``: of one that is packed; ``unscaled``: why nobody changes the number of
    pods."""
    said = _reached(view, status, _said(view, status, goal, pods, way, here))
    if unscaled and said[0].status:
        said = kstatus.reconciling(unscaled.reason, f"{unscaled.message}; {said[0].message}", warning=True)
    if isinstance(goal, Trouble) or view.deployment.spec.suspend or goal.status.approved is not False:
        return said
    number, model = goal.spec.number, goal.spec.model_ref.name
    more = f"; version {number} does not pass the gates of Model {model!r}: {broken(goal)}"
    return tuple(replace(item, message=item.message + more) for item in said)


# --- inside ---------------------------------------------------------------------------------------------------------


def _said(
    view: View,
    status: ModelDeploymentStatus,
    goal: ModelVersion | Trouble,
    pods: Mapping[int, Pods],
    way: Way,
    here: Shared | None,
) -> tuple[Condition, ...]:
    spec = view.deployment.spec
    if isinstance(goal, Trouble):
        if spec.suspend:
            return kstatus.suspended(f"spec.suspend is true; {goal.message}")
        serves = f"; version {status.stable} goes on serving" if status.stable and (view.pods or status.pool) else ""
        say = kstatus.stalled if goal.reason == NOT_APPROVED else kstatus.reconciling
        return say(goal.reason, goal.message + serves)
    if spec.suspend:
        return kstatus.suspended("spec.suspend is true: no replicas; set it to false to serve again")
    number = goal.spec.number
    for item in status.rejected:
        if item.version == number:
            message = (
                f"version {number} was rolled back ({item.reason}): {item.message}; version {status.stable} serves on. "
                f"Train or pin another version, or set spec.rollout.promote: {number}"
            )
            return kstatus.stalled("CandidateRejected", message)
    if here is not None:
        return tell_packed.said(view, status, number, here)
    if status.candidate is None and status.stable == number:
        return _steady(view, status, number, pods.get(number, Pods()), way)
    if stuck := _stuck(view, number, pods.get(number, Pods()), status):
        return stuck
    if way.trouble:
        return kstatus.reconciling(way.trouble.reason, f"{way.trouble.message}; {_serves(status)}", warning=True)
    if status.rollout is not None and (stages := stages_of(spec.rollout)):
        return _step(view, status, status.rollout, stages, pods)
    return kstatus.reconciling("RollingOut", _pods_message(number, pods.get(number, Pods()), spec.replicas))


def _reached(view: View, status: ModelDeploymentStatus, said: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Ready only once clients of the Service get to a pod: a busy Kubernetes tells them later than us."""
    name = view.deployment.name
    if not said[0].status or not status.ready_replicas or view.endpoints.get(name):
        return said
    unreached = f"Service {name} has no endpoint yet: kubectl get endpointslices -l {OF_SERVICE}={name}"
    return kstatus.reconciling("WaitingForEndpoints", f"{said[0].message}, but {unreached}")


def _steady(view: View, status: ModelDeploymentStatus, number: int, pods: Pods, way: Way) -> tuple[Condition, ...]:
    replicas = view.deployment.spec.replicas
    if not pods.complete(replicas):
        if stuck := _stuck(view, number, pods, status):
            return stuck
        return kstatus.reconciling("RollingOut", _pods_message(number, pods, replicas))
    message = f"version {number} serves on {replicas} of {replicas} replicas"
    if way.trouble:
        return kstatus.reconciling(way.trouble.reason, f"{way.trouble.message}; {message}, in the cluster only")
    return kstatus.ready("Serving", message)


def _step(
    view: View,
    status: ModelDeploymentStatus,
    state: RolloutStatus,
    stages: tuple[Stage, ...],
    pods: Mapping[int, Pods],
) -> tuple[Condition, ...]:
    rollout, number = view.deployment.spec.rollout, state.version
    stage = stage_at(stages, state.step)
    share = f"copies of {stage.weight}" if stage.mirror else str(stage.weight)
    where = f"step {state.step + 1} of {len(stages)}"
    if state.since is None:
        needed = pods_for(stage, rollout, view.deployment.spec.replicas)
        ready = pods.get(number, Pods()).available
        if view.deployment.spec.gateway and ready >= needed:
            ready = min(ready, view.endpoints.get(versioned(view, number), 0))
        message = f"version {number} waits for its pods, {ready} of {needed} ready, to get {share} % ({where})"
        return kstatus.reconciling("WaitingForPods", f"{message}; {_serves(status)}")
    gets = f"version {number} gets {share} % of the requests ({where})"
    if rollout.paused:
        return kstatus.reconciling("Paused", f"{gets}; set spec.rollout.paused to false to go on")
    if stage.pause is None:
        message = f"{gets} until spec.rollout.promote: {number}, or abort: {number}"
        return kstatus.reconciling("AwaitingPromotion", message)
    until = timestamp(parse_time(state.since) + stage.pause)
    held = [item for item in state.analysis if item.verdict == "Inconclusive"]
    failed = [item for item in state.analysis if item.verdict == "Failed"]
    if failed:
        said = "; ".join(f"{item.name}: {item.message}" for item in failed)
        return kstatus.reconciling("AnalysisFailing", f"{gets}; {state.failures} failed judgements: {said}", True)
    if held and stage.judged and state.judged and state.judged >= until:
        said = "; ".join(f"{item.name}: {item.message}" for item in held)
        message = f"{gets} until there is a verdict: {said}; send more requests, or set spec.rollout.promote: {number}"
        return kstatus.reconciling("Inconclusive", message)
    return kstatus.reconciling(rollout.strategy, f"{gets} until {until}")


def _pods_message(number: int, pods: Pods, replicas: int) -> str:
    return f"version {number}: {pods.available} pods of {replicas} replicas are ready"


def _serves(status: ModelDeploymentStatus) -> str:
    return f"version {status.stable} goes on serving" if status.stable and status.ready_replicas else "nothing serves"


def _stuck(view: View, number: int, pods: Pods, status: ModelDeploymentStatus) -> tuple[Condition, ...] | None:
    child = children.child_of(view, number)
    if child is None or not pods.current:
        return None
    trouble = server.stuck(child, children.PROGRESS_SECONDS, status.selector or "", "podTemplate or the version")
    if trouble is None:
        return None
    return kstatus.stalled(trouble.reason, f"version {number}: {trouble.message}; {_serves(status)}")
