"""Conditions of a packed ModelDeployment: which version the pool's pods serve, or why they don't."""

from __future__ import annotations

import textwrap

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.packed.answers import Answers
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus


def conditions_of(view: View, status: ModelDeploymentStatus, number: int, answers: Answers) -> tuple[Condition, ...]:
    """Returns the conditions; ``number`` is the wanted version, ``status`` is the one that will be written."""
    pool, name = view.pool, view.deployment.spec.pool
    if pool is None:
        return kstatus.reconciling("PoolNotFound", f"pool {name} doesn't exist: create it, or remove spec.pool")
    if answers.failed is not None:
        message = (
            f"version {number} can't be served by pool {name}: {_line(answers.failed)}; {_serves(status, answers)}. "
            f"Train or pin another version"
        )
        return kstatus.stalled("LoadFailed", message)
    if answers.retried is not None:
        message = (
            f"version {number} can't be served by pool {name} now: {_line(answers.retried)}; {_serves(status, answers)}"
        )
        return kstatus.reconciling("LoadRetried", message, warning=True)
    if not pool.spec.replicas:
        return kstatus.reconciling("PoolHasNoPods", f"pool {name} has no pods: set spec.replicas of ModelPool {name}")
    if answers.complete:
        return kstatus.ready(
            "Serving", f"version {number} serves on {answers.serving} of {answers.ready} pods of pool {name}"
        )
    # A pool that is made smaller still has more ready pods than replicas.
    pods = max(answers.replicas, answers.ready)
    message = f"version {number} serves on {answers.serving} of {pods} pods of pool {name}"
    if stalled := pool.status.condition("Stalled"):
        # The pool won't get its pods by itself, so neither will the model.
        return kstatus.stalled(stalled.reason, f"{message} ({_line(stalled.message)}); {_serves(status, answers)}")
    unready = pool.status.condition("Ready")
    if unready is not None and unready.status == "False":
        message += f" ({unready.reason}: {_line(unready.message)})"
    return kstatus.reconciling("WaitingForPool", f"{message}; {_serves(status, answers)}")


def _serves(status: ModelDeploymentStatus, answers: Answers) -> str:
    from_own_pods = status.pool is None and status.stable is not None
    number = status.stable if from_own_pods else answers.elsewhere
    return f"version {number} goes on serving" if number else "nothing else serves"


def _line(text: str) -> str:
    return textwrap.shorten(text, 1000)
