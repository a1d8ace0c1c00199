"""Conditions of a ModelPool."""

from __future__ import annotations

import textwrap

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.kinds.modelpool.observe import View
from modelyard.kinds.modelpool.report import PoolReport
from modelyard.workload import server
from modelyard.workload.unready import Unready
from modelyard_api.kinds.modelpool import ModelPoolStatus

SHOWN_FAILURES = 3
"""How many models that can't be served a message names; the others are only counted."""


def conditions_of(
    view: View, current: bool, status: ModelPoolStatus, report: PoolReport, settled: bool, unready: Unready
) -> tuple[Condition, ...]:
    """Returns the conditions.

    ``current`` says that the Deployment is as it should be, ``settled`` that every ready pod has tried every model, and
    ``unready`` why pods are not ready.
    """
    replicas, child = view.pool.spec.replicas, view.pods
    counts = (child or {}).get("status") or {}
    if not replicas:
        return kstatus.ready("NoReplicas", f"spec.replicas is 0: nothing of its {status.models} models is served")
    total, updated, available = (counts.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
    pods = server.ready_pods(available, replicas, total - updated)
    if not current or not total == updated == available == replicas:
        if unready.trouble is not None:
            reason, message = unready.trouble.reason, f"{pods}: {unready.trouble.message}"
            if unready.stalled:
                return kstatus.stalled(reason, message)
            return kstatus.reconciling(reason, message, warning=True)
        return kstatus.reconciling("WaitingForPods", pods)
    served = f"{status.loaded} of {status.models} models are served by {replicas} of {replicas} pods"
    if failed := _failed(report):
        served += f"; {failed}"
    return kstatus.ready("Serving", served) if settled else kstatus.reconciling("Loading", served)


def _failed(report: PoolReport) -> str:
    """Returns the first failed models with their reasons, shortened: the ModelDeployments have the whole text."""
    failures = [
        f"{name}: {textwrap.shorten(reason, 300, placeholder=' ...')}"
        for name, reason in sorted(report.failed.items())[:SHOWN_FAILURES]
    ]
    more = [f"and {len(report.failed) - SHOWN_FAILURES} more"] if len(report.failed) > SHOWN_FAILURES else []
    return f"can't be served: {'; '.join([*failures, *more])}" if failures else ""
