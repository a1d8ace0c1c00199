"""Conditions of a ModelDeployment with its own pods: where its rollout is, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, parse_time, timestamp
from modelyard.kinds.modeldeployment.names import versioned
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.rollout.stages import Stage, pods_for, stage_at, stages_of
from modelyard.kinds.modeldeployment.traffic.gateways import GatewayState
from modelyard.workload import server
from modelyard.workload.unready import Unready
from modelyard_api.kinds.modeldeployment import Judged, ModelDeploymentStatus, RolloutStatus


def conditions_of(
    view: View,
    status: ModelDeploymentStatus,
    number: int,
    pods: Mapping[int, Pods],
    unready: Mapping[int, Unready],
    gateway: GatewayState,
) -> tuple[Condition, ...]:
    """Returns the conditions; ``status`` is the one that will be written, ``number`` is the wanted version."""
    spec, own = view.deployment.spec, pods.get(number, Pods())
    blocked = _blocked(number, unready.get(number, Unready()), status)
    if status.candidate is None and status.stable == number:
        return _steady(view, number, own, blocked, gateway)
    if blocked:
        return blocked
    if gateway.trouble:
        message = f"{gateway.trouble.message}; {_serves(status)}"
        return kstatus.reconciling(gateway.trouble.reason, message, warning=True)
    if status.rollout is not None and (stages := stages_of(spec.rollout)):
        return _step(view, status, status.rollout, stages, pods)
    return kstatus.reconciling("RollingOut", _pods_message(number, own, spec.replicas))


def _steady(
    view: View, number: int, own: Pods, blocked: tuple[Condition, ...] | None, gateway: GatewayState
) -> tuple[Condition, ...]:
    replicas = view.deployment.spec.replicas
    if not own.complete(replicas):
        if blocked:
            return blocked
        return kstatus.reconciling("RollingOut", _pods_message(number, own, replicas))
    message = f"version {number} serves on {replicas} of {replicas} replicas"
    if gateway.trouble:
        message = f"{gateway.trouble.message}; {message}, in the cluster only"
        return kstatus.reconciling(gateway.trouble.reason, message, warning=True)
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
    position = f"step {state.step + 1} of {len(stages)}"
    if state.since is None:
        needed = pods_for(stage, rollout, view.deployment.spec.replicas)
        ready = pods.get(number, Pods()).available
        if view.deployment.spec.gateway and ready >= needed:
            ready = min(ready, view.endpoints.get(versioned(view, number), 0))
        message = f"version {number} waits for its pods, {ready} of {needed} ready, to get {share} % ({position})"
        return kstatus.reconciling("WaitingForPods", f"{message}; {_serves(status)}")
    share_message = f"version {number} gets {share} % of the requests ({position})"
    if rollout.paused:
        return kstatus.reconciling("Paused", f"{share_message}; set spec.rollout.paused to false to go on")
    if stage.pause is None:
        message = f"{share_message} until spec.rollout.promote: {number}, or abort: {number}"
        return kstatus.reconciling("AwaitingPromotion", message)
    until = timestamp(parse_time(state.since) + stage.pause)
    if failed := _messages(state, "Failed"):
        message = f"{share_message}; {state.failures} failed judgements: {failed}"
        return kstatus.reconciling("AnalysisFailing", message, warning=True)
    undecided = _messages(state, "Inconclusive")
    if undecided and stage.judged and state.judged and state.judged >= until:
        promote = f"send more requests, or set spec.rollout.promote: {number}"
        return kstatus.reconciling("Inconclusive", f"{share_message} until there is a verdict: {undecided}; {promote}")
    return kstatus.reconciling(rollout.strategy, f"{share_message} until {until}")


def _messages(state: RolloutStatus, verdict: str) -> str:
    """Returns the last analysis's messages about the metrics with this verdict."""
    matching: list[Judged] = [item for item in state.analysis if item.verdict == verdict]
    return "; ".join(f"{item.name}: {item.message}" for item in matching)


def _pods_message(number: int, own: Pods, replicas: int) -> str:
    return f"version {number}: {server.ready_pods(own.available, replicas, own.total - own.updated)}"


def _serves(status: ModelDeploymentStatus) -> str:
    return f"version {status.stable} goes on serving" if status.stable and status.ready_replicas else "nothing serves"


def _blocked(number: int, unready: Unready, status: ModelDeploymentStatus) -> tuple[Condition, ...] | None:
    """Returns the conditions if it is known why pods of the wanted version are not ready."""
    if unready.trouble is None:
        return None
    reason, message = unready.trouble.reason, f"version {number}: {unready.trouble.message}; {_serves(status)}"
    return kstatus.stalled(reason, message) if unready.stalled else kstatus.reconciling(reason, message, warning=True)
