"""Conditions of a PipelineSource: Ready, and beside it Fetched, TestsPassed and Delivered."""

from __future__ import annotations

from dataclasses import replace

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition
from modelyard.workload.conclude import Step
from modelyard_api.kinds.pipelinesource import PipelineSourceStatus


def standing(status: PipelineSourceStatus) -> tuple[Condition, ...]:
    """Returns Ready, with Reconciling or Stalled, from what the status says. A look changes nothing of it."""
    build = status.build
    if build is None:
        if status.look and not status.look.succeeded:
            return kstatus.stalled(status.look.reason, status.look.message)
        return kstatus.reconciling("Checking", "the ref is about to be looked up")
    if build.passed is None:
        if build.retry_time:
            message = f"commit {build.commit[:12]} is built again at {build.retry_time}: {build.message}"
            return kstatus.reconciling(build.reason, message, warning=True)
        return kstatus.reconciling("Building", f"commit {build.commit[:12]} is tested and bundled")
    if not build.passed:
        return kstatus.stalled(build.reason, f"commit {build.commit[:12]}: {build.message}")
    refused = [item for item in status.targets if item.phase == "Refused"]
    if refused:
        return kstatus.stalled("DeliveryRefused", f"target {refused[0].name}: {refused[0].message}")
    waits = [item for item in status.targets if item.phase == "Pending"]
    if waits or not status.targets:
        why = f"target {waits[0].name}: {waits[0].message}" if waits else "its targets are next"
        return kstatus.reconciling("Delivering", f"commit {build.commit[:12]} is delivered; {why}")
    names = ", ".join(item.name for item in status.targets)
    return kstatus.ready("Delivered", f"commit {build.commit[:12]} is on {names}")


def suspended() -> tuple[Condition, ...]:
    return kstatus.suspended("spec.suspend is true: no commit is looked for; set it to false to go on")


def with_parts(step: Step) -> Step:
    """Returns the Step with the conditions that tell how far the newest commit has come."""
    status = step.status
    assert isinstance(status, PipelineSourceStatus)
    parts = []
    if status.look:
        good = status.look.succeeded
        parts.append(Condition("Fetched", good, status.look.reason, status.look.message, not good))
    build = status.build
    for check in build.checks if build else ():
        if check.name == "tests":
            reason = "TestsPassed" if check.passed else "TestsFailed"
            message = check.message.strip() or "the program of the tests gave no message; see its log"
            parts.append(Condition("TestsPassed", check.passed, reason, message, not check.passed))
    if build and status.targets:
        bad = [item for item in status.targets if item.phase == "Refused"]
        done = all(item.commit == build.commit and item.phase == "Delivered" for item in status.targets)
        if bad:
            parts.append(Condition("Delivered", False, "DeliveryRefused", f"{bad[0].name}: {bad[0].message}", True))
        elif done:
            parts.append(Condition("Delivered", True, "Delivered", f"all targets have {build.commit[:12]}"))
    return replace(step, conditions=(*step.conditions, *parts))
