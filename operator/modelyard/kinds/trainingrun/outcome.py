"""How a TrainingRun ends: from its Job's end and the result in the artifact store."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.engine.plan import Facts, Note, Plan, PodsOf, Result, Unavailable
from modelyard.engine.resource import Object
from modelyard.kinds.trainingrun import children
from modelyard.kinds.trainingrun.observe import View
from modelyard.kinds.trainingrun.step import RETRY, Step, ask, fail, wait
from modelyard.workload import failures
from modelyard.workload.failures import Fields, Trouble
from modelyard.workload.results import parse
from modelyard_api import result as results
from modelyard_api.metrics import METRICS
from modelyard_api.status import Outputs, Phase
from modelyard_api.trainingrun import TrainingRunStatus

_TRAINED = Condition("Trained", True, "Trained", "the model was trained, converted, checked and scored")


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


def complete(view: View, facts: Facts, now: datetime) -> Step:
    """The Job is complete."""
    found = read(view, facts, now)
    if isinstance(found, Step):
        return found
    if isinstance(found, results.TrainResult):
        return trained(view, now, found, view.run.status)
    if isinstance(found, results.Failed):
        return fail(view, now, Trouble(found.error.reason, found.error.message))
    message = f"the pod ended well but left no result at {view.run.status.result_uri}; see the Job's log"
    return fail(view, now, Trouble("ResultMissing", message))


def job_failed(view: View, facts: Facts, now: datetime, job: Object) -> Step:
    """The Job has failed; trained all the same where the pod was lost only after it had written its result."""
    found = read(view, facts, now)
    if isinstance(found, Step):
        return found
    if isinstance(found, results.TrainResult):
        return trained(view, now, found, view.run.status)
    need = PodsOf(view.run.namespace, job["metadata"]["name"], job["metadata"]["uid"])
    if need not in facts:
        return ask(need)
    pods = facts[need]
    if isinstance(pods, Unavailable):
        return wait("PodsUnavailable", pods.message, Phase.RUNNING, now + RETRY)
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
    return registered(view, now, status.model_copy(update=known))


def registered(view: View, now: datetime, status: TrainingRunStatus) -> Step:
    """Trained, and all that is known of it is in status: nothing is left but the version."""
    ref = view.run.spec.model_ref
    if ref is None:
        done = (*kstatus.complete("Trained", _summary(status)), _TRAINED)
        return Step(done, Phase.SUCCEEDED, Plan(notes=(Note("Trained", _summary(status)),)), status)
    if view.model_version is None:
        return _unregistered(view, now, ref.name, status)
    name = view.model_version["metadata"]["name"]
    outputs = Outputs(dataset_version=status.dataset_version, model_version=name)
    message = f"registered {name}: {_summary(status)}"
    return Step(
        (*kstatus.complete("Registered", message), _TRAINED),
        Phase.SUCCEEDED,
        Plan(notes=(Note("Registered", message),)),
        status.model_copy(update={"outputs": outputs}),
    )


def _unregistered(view: View, now: datetime, model: str, status: TrainingRunStatus) -> Step:
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
    return Step((*kstatus.reconciling("Registering", message), _TRAINED), Phase.RUNNING, Plan(), status)


def _summary(status: TrainingRunStatus) -> str:
    return f"{status.objective} {status.score} on the held-out rows"


def tracking_url(view: View, found: results.TrainResult) -> str | None:
    if not found.tracking_run_id:
        return None
    base = view.installation.tracking_ui_url or view.installation.tracking_url
    return f"{base.rstrip('/')}/#/experiments/{found.tracking_experiment_id}/runs/{found.tracking_run_id}"
