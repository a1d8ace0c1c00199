"""Placement of a ModelDeployment with its own pods: one Deployment for each version that serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Facts, Write
from modelyard.kinds.modeldeployment import children
from modelyard.kinds.modeldeployment.damaged import damaged
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.own.conditions import conditions_of
from modelyard.kinds.modeldeployment.own.desired import writes
from modelyard.kinds.modeldeployment.own.unready import unready_pods
from modelyard.kinds.modeldeployment.resolve import Goal, Unresolved
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.rollout.capacity import capacity
from modelyard.kinds.modeldeployment.traffic.gateways import GatewayState
from modelyard.workload.unready import Unready
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion


@dataclass(frozen=True, slots=True)
class OwnPods:
    """``goal`` is the number of the wanted version; None means that no version can be served."""

    view: View
    goal: int | None
    pods: Mapping[int, Pods]
    unready: Mapping[int, Unready] = field(default_factory=dict)
    """Why pods are not ready, by the number of the version that they serve."""

    @classmethod
    def of(cls, view: View, goal: Goal, facts: Facts, now: datetime) -> OwnPods:
        """Returns the placement, after reading the pods of the versions that have some that are not ready.

        Raises Missing.
        """
        pods = {number: children.pods_of(view, version) for number, version in view.versions.items()}
        number = None if isinstance(goal, Unresolved) else goal.spec.number
        return cls(view, number, pods, unready_pods(view, number, pods, facts, now))

    @property
    def look_again(self) -> datetime | None:
        """Only pods that are not ready are polled: the operator watches the Deployments."""
        return min((item.after for item in self.unready.values() if item.after), default=None)

    @property
    def replicas(self) -> int:
        return self.view.deployment.spec.replicas

    def count(self, status: ModelDeploymentStatus) -> None:
        counts = [child.get("status") or {} for child in self.view.pods]
        status.replicas = sum(item.get("replicas", 0) for item in counts)
        status.ready_replicas = sum(item.get("readyReplicas", 0) for item in counts)

    def record(self, status: ModelDeploymentStatus) -> None:
        """Records what serves: a ModelPool that it has just left continues until all of its own pods serve."""
        if self.view.deployment.spec.suspend or self._are_complete():
            status.pool = None
        if status.pool is None:
            status.packed = []
        status.damaged = damaged(self.view, self.unready, status)
        version = self.view.versions.get(status.candidate or status.stable or 0)
        if version is not None:
            status.image = children.image(self.view, version)

    def conditions(
        self, status: ModelDeploymentStatus, version: ModelVersion, gateway: GatewayState
    ) -> tuple[Condition, ...]:
        return conditions_of(self.view, status, version.spec.number, self.pods, self.unready, gateway)

    def unwanted(self, status: ModelDeploymentStatus) -> tuple[int, Unready] | None:
        for number in (status.stable, status.candidate):
            if number is not None and number != self.goal and (unready := self.unready.get(number)) and unready.trouble:
                return number, unready
        return None

    def writes(self, status: ModelDeploymentStatus, gateway: GatewayState) -> tuple[Write, ...]:
        spec = self.view.deployment.spec
        sizes = capacity(status, spec.rollout, 0 if spec.suspend else spec.replicas, self.pods)
        if spec.suspend and not sizes and self.goal is not None:
            sizes = {self.goal: 0}
        return writes(self.view, status, self.goal, sizes, self.pods, gateway)

    def _are_complete(self) -> bool:
        return self.goal is not None and self.pods[self.goal].complete(self.replicas)
