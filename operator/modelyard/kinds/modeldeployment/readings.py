"""Reads what a ModelDeployment's rollout depends on, apart from the counts of its pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from modelyard.engine.plan import Facts
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.resolve import Goal, Unresolved
from modelyard.kinds.modeldeployment.rollout.advance import Pods, due
from modelyard.kinds.modeldeployment.rollout.evidence import Evidence, evidence
from modelyard.kinds.modeldeployment.scaling import Scaling, scaling
from modelyard.kinds.modeldeployment.traffic.gateways import FormerRoute, GatewayState, former_route, gateway_state
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus


@dataclass(frozen=True, slots=True)
class Readings:
    """``evidence`` is empty if no judgement is due."""

    scaling: Scaling
    gateway: GatewayState = field(default_factory=GatewayState)
    former_route: FormerRoute = field(default_factory=FormerRoute)
    evidence: Evidence = field(default_factory=Evidence)


def read(
    view: View, status: ModelDeploymentStatus, goal: Goal, pods: Mapping[int, Pods], facts: Facts, now: datetime
) -> Readings:
    """Returns the readings of this pass. Raises Missing."""
    scaler, gateway = scaling(view, facts, now), view.deployment.spec.gateway
    state = GatewayState() if gateway is None else gateway_state(view, gateway, facts)
    former = former_route(view, facts)
    judgement = evidence(view, status, facts, now) if _is_judged(view, status, goal, pods, now) else Evidence()
    return Readings(scaler, state, former, judgement)


def _is_judged(view: View, status: ModelDeploymentStatus, goal: Goal, pods: Mapping[int, Pods], now: datetime) -> bool:
    """Whether the candidate's evidence is due.

    A candidate without a ready pod is judged at once: the cause may be a crash, which must be seen before the rollout
    goes back to waiting for pods.
    """
    spec, state = view.deployment.spec, status.rollout
    when = due(status, spec.rollout)
    if state is None or when is None or spec.suspend or isinstance(goal, Unresolved):
        return False
    if state.version != goal.spec.number:
        return False
    return now >= when or not pods[goal.spec.number].available
