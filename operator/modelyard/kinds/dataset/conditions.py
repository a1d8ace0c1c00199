"""Conditions of a Dataset."""

from __future__ import annotations

from dataclasses import replace

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.kinds.dataset.observe import View
from modelyard.workload.conclude import Step
from modelyard_api.kinds.dataset import DatasetStatus


def standing(view: View, status: DatasetStatus) -> tuple[Condition, ...]:
    """Returns the conditions between checks of the source."""
    if has_version(view, status):
        return _of_latest(view, status)
    if status.source and status.source.reason == "NotSettled":
        return kstatus.reconciling(status.source.reason, status.source.message)
    if status.source and not status.source.readable:
        return kstatus.stalled(status.source.reason, status.source.message)
    return kstatus.reconciling("Checking", "the source is about to be read")


def suspended(view: View, status: DatasetStatus) -> tuple[Condition, ...]:
    """Returns the conditions while nobody looks for new data.

    Ready stays True if there is an accepted version, of whatever generation: runs train on it, as long as no other is
    going to be made.
    """
    latest = _of_latest(view, status) if view.version(status.latest) else ()
    message = "spec.suspend is true: nobody looks for new data; set it to false to go on"
    return (*latest, *kstatus.suspended(message))


def with_source(view: View, step: Step) -> Step:
    """Returns the Step with the conditions SourceReadable and TypesCertain, and Ready while there is an accepted
    version.

    Neither a running check nor a failed one (see ``outcome.unreadable``) makes an accepted version unready.
    """
    status = step.status
    assert isinstance(status, DatasetStatus)
    conditions = step.conditions
    if has_version(view, status) and any(item.type == "Reconciling" for item in conditions):
        conditions = _accepted(status)
    if status.source is not None:
        readable = status.source.readable
        source = Condition("SourceReadable", readable, status.source.reason, status.source.message, not readable)
        conditions = (*conditions, source)
    conditions = (*conditions, *_certainty(view, status))
    return replace(step, conditions=conditions)


def _certainty(view: View, status: DatasetStatus) -> tuple[Condition, ...]:
    """Returns whether anything of the latest version was guessed, as its own status says."""
    said = kstatus.find(view.version(status.latest) or {}, "TypesCertain")
    if said is None:
        return ()
    is_certain = said["status"] == "True"
    message = said["message"] if is_certain else f"{status.latest}: {said['message']}"
    return (Condition("TypesCertain", is_certain, said["reason"], message, not is_certain),)


def has_version(view: View, status: DatasetStatus) -> bool:
    """Whether this generation has an accepted version."""
    return bool(status.latest) and status.accepted_generation == view.dataset.generation


def _of_latest(view: View, status: DatasetStatus) -> tuple[Condition, ...]:
    stuck = kstatus.find(view.version(status.latest) or {}, "Stalled")
    if stuck:
        return kstatus.stalled(stuck["reason"], f"{status.latest}: {stuck['message']}")
    return _accepted(status)


def _accepted(status: DatasetStatus) -> tuple[Condition, ...]:
    return kstatus.ready("VersionAccepted", f"{status.latest} is the latest accepted version")
