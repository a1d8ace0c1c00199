"""Combines what the pods of a ModelPool answer about one of its models."""

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
    """The pool should have ``replicas`` pods; ``ready`` are, and of these ``serving`` serve the wanted version.

    ``failed`` is the reason why a pod can't serve it and retrying doesn't help, and ``cause`` the API's word for it;
    ``retried`` is the reason why one can't
    serve it now. ``elsewhere`` is another version of the model that pods serve.
    """

    replicas: int = 1
    ready: int = 0
    serving: int = 0
    failed: str | None = None
    cause: str = ""
    retried: str | None = None
    elsewhere: int | None = None

    @property
    def complete(self) -> bool:
        return self.serving == self.ready >= self.replicas

    @property
    def pods(self) -> Pods:
        """Returns the counts in the form that a rollout takes."""
        total = self.replicas if self.complete else self.ready
        available = min(self.serving, total)
        return Pods(self.replicas, total, available, available, current=True)


def read_answers(view: View, pool: ModelPool, version: ModelVersion, facts: Facts) -> Answers:
    """Returns the combined answers of all ready pods of the pool. Raises Missing."""
    ready = pools.ready(facts[pools.pods_need(view.deployment.namespace, pool.name)])
    states = [pools.read(page) for page in facts.all(*(pools.page(pod, view.deployment.name) for pod in ready))]
    models = [model for state in states if state is not None for model in state.models]
    return answers_of(version, models, len(ready), pool.spec.replicas)


def answers_of(version: ModelVersion, models: list[PackedState], ready: int, replicas: int) -> Answers:
    """Returns the combined answers; ``models`` holds what each ready pod that answers says about this model."""
    number, digest = version.spec.number, version.spec.artifact.digest
    matching = [model for model in models if (model.number, model.digest) == (number, digest)]
    reasons = {state: model.reason for model in matching if (state := model.state) in ("Failed", "Retrying")}
    other_versions = [model.serving for model in models if model.serving is not None and model.serving != number]
    return Answers(
        replicas=max(1, replicas),
        ready=ready,
        serving=sum(model.state == "Ready" for model in matching),
        failed=reasons.get("Failed"),
        cause=next((model.cause for model in matching if model.state == "Failed" and model.cause), ""),
        retried=reasons.get("Retrying"),
        elsewhere=other_versions[0] if other_versions else None,
    )
