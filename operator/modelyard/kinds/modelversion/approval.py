"""Judges a verified version: by the Model's gates, and by how it compares with the champion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.engine.plan import Facts, Write
from modelyard.kinds.modelversion.comparison import Progress, compare_metrics, compare_signatures
from modelyard.kinds.modelversion.gates import NO_WORSE, judge, no_worse, worthless
from modelyard.kinds.modelversion.observe import View
from modelyard.workload.versions import promote_command
from modelyard_api.kinds.model import ModelSpec
from modelyard_api.kinds.modelversion import Comparison, ModelVersion, ModelVersionStatus


@dataclass(frozen=True, slots=True)
class Approval:
    """The conditions of a verified version, and what its comparison with the champion needs."""

    conditions: tuple[Condition, ...]
    writes: tuple[Write, ...] = ()
    after: datetime | None = None


def approve(view: View, facts: Facts, now: datetime, status: ModelVersionStatus) -> Approval:
    """Judges the version and returns its conditions. Raises Missing.

    Ready means verified and scored; Approved is separate. The last judgement stays while the Model doesn't exist.
    """
    progress = Progress()
    if view.model is not None:
        progress = _judge(view, view.model.spec, facts, now, status)
        status.judged_generation = view.model.generation
    ready = kstatus.ready("Verified", "the artifact was verified and scored on held-out rows")
    approved = _pending(progress) or _approved(view.version, status)
    return Approval((*ready, _verified(view), *approved), progress.writes, progress.after)


def _judge(view: View, spec: ModelSpec, facts: Facts, now: datetime, status: ModelVersionStatus) -> Progress:
    """Judges the thresholds, then the signature, and only if they hold the metrics, which may take a pod."""
    compare_signatures(view, status)
    comparison, gate = status.comparison, spec.no_worse_than_champion
    status.gates = judge(spec.gates, status.metrics)
    changed = comparison is not None and comparison.signature_changed is not None
    holds = all(item.passed for item in status.gates) and not changed
    progress = Progress()
    if holds and comparison is not None and gate.enabled:
        refused = worthless(status)
        progress = Progress() if refused else compare_metrics(view, facts, now, status)
        if progress.pending is None:
            status.gates.append(refused or no_worse(gate, spec.task, status.metrics, comparison))
            holds = status.gates[-1].passed
    status.approved = None if progress.pending else holds
    return progress


def _pending(progress: Progress) -> tuple[Condition, ...]:
    if progress.pending is None:
        return ()
    reason, message = progress.pending.reason, progress.pending.message
    return (Condition("Approved", False, reason, message, warning=reason != "Comparing"),)


def _approved(version: ModelVersion, status: ModelVersionStatus) -> tuple[Condition, ...]:
    if status.approved is None:
        return ()
    if status.approved:
        number = len(status.gates)
        return (Condition("Approved", True, "GatesPassed", f"{number} of {number} gates hold"),)
    comparison = status.comparison
    by_hand = promote_command(version.namespace, version.spec.model_ref.name, version.spec.number)
    broken = "; ".join(f"{gate.name}: {gate.message}" for gate in status.gates if not gate.passed)
    if comparison is not None and comparison.signature_changed:
        message = (
            f"{comparison.signature_changed}, compared with the champion, version {comparison.champion}: requests that "
            f"fit one don't fit the other. Once the clients are ready for it: {by_hand}"
        )
        return (_refused("SignatureChanged", f"{message}; {broken}" if broken else message),)
    if comparison is not None and _is_unjudged(status, comparison):
        problem = f": {comparison.problem}" if comparison.problem else ""
        message = f"{broken}{problem}. Promote it by hand ({by_hand}), or write spec.noWorseThanChampion.enabled: false"
        return (_refused("NotJudged", f"{message} in the Model"),)
    return (_refused("GateFailed", broken),)


def _refused(reason: str, message: str) -> Condition:
    return Condition("Approved", False, reason, message, warning=True)


def _is_unjudged(status: ModelVersionStatus, comparison: Comparison) -> bool:
    """Whether the only gate that did not pass is the comparison, which could not be made."""
    last = status.gates[-1] if status.gates else None
    if last is None or last.name != NO_WORSE or last.passed or worthless(status):
        return False
    return last.metric not in (comparison.own_metrics or status.metrics) or last.metric not in comparison.metrics


def _verified(view: View) -> Condition:
    artifact, message = view.version.spec.artifact, "the artifact's digest and its answers were checked"
    if artifact.format == "Skops":
        why = f": {artifact.format_reason}" if artifact.format_reason else ""
        message += f"; it is stored as skops, and scikit-learn serves it{why}"
    return Condition("Verified", True, "Verified", message)
