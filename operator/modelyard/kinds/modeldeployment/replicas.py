"""Decides how many pods a ModelDeployment has while an autoscaler counts them, whatever a manifest says meanwhile.

An autoscaler writes ``spec.replicas`` through the scale subresource, and a manifest that names the field writes it as
well, at each sync of a GitOps tool. What the autoscaler has asked for counts: a manifest's number is only the number to
start with. Kubernetes' autoscaler takes the number in spec for that of the pods, so it first goes up from there, to
``minReplicas`` and some 15 s later to what the load needs. Until then the pods are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelyard.engine.conditions import Condition, parse_time, timestamp
from modelyard.engine.ownership import foreign, writer_of_replicas
from modelyard.engine.plan import Note
from modelyard.kinds.modeldeployment.observe import View
from modelyard_api.kinds.modeldeployment import HeldReplicas, ModelDeploymentStatus

HOLD = timedelta(minutes=5)
"""Time for which pods are kept: as long as Kubernetes' autoscaler waits by default before it takes pods away."""
CORRECTED_AFTER = timedelta(seconds=30)
"""By then an autoscaler has written its number again, every 15 s, so a manifest's number is a new one."""


@dataclass(frozen=True, slots=True)
class InForce:
    """``view`` has the number of pods in force as its ``spec.replicas``."""

    view: View
    note: Note | None = None
    after: datetime | None = None


def in_force(view: View, status: ModelDeploymentStatus, now: datetime) -> InForce:
    """Returns the number of pods in force, and writes into ``status`` whether it is held against a manifest's."""
    spec, held = view.deployment.spec, status.held
    autoscaling = None if spec.suspend or spec.pool is not None else spec.autoscaling
    if autoscaling is None or spec.replicas == 0:  # Kubernetes' way to switch an autoscaler off
        status.held = None
        return InForce(view)
    least, most = autoscaling.min_replicas, autoscaling.max_replicas
    autoscaler = view.autoscaler if autoscaling.metric == "CPU" else view.scaler
    asked = int(((autoscaler or {}).get("status") or {}).get("desiredReplicas") or 0)
    writer = writer_of_replicas(view.raw)
    ignored = bool(asked and writer is not None and spec.replicas != asked)
    number = min(max(asked if ignored else spec.replicas, least), most)
    if held is not None and now < parse_time(held.until):
        number = min(max(number, held.replicas), most)
        again = ignored and now > parse_time(held.until) - HOLD + CORRECTED_AFTER
        status.held = held.model_copy(
            update={
                "replicas": number,
                "highest": max(held.highest, asked),
                "recurring": held.recurring or again,
                **({"written": spec.replicas, "manager": writer or "unknown"} if ignored else {}),
            }
        )
        return InForce(_with(view, number), after=parse_time(held.until))
    if ignored or (held is not None and held.recurring):
        number = min(max(number, _running(view) if held is None else held.highest), most)
        written, manager = (
            (spec.replicas, writer or "unknown") if ignored or held is None else (held.written, held.manager)
        )
        until = now + HOLD
        status.held = HeldReplicas(
            replicas=number, highest=asked, until=timestamp(until), written=written, manager=manager
        )
        message = (
            f"spec.replicas: {written} was written by {manager} and is not followed, since spec.autoscaling counts the "
            f"pods ({least} to {most}); leave replicas out of the manifest"
        )
        return InForce(_with(view, number), Note("ReplicasIgnored", message, "Warning"), until)
    status.held = None
    return InForce(_with(view, number))


def with_held(conditions: tuple[Condition, ...], status: ModelDeploymentStatus) -> tuple[Condition, ...]:
    """Adds to the messages which number is not followed, as long as pods are held against it."""
    if (held := status.held) is None:
        return conditions
    ignored = f"spec.replicas: {held.written} of {held.manager} was not followed under spec.autoscaling"
    suffix = f"; {ignored}: leave replicas out of the manifest"
    return tuple(replace(item, message=item.message + suffix) for item in conditions)


def _running(view: View) -> int:
    """Returns the pods that a version has been given: an autoscaler without metrics doesn't know of a later scaling."""
    replicas = ("f:spec", "f:replicas")
    return max((child["spec"].get("replicas", 1) for child in view.pods if not foreign(child, replicas)), default=0)


def _with(view: View, replicas: int) -> View:
    spec = view.deployment.spec.model_copy(update={"replicas": replicas})
    return replace(view, deployment=view.deployment.model_copy(update={"spec": spec}))
