"""Where the model of a ModelDeployment runs: one interface for its own pods and for a seat in a ModelPool."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Facts, Write
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.own.pods import OwnPods
from modelyard.kinds.modeldeployment.packed.seat import PoolSeat
from modelyard.kinds.modeldeployment.resolve import Goal
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.traffic.gateways import GatewayState
from modelyard.workload.unready import Unready
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion


class Placement(Protocol):
    """What a decision needs from the serving pods, whoever owns them."""

    @property
    def replicas(self) -> int:
        """How many pods the wanted version should have."""

    @property
    def pods(self) -> Mapping[int, Pods]:
        """The counts of pods, by the number of the version that they serve."""

    @property
    def look_again(self) -> datetime | None:
        """When to read again what is not watched; None means never."""

    def count(self, status: ModelDeploymentStatus) -> None:
        """Writes into ``status`` how many pods there are, before the rollout is advanced."""

    def record(self, status: ModelDeploymentStatus) -> None:
        """Writes into ``status`` which pods serve, after the rollout was advanced."""

    def conditions(
        self, status: ModelDeploymentStatus, version: ModelVersion, gateway: GatewayState
    ) -> tuple[Condition, ...]:
        """Returns the conditions: how far the wanted version has got on these pods."""

    def unwanted(self, status: ModelDeploymentStatus) -> tuple[int, Unready] | None:
        """Returns a version that is to serve though another one, or none, is wanted, and why its pods are not ready."""

    def writes(self, status: ModelDeploymentStatus, gateway: GatewayState) -> tuple[Write, ...]:
        """Returns the writes that bring the children in line with ``status``."""


def place(view: View, goal: Goal, facts: Facts, now: datetime) -> Placement:
    """Returns the placement that the spec asks for; nothing else distinguishes the two. Raises Missing."""
    if view.deployment.spec.pool is None:
        return OwnPods.of(view, goal, facts, now)
    return PoolSeat.of(view, goal, facts, now)
