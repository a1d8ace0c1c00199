"""What a ModelPool needs next: a pure function of its view."""

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
from modelyard_api.kinds.modelpool import ModelPoolStatus
from modelyard_api.wire.packing import catalogue_digest

LOOK, LOOK_AT_TRIED = timedelta(seconds=1), timedelta(seconds=5)
"""How soon pods are asked again that are behind, or try a model again: nobody tells when they have loaded it."""
LOOK_AT_STEADY = timedelta(seconds=30)
"""The same, where all is as it should be."""


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    pool = view.pool
    listed = catalogue(view)
    digest = catalogue_digest(listed.text())
    ready = pools.ready(facts[pools.pods_need(pool.namespace, pool.name)])
    pages = facts.all(*(pools.page(pod) for pod in ready))
    reported = report(listed, digest, [(pod, pools.read(page)) for pod, page in zip(ready, pages, strict=True)])

    wanted = children.deployment(view)
    counts = (view.pods or {}).get("status") or {}
    status = pool.status.model_copy(deep=True)
    status.models, status.loaded, status.failed = len(listed.models), len(reported.loaded), len(reported.failed)
    status.replicas, status.ready_replicas = counts.get("replicas", 0), counts.get("readyReplicas", 0)
    status.selector, status.image = server.written(pools.selector(pool.name)), children.image(view)
    status.catalogue, status.seen = digest, reported.hash
    settled = not reported.behind and len(reported.loaded) + len(reported.failed) == len(listed.models)
    conditions = conditions_of(view, wanted, status, reported, settled)
    if conditions[0].status:
        status.unready_since = None
    elif status.unready_since is None:
        status.unready_since = timestamp(now)
    writes: tuple[Write, ...] = (
        # In this order: pods can't start without the ConfigMap, and are nudged to read what is there.
        Apply(CONFIG_MAPS, children.config_map(view, listed)),
        Apply(DEPLOYMENTS, wanted),
        Apply(DISRUPTION_BUDGETS, children.disruption_budget(view)),
        *children.nudges(reported.behind, digest, now),
    )
    after = now + _look_again_in(status, bool(ready), settled, reported.retrying, now)
    return conclude(view.raw, Step(status, conditions, writes, after), now)


def _look_again_in(status: ModelPoolStatus, ready: bool, settled: bool, retrying: bool, now: datetime) -> timedelta:
    if not ready or (settled and not retrying):
        return LOOK_AT_STEADY  # of pods that get ready the Deployment tells
    if settled:
        return LOOK_AT_TRIED
    # The longer it has lasted the less often: pods that don't answer cost a worker some seconds.
    waited = now - parse_time(status.unready_since) if status.unready_since else timedelta()
    return min(LOOK_AT_STEADY, max(LOOK, waited / 4))
