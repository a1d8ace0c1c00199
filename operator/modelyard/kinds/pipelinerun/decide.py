"""Decides what a PipelineRun needs next: a pure function of its view."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.engine.plan import Facts, Note, Plan
from modelyard.engine.resource import PIPELINE_RUNS
from modelyard.kinds.pipelinerun.observe import View
from modelyard.kinds.pipelinerun.source import source
from modelyard.kinds.pipelinerun.steps import OVER, SKIPPED, StepProgress, Steps
from modelyard.workload.conclude import Fails, Step, Waits, conclude
from modelyard.workload.pipelines.causes import cause_of
from modelyard.workload.run import record
from modelyard.workload.run.ttl import kept
from modelyard_api.fields.status import Outputs, Phase, Progress
from modelyard_api.kinds.pipelinerun import PipelineRunStatus, StepStatus

ENDED = (Phase.SUCCEEDED, Phase.FAILED)
DECIDES = {"pipeline_ref", "parameters", "trigger", "covers", "steps"}
"""Fields of the spec that decide what it does."""
AS_USUAL = (None, "Starting", "PodPending", "Running", "Waiting", "Suspended")
"""Reasons of a step that goes on without any trouble."""


def decide(view: View, facts: Facts, now: datetime) -> Plan:
    """Returns the plan of one pass. Raises Missing."""
    status, digest = view.run.status, record.digest(view.run.spec, DECIDES)
    if status.phase in ENDED:
        return Plan(status=kept(view.raw), writes=record.writes(PIPELINE_RUNS, view.raw, digest))
    if not status.start_time and (known := record.ended(view.raw, digest, PipelineRunStatus)):
        return conclude(view.raw, known, now)
    return conclude(view.raw, _step(view, facts, now), now)


def _step(view: View, facts: Facts, now: datetime) -> Step:
    status = view.run.status
    if view.run.spec.suspend and not status.steps:
        message = "spec.suspend is true; set it to false and the run starts"
        return Step(status.model_copy(update={"phase": Phase.SUSPENDED}), kstatus.suspended(message))
    try:
        steps = source(view)
    except Waits as waits:
        return waits.step(status.model_copy(update={"phase": Phase.PENDING}))
    except Fails as fails:
        failed = {"phase": Phase.FAILED, "completion_time": timestamp(now)}
        return Step(status.model_copy(update=failed), kstatus.failed(fails.trouble.reason, fails.trouble.message))
    if keep := steps.keep(view):
        pending = status.model_copy(update={"phase": Phase.PENDING})
        return Step(pending, kstatus.reconciling("Starting", "what it does is being recorded"), (keep,))
    progress = Steps(view, steps, facts, now).advance()
    return _concluded(view, progress, now)


def _concluded(view: View, progress: list[StepProgress], now: datetime) -> Step:
    steps = [item.status for item in progress]
    succeeded = sum(item.phase == Phase.SUCCEEDED for item in steps)
    status = view.run.status.model_copy(
        update={
            "steps": steps,
            "progress": Progress(percent=100 * succeeded // len(steps), message=f"{succeeded} of {len(steps)}"),
            "start_time": view.run.status.start_time or timestamp(now),
            "outputs": _outputs(steps),
        }
    )
    notes = tuple(_news(view, steps))
    if all(item.phase in OVER for item in steps):
        return _ended(status, steps, notes, now)
    writes = tuple(write for item in progress for write in item.writes)
    after = min((item.after for item in progress if item.after), default=None)
    status.phase = Phase.SUSPENDED if view.run.spec.suspend else Phase.RUNNING
    return Step(status, _conditions(view, steps), writes, after, notes)


def _ended(status: PipelineRunStatus, steps: list[StepStatus], notes: tuple[Note, ...], now: datetime) -> Step:
    failed = [item for item in steps if item.phase == Phase.FAILED]
    status.phase = Phase.FAILED if failed else Phase.SUCCEEDED
    status.completion_time = timestamp(now)
    if not failed:
        message = f"{len(steps)} steps have succeeded" if len(steps) > 1 else f"step {steps[0].name} has succeeded"
        return Step(status, kstatus.complete("Succeeded", message), notes=notes)
    return Step(status, kstatus.failed("StepFailed", _failures(steps)), notes=notes)


def _failures(steps: Iterable[StepStatus]) -> str:
    """Tells the steps that failed, why, and what was skipped for it."""
    parts = [f"step {item.name}: {item.reason}: {item.message}" for item in steps if item.phase == Phase.FAILED]
    skipped = [item.name for item in steps if item.phase == SKIPPED]
    return "; ".join([*parts, *([f"skipped: {', '.join(skipped)}"] if skipped else [])])


def _conditions(view: View, steps: list[StepStatus]) -> tuple[Condition, ...]:
    if view.run.spec.suspend:
        running = [item.name for item in steps if item.phase == Phase.RUNNING]
        still = f"; {', '.join(running)} being suspended" if running else ""
        return kstatus.suspended(f"spec.suspend is true; set it to false and the run goes on{still}")
    active = [item for item in steps if item.phase not in OVER and item.reason != "Waiting"]
    parts = [f"step {item.name}: {item.reason}: {item.message or item.object or 'it is made'}" for item in active]
    failures = _failures(steps)
    return kstatus.reconciling("Running", "; ".join([*parts, *([failures] if failures else [])]), bool(failures))


def _news(view: View, steps: list[StepStatus]) -> Iterable[Note]:
    """Yields an Event for each step that was started, is held up, or has ended. Each start tells the cause of the run.

    What holds an object of ours up is told in Events of that object.
    """
    before = {item.name: item for item in view.run.status.steps}
    for item in steps:
        old = before.get(item.name)
        if item.object and not (old and old.object):
            cause = cause_of(view.run.spec, view.run.name)
            yield Note("StepStarted", f"step {item.name}: {item.kind} {item.object}; {cause}"[:1000])
        if item.phase in OVER and not (old and old.phase in OVER):
            yield _end(item)
        elif item.kind == "Job" and item.reason not in (*AS_USUAL, old and old.reason):
            yield Note(str(item.reason), f"step {item.name}: {item.message}", "Warning")


def _end(item: StepStatus) -> Note:
    if item.phase == Phase.SUCCEEDED:
        made = ", ".join(f"{name} {value}" for name, value in item.outputs.items())
        return Note("StepSucceeded", f"step {item.name} has succeeded{f': {made}' if made else ''}")
    if item.phase == SKIPPED:
        return Note("StepSkipped", f"step {item.name} was skipped: {item.message}", "Warning")
    return Note("StepFailed", f"step {item.name}: {item.reason}: {item.message}", "Warning")


def _outputs(steps: Iterable[StepStatus]) -> Outputs | None:
    """Returns the outputs of the last steps that have them."""
    made = {name: value for item in steps for name, value in item.outputs.items()}
    named = {name: made.get(field.alias or name) for name, field in Outputs.model_fields.items()}
    return Outputs(**named) if any(named.values()) else None
