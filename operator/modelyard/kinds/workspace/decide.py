"""Decides what a Workspace needs next: a pure function of its view."""

from __future__ import annotations

from datetime import datetime, timedelta

from modelyard.engine.conditions import reconciling, suspended
from modelyard.engine.plan import Apply, Facts, Plan, Unavailable, Write
from modelyard.engine.resource import CLAIMS, DEPLOYMENTS, SERVICES
from modelyard.kinds.workspace import children
from modelyard.kinds.workspace.conditions import conditions_of
from modelyard.kinds.workspace.health import Answer, read
from modelyard.kinds.workspace.observe import View
from modelyard.workload import pools, references, server
from modelyard.workload.conclude import Fails, Step, Waits, conclude
from modelyard.workload.unready import Unready, inspect
from modelyard_api.kinds.workspace import MountedVersion, WorkspaceStatus
from modelyard_api.wire.task import Table

POLL_SUSPENDING, POLL_MISSING, POLL_STEADY = timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=60)
"""Intervals of looking whether the pod is gone, whether missing tokens have come, and whether all are still there."""


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = view.workspace.status.model_copy(deep=True)
    status.url, status.people = children.url(view), [person.name for person in view.workspace.spec.people]
    if view.workspace.spec.suspend:
        return conclude(view.raw, _suspend(view, status, facts, now), now)
    try:
        return conclude(view.raw, _run(view, status, facts, now), now)
    except (Waits, Fails) as obstacle:
        if view.pods is None:
            status.phase = "Starting"
        return conclude(view.raw, obstacle.step(status), now)


def _suspend(view: View, status: WorkspaceStatus, facts: Facts, now: datetime) -> Step:
    """Ends the pod. A Workspace that has never run gets no children."""
    # The data of a later start is resolved then.
    status.datasets, status.image = [], None
    if view.pods is None:
        status.phase = "Suspended"
        return Step(status, suspended("spec.suspend is true: no pod; set it to false to start"))
    writes = (Apply(DEPLOYMENTS, children.deployment(view, [], 0)), Apply(CLAIMS, children.claim(view)))
    pods = facts[children.pods_need(view)] if status.phase != "Suspended" else ()
    if isinstance(pods, Unavailable) or pods:
        status.phase = "Suspending"
        message = "spec.suspend is true: the pod is being stopped, and saves what is edited"
        return Step(status, reconciling("Suspending", message), writes, now + POLL_SUSPENDING)
    status.phase = "Suspended"
    message = "spec.suspend is true: no pod, and all files are kept; set it to false to start again"
    return Step(status, suspended(message), writes)


def _run(view: View, status: WorkspaceStatus, facts: Facts, now: datetime) -> Step:
    """Keeps the pod running. Raises Waits and Fails for data that can't be resolved."""
    tables = _tables(view)
    wanted = children.deployment(view, tables)
    status.datasets = [MountedVersion(name=item.dataset, version=item.version) for item in tables]
    status.image = children.image(view)
    writes: tuple[Write, ...] = (
        Apply(SERVICES, children.service(view)),
        Apply(DEPLOYMENTS, wanted),
        # The last one: a volume that can't grow must not hold up the rest.
        Apply(CLAIMS, children.claim(view)),
    )
    current = view.pods is not None and server.is_current(view.pods, wanted)
    unready = inspect(view.pods, children.described(view), facts, now) if view.pods and current else Unready()
    answer = _answer(view, facts) if current and _answers(view) else None
    status.phase = "Running" if current and _answers(view) else "Starting"
    conditions = conditions_of(view, current, unready, answer, tables)
    after = now + (POLL_MISSING if answer is None or answer.missing or answer.problems else POLL_STEADY)
    return Step(status, conditions, writes, min(after, unready.after or after))


def _tables(view: View) -> list[Table]:
    """Returns the data of this start. Raises Waits and Fails."""
    tables = []
    for index, (ref, (dataset, version)) in enumerate(zip(view.workspace.spec.datasets, view.data, strict=True)):
        started = view.started.get(ref.name)
        if started and ref.version in (None, started) and version is not None:
            tables.append(children.table(version))
            continue
        pinned = ref.version or started
        tables.append(
            children.table(references.dataset_version(ref.name, pinned, dataset, version, f"spec.datasets[{index}]"))
        )
    return tables


def _answers(view: View) -> bool:
    counts = (view.pods or {}).get("status") or {}
    return all(counts.get(key, 0) == 1 for key in ("replicas", "updatedReplicas", "availableReplicas"))


def _answer(view: View, facts: Facts) -> Answer | None:
    """Returns what the pod says of itself, or None if it can't be asked now. Raises Missing."""
    pods = pools.ready(facts[children.pods_need(view)])
    return read(facts[children.health(pods[-1])], view.workspace.spec.people) if pods else None
