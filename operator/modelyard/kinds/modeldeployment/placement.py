"""Where the model of a ModelDeployment runs: the one interface of pods of its own and of a seat in a ModelPool."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Facts, Write
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.own.pods import OwnPods
from modelyard.kinds.modeldeployment.packed.seat import PoolSeat
from modelyard.kinds.modeldeployment.resolve import Goal
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.traffic.gateways import GatewayState
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion


class Placement(Protocol):
    """What a decision asks of the pods that serve, wherever they are."""

    @property
    def replicas(self) -> int:
        """How many pods the wanted version should have."""

    @property
    def pods(self) -> Mapping[int, Pods]:
        """The pods by the number of the version that they serve."""

    @property
    def look_again(self) -> timedelta | None:
        """How soon to look again at what no watch tells of."""

    def count(self, status: ModelDeploymentStatus) -> None:
        """Writes into ``status`` how many pods there are, before the rollout goes on."""

    def record(self, status: ModelDeploymentStatus) -> None:
        """Writes into ``status``, whose rollout is where it will be, which pods serve."""

    def conditions(
        self, status: ModelDeploymentStatus, version: ModelVersion, gateway: GatewayState
    ) -> tuple[Condition, ...]:
        """How far the wanted version is on its way to these pods."""

    def writes(self, status: ModelDeploymentStatus, gateway: GatewayState) -> tuple[Write, ...]:
        """Make the children what ``status`` says."""


def place(view: View, goal: Goal, facts: Facts) -> Placement:
    """The only place that asks which of the two it is. Raises Missing."""
    return OwnPods.of(view, goal) if view.deployment.spec.pool is None else PoolSeat.of(view, goal, facts)
