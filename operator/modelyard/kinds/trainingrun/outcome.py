"""How a TrainingRun ends: trained, registered as a version of its Model, or failed."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.kinds.trainingrun import quality
from modelyard.kinds.trainingrun.observe import View
from modelyard.workload.conclude import Step, Trouble
from modelyard.workload.run.ending import fail
from modelyard_api.fields.metrics import METRICS
from modelyard_api.fields.status import Outputs, Phase
from modelyard_api.kinds.trainingrun import TrainingRunStatus
from modelyard_api.wire.result import TrainResult

AS_SKOPS = "StoredAsSkops"
"""Reason of condition Trained if ONNX can't represent the model."""


def trained(view: View, now: datetime, result: TrainResult, status: TrainingRunStatus) -> Step:
    """Records the result; a run with a modelRef is complete once the Model has registered the version."""
    value = result.metrics.get(result.objective)
    outcome = {
        "metrics": result.metrics,
        "objective": result.objective,
        "score": None if value is None else f"{value:.4g}",
        "baseline": result.baseline,
        "fit": result.fit,
        "left_out": [text[:160] for text in result.left_out[:20]],
        "format": result.artifact_format,
        "format_reason": result.format_reason,
        "attempts": max(status.attempts, 1),
        "tracking_url": tracking_url(view, result),
        "completion_time": status.completion_time or timestamp(now),
        "outputs": status.outputs or Outputs(dataset_version=status.dataset_version),
    }
    return registered(view, now, status.model_copy(update=outcome))


def registered(view: View, now: datetime, status: TrainingRunStatus) -> Step:
    """Completes a trained run whose result is in status, once its version is registered if it has a modelRef."""
    further, ref = (_trained_condition(status), *quality.conditions(view.run.spec, status)), view.run.spec.model_ref
    done = status.model_copy(update={"phase": Phase.SUCCEEDED})
    if ref is None:
        return Step(done, (*kstatus.complete("Trained", _summary(status)), *further))
    restored = status.outputs.model_version if status.outputs else None
    if view.model_version is None and restored is None:
        return _unregistered(view, now, ref.name, status, further)
    name = view.model_version["metadata"]["name"] if view.model_version else restored
    done.outputs = Outputs(dataset_version=status.dataset_version, model_version=name)
    return Step(done, (*kstatus.complete("Registered", f"registered {name}: {_summary(status)}"), *further))


def _unregistered(
    view: View, now: datetime, model: str, status: TrainingRunStatus, further: tuple[Condition, ...]
) -> Step:
    message = f"waiting for Model {model!r} to register the version"
    if view.model is None:
        message = f"there is no Model {model!r} any more; apply it, and the version is registered"
    elif status.objective in METRICS and METRICS[status.objective].task != view.model["spec"]["task"]:
        task = METRICS[status.objective].task
        message = (
            f"spec.modelRef.name: Model {model!r} was made anew for {view.model['spec']['task']}, but this run "
            f"trained for {task}; apply a new run"
        )
        return fail(status, now, Trouble("TaskMismatch", message))
    elif obstacle := kstatus.find(view.model, "Reconciling"):
        message = f"{message}: {obstacle['reason']}: {obstacle['message']}"
    running = status.model_copy(update={"phase": Phase.RUNNING})
    return Step(running, (*kstatus.reconciling("Registering", message), *further))


def _trained_condition(status: TrainingRunStatus) -> Condition:
    if status.format == "ONNX":
        message = f"the model was trained, converted, checked and scored{_scaled(status)}{_left_out(status)}"
        return Condition("Trained", True, "Trained", message)
    why = f": {status.format_reason}" if status.format_reason else ""
    stored = f"it is stored as skops, and scikit-learn serves it{why}"
    message = f"the model was trained, checked and scored{_scaled(status)}{_left_out(status)}; {stored}"
    return Condition("Trained", True, AS_SKOPS, message)


def _scaled(status: TrainingRunStatus) -> str:
    """Tells how numbers were scaled, since a spec that says nothing of it leaves that to the estimator."""
    scale = status.fit.scale if status.fit else None
    return f"; numbers were scaled: {scale}" if scale and scale != "None" else ""


def _left_out(status: TrainingRunStatus) -> str:
    """Tells which columns were no features: nobody has asked for that."""
    shown = ", ".join(status.left_out[:5]) + (", ..." if len(status.left_out) > 5 else "")
    return f"; no features: {shown}" if shown else ""


def _summary(status: TrainingRunStatus) -> str:
    stored = "" if status.format == "ONNX" else "; stored as skops, see condition Trained"
    worth = "; no better than the baseline, see condition BetterThanBaseline" if quality.is_no_better(status) else ""
    return f"{status.objective} {status.score} on the held-out rows{worth}{stored}"


def tracking_url(view: View, result: TrainResult) -> str | None:
    """Returns the run's page in the tracking server's UI, as a person can open it, or None if it wasn't tracked."""
    if not result.tracking_run_id:
        return None
    base = view.installation.tracking_pages.rstrip("/")
    return f"{base}/#/experiments/{result.tracking_experiment_id}/runs/{result.tracking_run_id}"
