"""Brings each step of a run further: made once those before it have succeeded, followed to its end, or skipped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Create, Facts, Patch, Write
from modelyard.engine.refusal import why_invalid, why_refused
from modelyard.engine.resource import JOBS, Object, Resource
from modelyard.kinds.pipelinerun import children
from modelyard.kinds.pipelinerun.observe import View
from modelyard.kinds.pipelinerun.source import Source
from modelyard.kinds.pipelinerun.values import spec_of, values
from modelyard.workload.conclude import Fails, Trouble, Waits
from modelyard.workload.names import version_number
from modelyard.workload.pipelines.graph import MODEL_VERSION, VERSION_NUMBER, dependencies, outputs_of
from modelyard.workload.run.follow import follow
from modelyard.workload.run.states import Absent, Broken, Ended, Held, Running
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.pipeline import STEP_KINDS, ContainerStep, Step
from modelyard_api.kinds.pipelinerun import StepStatus

SKIPPED = "Skipped"
OVER = (Phase.SUCCEEDED, Phase.FAILED, SKIPPED)
MAX_MESSAGE = 200


@dataclass(frozen=True)
class StepProgress:
    """How a step is now, what brings it further, and when to look again."""

    status: StepStatus
    writes: tuple[Write, ...] = ()
    after: datetime | None = None


@dataclass
class Steps:
    """Advances the steps of one pass, in their order."""

    view: View
    source: Source
    facts: Facts
    now: datetime
    progress: dict[str, StepProgress] = field(default_factory=dict)

    def advance(self) -> list[StepProgress]:
        """Returns the progress of each step. Raises Missing."""
        for step in self.source.steps:
            before = next((item for item in self.view.run.status.steps if item.name == step.name), None)
            self.progress[step.name] = self._of(step, before)
        return list(self.progress.values())

    def _of(self, step: Step, before: StepStatus | None) -> StepProgress:
        if before is not None and before.phase in OVER:
            return StepProgress(before)
        status = before or StepStatus(name=step.name, phase=Phase.PENDING)
        earlier = {name: self.progress[name].status.phase for name in dependencies(step)}
        if failed := [name for name, phase in earlier.items() if phase in (Phase.FAILED, SKIPPED)]:
            return self._over(status, SKIPPED, Trouble("DependencyFailed", f"{', '.join(failed)} did not succeed"))
        if unfinished := [name for name, phase in earlier.items() if phase != Phase.SUCCEEDED]:
            return StepProgress(_told(status, Phase.PENDING, "Waiting", f"waits for {', '.join(unfinished)}"))
        try:
            return self._active(step, status)
        except Fails as fails:
            return self._over(status, Phase.FAILED, fails.trouble)
        except Waits as waits:
            return StepProgress(_told(status, status.phase, waits.reason, waits.message), after=waits.after)

    def _active(self, step: Step, status: StepStatus) -> StepProgress:
        """Follows a step that waits for no other one, or starts it. Raises Missing, Waits and Fails."""
        run, (name, _) = self.view.run, step.content
        known = values(run, self.source, [item.status for item in self.progress.values()])
        spec, model = spec_of(step, known)
        kind = STEP_KINDS[name].kind
        if kind is None:
            assert isinstance(model, ContainerStep)
            return self._container(step, status, model)
        child = self.view.child(kind, children.object_name(run, step.name))
        if child is not None:
            return self._followed(step, status, kind, spec, child)
        if status.object:
            message = f"{kind} {status.object} was deleted before it had ended; apply a new PipelineRun"
            raise Fails(Trouble("StepDeleted", message))
        if run.spec.suspend:
            return StepProgress(_told(status, Phase.SUSPENDED, "Suspended", "the run is suspended"))
        self._refuse_invalid(step, kind, children.object_name(run, step.name))
        made = children.step_object(self.view, kind, step.name, spec)
        return self._making(status, Resource.of(kind), made)

    def _followed(self, step: Step, status: StepStatus, kind: str, spec: dict[str, Any], child: Object) -> StepProgress:
        meta, ready = child["metadata"], kstatus.find(child, "Ready") or {}
        update = {"kind": kind, "object": meta["name"], "start_time": meta["creationTimestamp"]}
        status = status.model_copy(update=update)
        if kstatus.holds(child, "Complete"):
            return self._succeeded(status, _outputs(child, outputs_of(step)))
        if kstatus.holds(child, "Failed"):
            why = Trouble(ready.get("reason", "StepFailed"), ready.get("message", f"{kind} {meta['name']} has failed"))
            return self._over(status, Phase.FAILED, why)
        writes: tuple[Write, ...] = ()
        if bool(child["spec"].get("suspend")) != children.is_suspended(self.view, spec):
            body = {"spec": {"suspend": children.is_suspended(self.view, spec)}}
            writes = (Patch(Resource.of(kind), meta["namespace"], meta["name"], meta["uid"], body),)
        if kstatus.holds(child, "Suspended"):
            told = _told(status, Phase.SUSPENDED, "Suspended", f"{kind} {meta['name']} is suspended")
            return StepProgress(told, writes)
        reason, message = ready.get("reason", "Starting"), ready.get("message", "")
        starts = (child.get("status") or {}).get("phase") in (None, Phase.PENDING)
        return StepProgress(_told(status, Phase.PENDING if starts else Phase.RUNNING, reason, message), writes)

    def _container(self, step: Step, status: StepStatus, spec: ContainerStep) -> StepProgress:
        name = children.job_name(self.view.run, step.name)
        job = self.view.child("Job", name)
        if job is not None:
            update = {"kind": "Job", "object": name, "start_time": job["metadata"]["creationTimestamp"]}
            status = status.model_copy(update=update)
        run = children.container_run(self.view, step.name, spec, status)
        match state := follow(run, job, self.facts, self.now):
            case Absent():
                self._refuse_invalid(step, "Job", name)
                made = children.container_job(self.view, step.name, spec, run)
                return self._making(status, JOBS, made)
            case Held(writes):
                return StepProgress(_told(status, Phase.SUSPENDED, "Suspended", "the run is suspended"), writes)
            case Ended(attempts, result):
                return self._succeeded(status.model_copy(update={"attempts": attempts}), result.outputs)
            case Broken(attempts, trouble):
                return self._over(status.model_copy(update={"attempts": attempts}), Phase.FAILED, trouble)
        phase = Phase.RUNNING if isinstance(state, Running) else Phase.PENDING
        reason, message = ("Running", f"Job {name} runs") if phase == Phase.RUNNING else ("PodPending", f"Job {name}")
        if state.trouble is not None:
            reason, message = state.trouble.reason, state.trouble.message
        status = status.model_copy(update={"attempts": state.attempts})
        return StepProgress(_told(status, phase, reason, message), state.writes, state.after)

    def _making(self, status: StepStatus, resource: Resource, made: Object) -> StepProgress:
        """Makes a step's object. Refused, for example by a quota, it holds up no step that doesn't need it."""
        name = made["metadata"]["name"]
        refused = why_refused(self.view.raw, name)
        reason, message = refused or ("Starting", f"{resource.kind} {name} is being made")
        return StepProgress(_told(status, Phase.PENDING, reason, message), (Create(resource, made, alone=True),))

    def _refuse_invalid(self, step: Step, kind: str, name: str) -> None:
        """Raises Fails if the API server has called the step's object invalid: nobody can correct a run's steps."""
        if why := why_invalid(self.view.raw, kind, name):
            message = f"spec.steps[{step.name}].{step.content[0]}: {why}; correct it in the Pipeline"
            raise Fails(Trouble("StepInvalid", message))

    def _succeeded(self, status: StepStatus, outputs: dict[str, str]) -> StepProgress:
        update = {"phase": Phase.SUCCEEDED, "outputs": outputs, "completion_time": timestamp(self.now)}
        return StepProgress(status.model_copy(update={**update, "reason": None, "message": None}))

    def _over(self, status: StepStatus, phase: str, why: Trouble) -> StepProgress:
        told = _told(status, phase, why.reason, why.message)
        return StepProgress(told.model_copy(update={"completion_time": timestamp(self.now)}))


def _told(status: StepStatus, phase: str, reason: str, message: str) -> StepStatus:
    text = " ".join(message.split())
    text = text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE - 3]}..."
    return status.model_copy(update={"phase": str(phase), "reason": reason, "message": text or None})


def _outputs(child: Object, known: tuple[str, ...]) -> dict[str, str]:
    outputs = (child.get("status") or {}).get("outputs") or {}
    if version := outputs.get(MODEL_VERSION):
        outputs = {**outputs, VERSION_NUMBER: version_number(version)}
    return {name: str(outputs[name]) for name in known if isinstance(outputs.get(name), str | int | float)}
