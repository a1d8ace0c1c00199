"""What the pods of a ModelPool say of one of its models, put together."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.engine.plan import Facts
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.rollout.advance import Pods
from modelyard.workload import pools
from modelyard_api.kinds.modelpool import ModelPool
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.wire.packing import PackedState


@dataclass(frozen=True, slots=True)
class Answers:
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


def read_answers(view: View, pool: ModelPool, version: ModelVersion, facts: Facts) -> Answers:
    """Asks every ready pod of the pool. Raises Missing."""
    ready = pools.ready(facts[pools.pods_need(view.deployment.namespace, pool.name)])
    states = [pools.read(page) for page in facts.all(*(pools.page(pod, view.deployment.name) for pod in ready))]
    models = [model for state in states if state is not None for model in state.models]
    return answers_of(version, models, len(ready), pool.spec.replicas)


def answers_of(version: ModelVersion, models: list[PackedState], ready: int, replicas: int) -> Answers:
    """``models``: what each ready pod says of this one, of those that say anything."""
    number, digest = version.spec.number, version.spec.artifact.digest
    wanted = [model for model in models if (model.number, model.digest) == (number, digest)]
    reasons = {state: model.reason for model in wanted if (state := model.state) in ("Failed", "Retrying")}
    others = [model.serving for model in models if model.serving is not None and model.serving != number]
    return Answers(
        replicas=max(1, replicas),
        ready=ready,
        serving=sum(model.state == "Ready" for model in wanted),
        failed=reasons.get("Failed"),
        retried=reasons.get("Retrying"),
        elsewhere=others[0] if others else None,
    )
