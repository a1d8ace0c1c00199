"""What a ModelDeployment needs next: a pure function of its view."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from modelyard.engine.plan import Facts, Plan
from modelyard.kinds.modeldeployment import children, scaling
from modelyard.kinds.modeldeployment import conditions as tell
from modelyard.kinds.modeldeployment.desired import writes
from modelyard.kinds.modeldeployment.names import STABLE, selector, versioned
from modelyard.kinds.modeldeployment.observe import View
from modelyard.kinds.modeldeployment.packed import seat as packed
from modelyard.kinds.modeldeployment.resolve import resolve
from modelyard.kinds.modeldeployment.rollout.advance import Advanced, Pods, Situation, advance, due, serving
from modelyard.kinds.modeldeployment.rollout.capacity import capacity
from modelyard.kinds.modeldeployment.rollout.evidence import evidence
from modelyard.kinds.modeldeployment.scaling import Scaling
from modelyard.kinds.modeldeployment.traffic import gateways, routes, services
from modelyard.kinds.modeldeployment.traffic.gateways import Left, Way
from modelyard.workload.conclude import Step, conclude
from modelyard.workload.failures import Trouble
from modelyard.workload.server import written
from modelyard_api.kinds.modeldeployment import Judged, ModelDeploymentStatus
from modelyard_api.kinds.modelversion import ModelVersion

LOOK_AT_GATEWAY = timedelta(seconds=60)
"""Gateways and routes are not fed."""
LOOK_AT_SCALING = timedelta(seconds=60)
"""Whether KEDA is there by now."""
LOOK_AT_TEST = timedelta(seconds=2)
"""How long a gateway may take to make what a route's new rules need."""
LOOK_AT_POOL = timedelta(seconds=300)
"""Where not all pods serve a packed model: the ModelPool tells at once when what its pods say has changed."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was read: the way through the gateway, the judgement that was due, how the candidate's pods ended,
    what is left of a Gateway that is not named any more, and who changes the number of pods."""

    way: Way
    scaling: Scaling
    judged: tuple[Judged, ...] | None = None
    crashed: str | None = None
    left: Left = field(default_factory=Left)


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    deployment = view.deployment
    status = _counted(view, now)
    goal = resolve(view, status)
    pods = {number: children.counted(view, version) for number, version in view.versions.items()}
    here = packed.look(view, goal, facts)
    replicas = deployment.spec.replicas
    if here is not None:
        packed.counted(view, status, here)
        replicas = here.replicas
        pods = {} if isinstance(goal, Trouble) else {goal.spec.number: here.pods}
    known = _read(view, status, goal, pods, facts, now)
    if isinstance(goal, Trouble):
        # What serves goes on serving, and a rollout waits where it is.
        done = Advanced(status)
    elif deployment.spec.suspend:
        status.candidate = status.weight = status.step = status.rollout = None
        done = Advanced(status)
    else:
        done = advance(status, _situation(view, goal, pods, known, replicas, now))
    status = done.status
    packed.settle(view, status, goal, here)
    if here is None and not isinstance(goal, Trouble):
        packed.moved_out(status, pods[goal.spec.number], replicas)
    replicas = 0 if deployment.spec.suspend else replicas
    sizes = capacity(status, deployment.spec.rollout, replicas, pods)
    if deployment.spec.suspend and not sizes and not isinstance(goal, Trouble):
        sizes = {goal.spec.number: 0}
    if here is None:
        status.image = _image(view, status)
    after = done.after
    if known.left.unread:
        status.url = deployment.status.url  # by which the next pass knows that something is left
    if deployment.spec.gateway is not None or known.left.unread:
        # The rules of a test that begins are there for nobody first.
        wait = LOOK_AT_TEST if routes.begins(view, status) and not known.way.tested else LOOK_AT_GATEWAY
        after = min(after, now + wait) if after else now + wait
    if known.scaling.waits:
        after = min(after, now + LOOK_AT_SCALING) if after else now + LOOK_AT_SCALING
    if here is not None and here.ready and not here.complete:
        after = now + LOOK_AT_POOL
    wanted = None if isinstance(goal, Trouble) else goal.spec.number
    said = tell.conditions_of(view, status, goal, pods, known.way, here, known.scaling.trouble)
    made = packed.writes(view, status) if here is not None else writes(view, status, wanted, sizes, pods, known.way)
    gone = (*made, *known.scaling.writes, *known.left.gone)
    return conclude(view.raw, Step(status, said, gone, after, (done.note,) if done.note else ()), now)


def _read(
    view: View,
    status: ModelDeploymentStatus,
    goal: ModelVersion | Trouble,
    pods: dict[int, Pods],
    facts: Facts,
    now: datetime,
) -> Known:
    spec, scaled = view.deployment.spec, scaling.look(view, facts)
    if spec.gateway is not None:
        known = Known(gateways.look(view, spec.gateway, facts), scaled)
    else:
        known = Known(Way(), scaled, left=gateways.leftovers(view, facts))
    state, when = status.rollout, due(status, spec.rollout)
    if state is None or when is None or spec.suspend or isinstance(goal, Trouble):
        return known
    # A candidate whose last pod has just gone is looked at before anything else is made of that.
    absent = not pods[goal.spec.number].available
    if state.version != goal.spec.number or (now < when and not absent):
        return known
    found = evidence(view, status, facts, now)
    return replace(known, judged=found.judged, crashed=found.crashed)


def _situation(
    view: View, goal: ModelVersion, pods: dict[int, Pods], known: Known, replicas: int, now: datetime
) -> Situation:
    spec = view.deployment.spec
    return Situation(
        now=now,
        goal=goal.spec.number,
        rollout=spec.rollout,
        replicas=replicas,
        pods=pods,
        judged=known.judged,
        crashed=known.crashed,
        open=spec.gateway is None or known.way.trouble is None,
        reached=view.endpoints.get(versioned(view, goal.spec.number), 0) if spec.gateway else None,
    )


def _counted(view: View, now: datetime) -> ModelDeploymentStatus:
    """The status as it was, with what is counted anew."""
    status = view.deployment.status.model_copy(deep=True)
    if status.stable is None and (number := _remembered(view)) is not None:
        # A status that was lost, or whose write failed after the Service's; before there was one, nothing had served.
        status = serving(status, number, now)
    counts = [child.get("status") or {} for child in view.pods]
    status.replicas = sum(item.get("replicas", 0) for item in counts)
    status.ready_replicas = sum(item.get("readyReplicas", 0) for item in counts)
    gateway = view.deployment.spec.gateway
    status.url = f"http://{gateway.hostname}" if gateway else services.url(view)
    # The autoscaler counts these pods: of a rollout's stages those of the stable version.
    status.selector = written(selector(view, status.stable if status.weight is not None else None))
    return status


def _remembered(view: View) -> int | None:
    for service in view.services:
        if service["metadata"]["name"] == view.deployment.name:
            text = (service["metadata"].get("annotations") or {}).get(STABLE, "")
            return int(text) if text.isdecimal() else None
    return None


def _image(view: View, status: ModelDeploymentStatus) -> str | None:
    version = view.versions.get(status.candidate or status.stable or 0)
    return children.image(view, version) if version else status.image
