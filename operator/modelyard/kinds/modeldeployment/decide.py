"""Decides what a ModelDeployment needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from modelyard.engine.plan import Facts, Note, Plan
from modelyard.kinds.modeldeployment.conditions import conditions_of, signature_change
from modelyard.kinds.modeldeployment.names import STABLE, selector, versioned
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.placement import Placement, place
from modelyard.kinds.modeldeployment.readings import Readings, read
from modelyard.kinds.modeldeployment.replicas import in_force, with_held
from modelyard.kinds.modeldeployment.resolve import Goal, Unresolved, resolve
from modelyard.kinds.modeldeployment.rollout.advance import Advanced, Situation, advance, serving
from modelyard.kinds.modeldeployment.traffic import routes, services
from modelyard.workload.conclude import Step, conclude
from modelyard.workload.server import written
from modelyard_api.kinds.modeldeployment import ModelDeploymentStatus

POLL_GATEWAY = timedelta(seconds=60)
"""Gateways and routes are polled at this interval, because the operator does not watch them."""
POLL_SCALING = timedelta(seconds=60)
"""KEDA's presence is polled at this interval, because the operator does not watch for its installation."""
POLL_TEST_START = timedelta(seconds=2)
"""A starting A-B test first gets rules that match no request; the gateway has this long to set up their clusters."""


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status = _remembered(view, now)
    scaled = in_force(view, status, now)
    view = scaled.view
    goal = resolve(view, status)
    placement = place(view, goal, facts, now)
    placement.count(status)
    readings = read(view, status, goal, placement.pods, facts, now)
    advanced = _advance(view, status, goal, placement, readings, now)
    status = advanced.status
    placement.record(status)
    if readings.former_route.unread:
        # Keep the gateway's URL: it tells the next pass that a route may be left over.
        status.url = view.deployment.status.url
    step = Step(
        status,
        with_held(conditions_of(view, status, goal, placement, readings), status),
        (*placement.writes(status, readings.gateway), *readings.scaling.writes, *readings.former_route.deletes),
        _earliest(_look_again(view, status, placement, readings, advanced, now), scaled.after),
        (
            *((_with_change(view, status, advanced.note),) if advanced.note else ()),
            *((scaled.note,) if scaled.note else ()),
        ),
    )
    return conclude(view.raw, step, now)


def _remembered(view: View, now: datetime) -> ModelDeploymentStatus:
    """Returns the stored status with the current URL and pod selector, and with a lost stable version restored."""
    status = view.deployment.status.model_copy(deep=True)
    if status.stable is None and (number := _stable_of_service(view)) is not None:
        # The status was lost, or its write failed after the Service's. Without a Service nothing has served yet.
        status = serving(status, number, now)
    gateway = view.deployment.spec.gateway
    status.url = f"http://{gateway.hostname}" if gateway else services.url(view)
    # The autoscaler counts these pods: during a staged rollout only the stable version's.
    status.selector = written(selector(view, status.stable if status.weight is not None else None))
    return status


def _stable_of_service(view: View) -> int | None:
    """Returns the stable version that the Service's annotation records."""
    for service in view.services:
        if service["metadata"]["name"] == view.deployment.name:
            text = (service["metadata"].get("annotations") or {}).get(STABLE, "")
            return int(text) if text.isdecimal() else None
    return None


def _advance(
    view: View, status: ModelDeploymentStatus, goal: Goal, placement: Placement, readings: Readings, now: datetime
) -> Advanced:
    spec = view.deployment.spec
    if isinstance(goal, Unresolved):
        # The current version continues to serve, and a rollout stays at its step.
        return Advanced(status)
    if spec.suspend:
        status.candidate = status.weight = status.step = status.rollout = None
        return Advanced(status)
    situation = Situation(
        now=now,
        goal=goal.spec.number,
        rollout=spec.rollout,
        replicas=placement.replicas,
        pods=placement.pods,
        judged=readings.evidence.judged,
        crashed=readings.evidence.crashed,
        open=spec.gateway is None or readings.gateway.trouble is None,
        reached=view.endpoints.get(versioned(view, goal.spec.number), 0) if spec.gateway else None,
    )
    return advance(status, situation)


def _with_change(view: View, status: ModelDeploymentStatus, note: Note) -> Note:
    """Returns the Event of a rollout, a Warning if the candidate takes or gives something else than what serves."""
    change = signature_change(view, status) if note.reason == "RollingOut" else None
    return replace(note, message=f"{note.message}; {change}", type="Warning") if change else note


def _look_again(
    view: View,
    status: ModelDeploymentStatus,
    placement: Placement,
    readings: Readings,
    advanced: Advanced,
    now: datetime,
) -> datetime | None:
    """Returns the earliest time at which something that is not watched has to be read again."""
    waits: list[timedelta] = []
    if view.deployment.spec.gateway is not None or readings.former_route.unread:
        test_begins = routes.begins(view, status) and not readings.gateway.tested
        waits.append(POLL_TEST_START if test_begins else POLL_GATEWAY)
    if readings.scaling.waits:
        waits.append(POLL_SCALING)
    waited = (now + wait for wait in waits)
    return _earliest(*waited, placement.look_again, readings.scaling.after, advanced.after)


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
