"""How a TrainingRun ends: from its Job's end and the result in the artifact store."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.engine.plan import Facts, Note, Plan, PodsOf, Result, Unavailable
from modelyard.engine.resource import Object
from modelyard.kinds.trainingrun import children
from modelyard.kinds.trainingrun.observe import View
from modelyard.kinds.trainingrun.step import RETRY, Step, ask, fail, give_up, wait
from modelyard.workload import failures
from modelyard.workload.failures import Fields, Trouble
from modelyard.workload.run.results import parse
from modelyard_api.fields.metrics import METRICS
from modelyard_api.fields.status import Outputs, Phase
from modelyard_api.kinds.trainingrun import TrainingRunStatus
from modelyard_api.wire import result as results

AS_SKOPS = "StoredAsSkops"
"""Reason of Trained where ONNX can't hold the model."""
_AS_ONNX = Condition("Trained", True, "Trained", "the model was trained, converted, checked and scored")


def fields(view: View) -> Fields:
    """What messages about the pods name."""
    own = view.run.spec.trainer.container is not None
    return Fields(own_image="spec.trainer.container.image" if own else None)


def read(view: View, facts: Facts, now: datetime) -> results.Result | Step | None:
    """The result document; a Step where it has to be asked for, or can't be read now."""
    need = Result(view.run.status.result_uri or children.result_uri(view.run))
    if need not in facts:
        return ask(need)
    found = facts[need]
    if isinstance(found, Unavailable):
        return wait("ArtifactStoreUnavailable", found.message, Phase.RUNNING, now + RETRY)
    return parse(found, need.uri)


def complete(view: View, facts: Facts, now: datetime, job: Object) -> Step:
    """The Job is complete."""
    found = read(view, facts, now)
    if isinstance(found, Step):
        return found
    if isinstance(found, results.TrainResult):
        return trained(view, now, found, view.run.status)
    if isinstance(found, results.Failed):
        return fail(view, now, Trouble(found.error.reason, found.error.message))
    message = f"the pod ended well but left no result at {view.run.status.result_uri}; see the Job's log"
    missing = Trouble("ResultMissing", message)
    return _uncollected(view, facts, now, job, missing) if view.run.spec.trainer.container else fail(view, now, missing)


def _uncollected(view: View, facts: Facts, now: datetime, job: Object, missing: Trouble) -> Step:
    """The user's container ended well, but our helper after it did not: nothing of that makes a Job try again."""
    pods = _pods_of(job, facts, now)
    if isinstance(pods, Step):
        return pods
    trouble, failed = failures.ended(pods, fields(view)) or missing, view.run.status.attempts
    left = 1 + view.run.spec.backoff_limit - failed
    if left <= 0:
        return fail(view, now, trouble)
    message = f"{trouble.message}; it is tried again by itself, attempts left: {left}"
    return give_up(view, now, job, Trouble(trouble.reason, message), failed)


def _pods_of(job: Object, facts: Facts, now: datetime) -> list[Object] | Step:
    """The Job's pods, or the Step that gets them first."""
    meta = job["metadata"]
    need = PodsOf(meta["namespace"], meta["name"], meta["uid"])
    if need not in facts:
        return ask(need)
    pods: list[Object] | Unavailable = facts[need]
    if isinstance(pods, Unavailable):
        return wait("PodsUnavailable", pods.message, Phase.RUNNING, now + RETRY)
    return pods


def job_failed(view: View, facts: Facts, now: datetime, job: Object) -> Step:
    """The Job has failed; trained all the same where the pod was lost only after it had written its result.

    That of a container of the user's own would be what was collected after it had failed.
    """
    found = read(view, facts, now)
    if isinstance(found, Step):
        return found
    if isinstance(found, results.TrainResult) and not view.run.spec.trainer.container:
        return trained(view, now, found, view.run.status)
    pods = _pods_of(job, facts, now)
    if isinstance(pods, Step):
        return pods
    wrote = found if isinstance(found, results.Failed) else None
    return fail(view, now, failures.of_job(job, pods, wrote, fields(view)))


def trained(view: View, now: datetime, found: results.TrainResult, status: TrainingRunStatus) -> Step:
    """Write down what came of it; with a modelRef, complete once the Model has registered the version."""
    value = found.metrics.get(found.objective)
    known = {
        "metrics": found.metrics,
        "objective": found.objective,
        "score": None if value is None else f"{value:.4g}",
        "attempts": max(status.attempts, 1),
        "tracking_url": tracking_url(view, found),
        "completion_time": status.completion_time or timestamp(now),
        "outputs": Outputs(dataset_version=status.dataset_version),
    }
    return registered(view, now, status.model_copy(update=known), _condition(found))


def registered(view: View, now: datetime, status: TrainingRunStatus, trained: Condition | None = None) -> Step:
    """Trained, and all that is known of it is in status: nothing is left but the version.

    ``trained`` [as it stands in status]: the condition that says so.
    """
    condition = trained or _kept(view)
    ref = view.run.spec.model_ref
    if ref is None:
        done = (*kstatus.complete("Trained", _summary(status, condition)), condition)
        return Step(done, Phase.SUCCEEDED, Plan(notes=(Note("Trained", _summary(status, condition)),)), status)
    if view.model_version is None:
        return _unregistered(view, now, ref.name, status, condition)
    name = view.model_version["metadata"]["name"]
    outputs = Outputs(dataset_version=status.dataset_version, model_version=name)
    message = f"registered {name}: {_summary(status, condition)}"
    return Step(
        (*kstatus.complete("Registered", message), condition),
        Phase.SUCCEEDED,
        Plan(notes=(Note("Registered", message),)),
        status.model_copy(update={"outputs": outputs}),
    )


def _condition(found: results.TrainResult) -> Condition:
    if found.artifact_format == "ONNX":
        return _AS_ONNX
    why = f": {found.format_reason}" if found.format_reason else ""
    message = f"the model was trained, checked and scored; it is stored as skops, and scikit-learn serves it{why}"
    return Condition("Trained", True, AS_SKOPS, message)


def _kept(view: View) -> Condition:
    before = kstatus.find(view.raw, "Trained")
    return Condition("Trained", True, before["reason"], before["message"]) if before else _AS_ONNX


def _unregistered(view: View, now: datetime, model: str, status: TrainingRunStatus, condition: Condition) -> Step:
    message = f"waiting for Model {model!r} to register the version"
    if view.model is None:
        message = f"there is no Model {model!r} any more; apply it, and the version is registered"
    elif status.objective in METRICS and METRICS[status.objective].task != view.model["spec"]["task"]:
        task = METRICS[status.objective].task
        message = (
            f"spec.modelRef.name: Model {model!r} was made anew for {view.model['spec']['task']}, but this run "
            f"trained for {task}; apply a new run"
        )
        return fail(view, now, Trouble("TaskMismatch", message))
    return Step((*kstatus.reconciling("Registering", message), condition), Phase.RUNNING, Plan(), status)


def _summary(status: TrainingRunStatus, condition: Condition) -> str:
    stored = "; stored as skops, see condition Trained" if condition.reason == AS_SKOPS else ""
    return f"{status.objective} {status.score} on the held-out rows{stored}"


def tracking_url(view: View, found: results.TrainResult) -> str | None:
    if not found.tracking_run_id:
        return None
    base = view.installation.tracking_ui_url or view.installation.tracking_url
    return f"{base.rstrip('/')}/#/experiments/{found.tracking_experiment_id}/runs/{found.tracking_run_id}"
