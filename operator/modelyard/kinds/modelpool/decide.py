"""Decides what a ModelPool needs next: a pure function of its view."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import parse_time, timestamp
from modelyard.engine.plan import Apply, Facts, Plan, Write
from modelyard.engine.resource import CONFIG_MAPS, DEPLOYMENTS, DISRUPTION_BUDGETS
from modelyard.kinds.modelpool import children
from modelyard.kinds.modelpool.catalogue import catalogue
from modelyard.kinds.modelpool.conditions import conditions_of
from modelyard.kinds.modelpool.observe import View
from modelyard.kinds.modelpool.report import report
from modelyard.workload import pools, server
from modelyard.workload.conclude import Step, conclude
from modelyard.workload.unready import Unready, inspect
from modelyard_api.kinds.modelpool import ModelPoolStatus
from modelyard_api.wire.packing import catalogue_digest

POLL_LOADING, POLL_RETRYING = timedelta(seconds=1), timedelta(seconds=5)
"""Shortest interval of polling pods that load models, and interval if a pod retries one: no watch reports progress."""
POLL_STEADY = timedelta(seconds=30)
"""Interval of polling pods that have loaded all models."""


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    pool = view.pool
    model_list = catalogue(view)
    digest = catalogue_digest(model_list.text())
    ready = pools.ready(facts[pools.pods_need(pool.namespace, pool.name)])
    pages = facts.all(*(pools.page(pod) for pod in ready))
    pool_report = report(model_list, digest, [(pod, pools.read(page)) for pod, page in zip(ready, pages, strict=True)])

    wanted = children.deployment(view)
    counts = (view.pods or {}).get("status") or {}
    status = pool.status.model_copy(deep=True)
    status.models, status.loaded, status.failed = (
        len(model_list.models),
        len(pool_report.loaded),
        len(pool_report.failed),
    )
    status.replicas, status.ready_replicas = counts.get("replicas", 0), counts.get("readyReplicas", 0)
    status.selector, status.image = server.written(pools.selector(pool.name)), children.image(view)
    status.catalogue, status.seen = digest, pool_report.hash
    settled = not pool_report.behind and len(pool_report.loaded) + len(pool_report.failed) == len(model_list.models)
    current = view.pods is not None and server.is_current(view.pods, wanted)
    unready = inspect(view.pods, children.described(view), facts, now) if view.pods and current else Unready()
    conditions = conditions_of(view, current, status, pool_report, settled, unready)
    if conditions[0].status:
        status.unready_since = None
    elif status.unready_since is None:
        status.unready_since = timestamp(now)
    writes: tuple[Write, ...] = (
        # The order matters: pods can't start without the ConfigMap, and it must be written before they are nudged.
        Apply(CONFIG_MAPS, children.config_map(view, model_list)),
        Apply(DEPLOYMENTS, wanted),
        Apply(DISRUPTION_BUDGETS, children.disruption_budget(view)),
        *children.nudges(pool_report.behind, digest, now),
    )
    after = now + _poll_in(status, bool(ready), settled, pool_report.retrying, now)
    after = min(after, unready.after or after)
    return conclude(view.raw, Step(status, conditions, writes, after), now)


def _poll_in(status: ModelPoolStatus, ready: bool, settled: bool, retrying: bool, now: datetime) -> timedelta:
    if not ready or (settled and not retrying):
        return POLL_STEADY  # The watch on the Deployment reports pods that become ready.
    if settled:
        return POLL_RETRYING
    # Poll less often the longer it takes: a pod that doesn't answer costs a worker some seconds.
    unready_for = now - parse_time(status.unready_since) if status.unready_since else timedelta()
    return min(POLL_STEADY, max(POLL_LOADING, unready_for / 4))
