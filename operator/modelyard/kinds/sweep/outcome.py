"""How a Sweep ends: its search gives a best trial, which a TrainingRun trains and its Model registers."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Create, Patch
from modelyard.engine.refusal import why_invalid
from modelyard.engine.resource import TRAINING_RUNS, Object
from modelyard.kinds.sweep import children
from modelyard.kinds.sweep.observe import View, training_run_name
from modelyard.kinds.sweep.progress import with_progress
from modelyard.workload.conclude import Step, Trouble
from modelyard.workload.run.ending import fail
from modelyard_api.fields.status import Phase
from modelyard_api.kinds.sweep import SweepOutputs, SweepStatus
from modelyard_api.wire.result import SweepResult


def searched(view: View, now: datetime, result: SweepResult, status: SweepStatus, ended: str | None = None) -> Step:
    """Records the end of the search, and lets a TrainingRun train its best trial.

    ``ended`` says what has ended it before all trials.
    """
    spec = view.sweep.spec
    status = with_progress(spec, status, result.model_copy(update={"running": 0}), ended)
    if result.best is None:
        return fail(status, now, Trouble("NoTrialSucceeded", "no trial has a score; see the logs of its Job's pods"))
    outputs = SweepOutputs(dataset_version=status.dataset_version)
    if spec.model_ref is None:
        update = {"phase": Phase.SUCCEEDED, "completion_time": timestamp(now), "outputs": outputs}
        return Step(status.model_copy(update=update), kstatus.complete("Searched", _summary(view, status)))
    outputs.training_run = training_run_name(view.sweep)
    if why := why_invalid(view.raw, "TrainingRun", outputs.training_run):
        message = f"the API server refuses the TrainingRun of the best trial: {why}; apply a sweep with a new name"
        return fail(status, now, Trouble("InvalidChild", message))
    status = status.model_copy(update={"phase": Phase.RUNNING, "outputs": outputs})
    message = f"{_summary(view, status)}; TrainingRun {outputs.training_run} trains it"
    writes = (Create(TRAINING_RUNS, children.training_run(view, result.best, now)),)
    return Step(status, kstatus.reconciling("Training", message), writes)


def trained(view: View, run: Object, status: SweepStatus, now: datetime) -> Step:
    """Follows the TrainingRun of the best trial to its end."""
    spec, name = view.sweep.spec, run["metadata"]["name"]
    made = (run.get("status") or {}).get("outputs") or {}
    outputs = SweepOutputs(
        training_run=name, dataset_version=status.dataset_version, model_version=made.get("modelVersion")
    )
    status = status.model_copy(update={"outputs": outputs, "phase": Phase.RUNNING})
    ready = kstatus.find(run, "Ready") or {}
    if kstatus.holds(run, "Complete"):
        update = {"phase": Phase.SUCCEEDED, "completion_time": timestamp(now)}
        message = f"{_summary(view, status)}; TrainingRun {name}: {ready.get('message', 'it is complete')}"
        return Step(status.model_copy(update=update), kstatus.complete("Registered", message))
    if kstatus.holds(run, "Failed") and (failed := kstatus.find(run, "Failed")):
        message = f"TrainingRun {name} of the best trial has failed: {failed['message']}"
        return fail(status, now, Trouble(failed["reason"], message))
    writes = _suspend(run, spec.suspend)
    if spec.suspend:
        suspended = status.model_copy(update={"phase": Phase.SUSPENDED})
        return Step(suspended, kstatus.suspended("spec.suspend is true; set it to false to go on training"), writes)
    waits = f"{ready['reason']}: {ready['message']}" if ready else "it is not looked at yet"
    return Step(status, kstatus.reconciling("Training", f"TrainingRun {name} trains the best trial: {waits}"), writes)


def _suspend(run: Object, suspend: bool) -> tuple[Patch, ...]:
    if bool(run["spec"].get("suspend")) == suspend:
        return ()
    meta = run["metadata"]
    return (Patch(TRAINING_RUNS, meta["namespace"], meta["name"], meta["uid"], {"spec": {"suspend": suspend}}),)


def _summary(view: View, status: SweepStatus) -> str:
    if status.best is None or status.progress is None:
        return "the search is over"
    best = status.best
    value = f"{view.sweep.spec.objective} {best.value:.4g} in cross-validation"
    return f"{status.progress.message}; the best is trial {best.trial}, {best.params['algorithm']}, {value}"
