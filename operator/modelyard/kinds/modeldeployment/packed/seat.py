"""A ModelDeployment whose model is served by the pods of a ModelPool: what those say of it, and what follows.

Its Service points at the pods that serve it. On the way into a pool, out of it, or to another one it stays where it is
until the model answers there (``status.pool``: where that is).
"""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.plan import Apply, Delete, Facts, Write
from modelyard.engine.resource import DEPLOYMENTS, DISRUPTION_BUDGETS, SERVICES
from modelyard.kinds.modeldeployment.names import number_of
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.kinds.modeldeployment.traffic import services
from modelyard.workload import pools
from modelyard.workload.failures import Trouble
from modelyard.workload.server import written
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.wire.packing import PackedState


@dataclass(frozen=True, slots=True)
class Shared:
    """``replicas`` the pool should have; of its ``ready`` pods so many are ``serving`` the wanted version. ``failed``:
    why one can't, and trying again doesn't help; ``retried``: why one can't now. ``elsewhere``: another version that
    pods serve."""

    replicas: int = 1
    ready: int = 0
    serving: int = 0
    failed: str | None = None
    retried: str | None = None
    elsewhere: int | None = None

    @property
    def complete(self) -> bool:
        return self.serving == self.ready >= self.replicas

    @property
    def pods(self) -> Pods:
        """As a rollout looks at them."""
        total = self.replicas if self.complete else self.ready
        available = min(self.serving, total)
        return Pods(self.replicas, total, available, available, current=True)


def look(view: View, goal: ModelVersion | Trouble, facts: Facts) -> Shared | None:
    """What the pods of the pool say; None: it is not packed. Raises Missing."""
    spec = view.deployment.spec
    if spec.pool is None:
        return None
    if view.pool is None or isinstance(goal, Trouble) or spec.suspend:
        return Shared()
    ready = pools.ready(facts[pools.pods_need(view.deployment.namespace, spec.pool)])
    said = [pools.read(page) for page in facts.all(*(pools.page(pod, view.deployment.name) for pod in ready))]
    models = [model for state in said if state is not None for model in state.models]
    return shared(goal, models, len(ready), view.pool.spec.replicas)


def shared(goal: ModelVersion, models: list[PackedState], ready: int, replicas: int) -> Shared:
    """``models``: what each ready pod says of this one, of those that say anything."""
    number, digest = goal.spec.number, goal.spec.artifact.digest
    wanted = [model for model in models if (model.number, model.digest) == (number, digest)]
    reasons = {state: model.reason for model in wanted if (state := model.state) in ("Failed", "Retrying")}
    others = [model.serving for model in models if model.serving is not None and model.serving != number]
    return Shared(
        replicas=max(1, replicas),
        ready=ready,
        serving=sum(model.state == "Ready" for model in wanted),
        failed=reasons.get("Failed"),
        retried=reasons.get("Retrying"),
        elsewhere=others[0] if others else None,
    )


def settle(view: View, status: ModelDeploymentStatus, goal: ModelVersion | Trouble, here: Shared | None) -> None:
    """Says in ``status``, whose rollout is where it will be, which pool serves, and which versions it is to have."""
    spec = view.deployment.spec
    if spec.suspend:
        status.pool, status.packed = None, []
        return
    if here is None and status.pool is None:
        status.packed = []
    if isinstance(goal, Trouble) or here is None:
        return  # what serves goes on serving
    if here.complete and status.stable == goal.spec.number:
        status.pool, status.packed = spec.pool, [goal.name]
        return
    version = view.versions.get(status.candidate or status.stable or 0)
    if version is not None:
        # The last one stands in: it is the one that was served before all that is under way.
        status.packed = list(dict.fromkeys([version.name, *status.packed[-1:]]))


def moved_out(status: ModelDeploymentStatus, own: Pods, replicas: int) -> None:
    """Of one that is not packed any more: the pool's pods serve until enough of its own do."""
    if status.pool is not None and own.complete(replicas):
        status.pool, status.packed = None, []


def counted(view: View, status: ModelDeploymentStatus, here: Shared) -> None:
    """The pool's pods are its pods."""
    pool = view.pool
    if pool is None:
        status.replicas = status.ready_replicas = 0
        return
    status.replicas, status.ready_replicas = pool.status.replicas, here.ready or pool.status.ready_replicas
    status.selector, status.image = written(pools.selector(pool.name)), pool.status.image


def writes(view: View, status: ModelDeploymentStatus) -> tuple[Write, ...]:
    """The Service; and the end of pods of its own, once they are not needed."""
    made: list[Write] = [Apply(SERVICES, services.service(view, status))]
    if status.pool != view.deployment.spec.pool and not view.deployment.spec.suspend:
        return tuple(made)
    made += [Delete.of(DEPLOYMENTS, child) for child in view.pods]
    made += [Delete.of(SERVICES, child) for child in view.services if number_of(child) is not None]
    if view.budget is not None:
        made.append(Delete.of(DISRUPTION_BUDGETS, view.budget))
    return tuple(made)
