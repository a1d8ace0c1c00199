"""Conditions of a ModelPool."""

from __future__ import annotations

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.engine.resource import Object
from modelyard.kinds.modelpool.children import PROGRESS_SECONDS
from modelyard.kinds.modelpool.observe import View
from modelyard.kinds.modelpool.report import PoolReport
from modelyard.workload import server
from modelyard_api.kinds.modelpool import ModelPoolStatus

SHOWN_FAILURES = 3
"""How many models that can't be served a message names; the others are only counted."""


def conditions_of(
    view: View, wanted: Object, status: ModelPoolStatus, report: PoolReport, settled: bool
) -> tuple[Condition, ...]:
    """Returns the conditions.

    ``wanted`` is the Deployment as it should be; ``settled`` says that every ready pod has tried every model.
    """
    replicas, child = view.pool.spec.replicas, view.pods
    counts = (child or {}).get("status") or {}
    current = child is not None and server.is_current(child, wanted)
    if not replicas:
        return kstatus.ready("NoReplicas", f"spec.replicas is 0: nothing of its {status.models} models is served")
    numbers = [counts.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    pods = server.pods_message(counts.get("availableReplicas", 0), replicas, counts.get("updatedReplicas", 0))
    if child is None or not current or numbers != [replicas] * 3:
        trouble = (
            server.stuck(child, PROGRESS_SECONDS, status.selector or "") if child is not None and current else None
        )
        if trouble is not None:
            return kstatus.stalled(trouble.reason, f"{pods}: {trouble.message}")
        return kstatus.reconciling("WaitingForPods", pods)
    served = f"{status.loaded} of {status.models} models are served by {replicas} of {replicas} pods"
    if failed := _failed(report):
        served += f"; {failed}"
    return kstatus.ready("Serving", served) if settled else kstatus.reconciling("Loading", served)


def _failed(report: PoolReport) -> str:
    """Returns the first failed models with their reasons, shortened: the ModelDeployments have the whole text."""
    failures = [
        f"{name}: {' '.join(reason.split())[:300]}" for name, reason in sorted(report.failed.items())[:SHOWN_FAILURES]
    ]
    more = [f"and {len(report.failed) - SHOWN_FAILURES} more"] if len(report.failed) > SHOWN_FAILURES else []
    return f"can't be served: {'; '.join([*failures, *more])}" if failures else ""
