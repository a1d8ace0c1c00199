"""Placement of a ModelDeployment whose model is served by the pods of a ModelPool.

The Service selects the pods that serve the model. When the model moves into a pool, out of it, or to another one, the
Service changes only once the model answers in its new place; ``status.pool`` is the pool that serves it at present.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Apply, Delete, Facts, Write
from modelyard.engine.resource import DEPLOYMENTS, DISRUPTION_BUDGETS, SERVICES
from modelyard.kinds.modeldeployment.damaged import entry
from modelyard.kinds.modeldeployment.names import number_of
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.packed.answers import Answers, read_answers
from modelyard.kinds.modeldeployment.packed.conditions import conditions_of
from modelyard.kinds.modeldeployment.resolve import Goal, Unresolved
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.traffic import services
from modelyard.kinds.modeldeployment.traffic.gateways import GatewayState
from modelyard.workload import pools
from modelyard.workload.conclude import Trouble
from modelyard.workload.server import written
from modelyard.workload.unready import Unready
from modelyard.workload.versions import DAMAGE
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion

POLL_POOL = timedelta(seconds=300)
"""Polling interval while some pods don't serve the model; a change in the ModelPool wakes us sooner."""


@dataclass(frozen=True, slots=True)
class PoolSeat:
    """``goal`` is the wanted version; None means that no version can be served."""

    view: View
    goal: ModelVersion | None
    now: datetime
    answers: Answers = field(default_factory=Answers)

    @classmethod
    def of(cls, view: View, goal: Goal, facts: Facts, now: datetime) -> PoolSeat:
        """Returns the seat, after reading the pool's answers about the goal. Raises Missing."""
        if isinstance(goal, Unresolved):
            return cls(view, None, now)
        if view.pool is None or view.deployment.spec.suspend:
            return cls(view, goal, now)
        return cls(view, goal, now, read_answers(view, view.pool, goal, facts))

    @property
    def replicas(self) -> int:
        return self.answers.replicas

    @property
    def pods(self) -> Mapping[int, Pods]:
        return {} if self.goal is None else {self.goal.spec.number: self.answers.pods}

    @property
    def look_again(self) -> datetime | None:
        return self.now + POLL_POOL if self.answers.ready and not self.answers.complete else None

    def count(self, status: ModelDeploymentStatus) -> None:
        """Counts the pool's pods as the ModelDeployment's own."""
        pool = self.view.pool
        if pool is None:
            status.replicas = status.ready_replicas = 0
            return
        status.replicas, status.ready_replicas = pool.status.replicas, self.answers.ready or pool.status.ready_replicas
        status.selector, status.image = written(pools.selector(pool.name)), pool.status.image

    def record(self, status: ModelDeploymentStatus) -> None:
        """Records which pool serves, and which versions it should load. Without a goal nothing changes."""
        spec = self.view.deployment.spec
        if spec.suspend:
            status.pool, status.packed = None, []
            return
        if self.goal is None:
            return  # what the pods said last of a damaged version stays as well
        status.damaged = []
        if self.answers.failed is not None and self.answers.cause in DAMAGE:
            trouble = Trouble(self.answers.cause, self.answers.failed)
            status.damaged = [entry(self.goal.name, trouble)]
        if self.answers.complete and status.stable == self.goal.spec.number:
            status.pool, status.packed = spec.pool, [self.goal.name]
            return
        version = self.view.versions.get(status.candidate or status.stable or 0)
        if version is not None:
            # Keep the last packed version as a stand-in: it was served before this rollout and any replaced candidates.
            status.packed = list(dict.fromkeys([version.name, *status.packed[-1:]]))

    def conditions(
        self, status: ModelDeploymentStatus, version: ModelVersion, gateway: GatewayState
    ) -> tuple[Condition, ...]:
        return conditions_of(self.view, status, version.spec.number, self.answers)

    def unwanted(self, status: ModelDeploymentStatus) -> tuple[int, Unready] | None:
        return None  # the ModelPool explains its own pods

    def writes(self, status: ModelDeploymentStatus, gateway: GatewayState) -> tuple[Write, ...]:
        """Applies the Service, and deletes the ModelDeployment's own pods once the pool serves."""
        view = self.view
        service = Apply(SERVICES, services.service(view, status))
        if status.pool != view.deployment.spec.pool and not view.deployment.spec.suspend:
            return (service,)
        deletes = [Delete.of(DEPLOYMENTS, child) for child in view.pods]
        deletes += [Delete.of(SERVICES, child) for child in view.services if number_of(child) is not None]
        if view.budget is not None:
            deletes.append(Delete.of(DISRUPTION_BUDGETS, view.budget))
        return (service, *deletes)
