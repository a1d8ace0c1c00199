"""An annotation that says how a run has ended, so that a run from a backup is not run again.

A backup keeps neither uid nor status, and the result lies under the uid. The annotation is written once, after the end.
It counts only for the run of this name and this spec: a copy under another name is another run.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from modelyard.engine.conditions import timestamp
from modelyard.engine.plan import Facts, Patch
from modelyard.engine.resource import MODEL_VERSIONS, TRAINING_RUNS, Object
from modelyard.kinds.trainingrun import outcome
from modelyard.kinds.trainingrun.observe import View
from modelyard.workload.conclude import Step, Trouble, Waits
from modelyard.workload.names import RUN_UID, short_hash
from modelyard.workload.run.ending import fail
from modelyard.workload.run.results import read_result
from modelyard_api.fields.artifact import RESULT_JSON, canonical, is_of
from modelyard_api.fields.status import Outputs, Phase
from modelyard_api.kinds.trainingrun import OUTCOME, Outcome, TrainingRun, TrainingRunStatus
from modelyard_api.wire.result import TrainResult

POLL_MISSING = timedelta(minutes=1)
"""Interval of looking for a recorded result that is not there: the artifact store may be restored after the objects."""
_DECIDES = {"dataset_ref", "model_ref", "trainer", "objective", "additional_metrics", "seed"}
"""Fields of the spec that decide which model is trained."""


def writes(view: View) -> tuple[Patch, ...]:
    """Returns the patch that records the end of a run, unless it is recorded, or the run never started."""
    run, status = view.run, view.run.status
    if not status.start_time or recorded(run) is not None:
        return ()
    ready = next((item for item in status.conditions if item.type == "Ready"), None)
    has_failed = status.phase == Phase.FAILED
    text = Outcome(
        run=run.name,
        spec=_digest(run),
        job=status.job,
        start_time=status.start_time,
        completion_time=status.completion_time,
        result_uri=status.result_uri,
        model_version=status.outputs.model_version if status.outputs else None,
        failed=ready.reason if has_failed and ready else None,
        message=ready.message[:1024] if has_failed and ready else None,
    ).model_dump_json(by_alias=True, exclude_none=True)
    body = {"metadata": {"annotations": {OUTCOME: text}}}
    return (Patch(TRAINING_RUNS, run.namespace, run.name, run.uid, body),)


def recorded(run: TrainingRun) -> Outcome | None:
    """Returns how a run of this name and spec has ended according to its annotation, or None."""
    text = (run.metadata.get("annotations") or {}).get(OUTCOME)
    try:
        known = Outcome.model_validate_json(text) if text else None
    except ValidationError:
        return None
    return known if known and (known.run, known.spec) == (run.name, _digest(run)) else None


def restored(view: View, known: Outcome, facts: Facts, now: datetime) -> Step:
    """Returns the end of a run from a backup. Raises Missing, and Waits while its result isn't there."""
    status = view.run.status.model_copy(
        update={"job": known.job, "start_time": known.start_time, "completion_time": known.completion_time}
    )
    if known.failed is not None:
        return fail(status, now, Trouble(known.failed, known.message or "it failed before it was restored"))
    again = f"kubectl annotate trainingrun {view.run.name} -n {view.run.namespace} {OUTCOME}-"
    return _trained(view, status, known.result_uri or "", None, known.model_version, again, facts, now)


def registered_before(view: View, version: Object, facts: Facts, now: datetime) -> Step:
    """Returns the end of a run whose model is registered already, by a run of its name that is gone.

    The version is given the label of the new run, so that one that is applied under the name later on trains again.
    Raises Missing, and Waits while the result isn't there.
    """
    status = view.run.status.model_copy(update={"start_time": timestamp(now), "completion_time": timestamp(now)})
    meta, artifact = version["metadata"], version["spec"]["artifact"]
    again = f"kubectl delete modelversion {meta['name']} -n {meta['namespace']}"
    uri = f"{artifact['uri']}/{RESULT_JSON}"
    step = _trained(view, status, uri, artifact["digest"], meta["name"], again, facts, now)
    body = {"metadata": {"labels": {RUN_UID: view.run.uid}}}
    bind = Patch(MODEL_VERSIONS, meta["namespace"], meta["name"], meta["uid"], body)
    return replace(step, writes=(bind, *step.writes))


def _trained(
    view: View,
    status: TrainingRunStatus,
    uri: str,
    digest: str | None,
    model_version: str | None,
    again: str,
    facts: Facts,
    now: datetime,
) -> Step:
    """Returns the Step of a run whose result is at ``uri``. ``again`` is the command after which it trains again."""
    result = read_result(facts, uri, now) if is_of(view.run.namespace, uri) else None
    if not isinstance(result, TrainResult) or digest not in (None, result.artifact_digest):
        message = (
            f"it has trained before it was restored, but its result is not at {uri}; restore the artifact store, or "
            f"train again: {again}"
        )
        raise Waits("ResultMissing", message, now + POLL_MISSING, warning=True)
    update = {"dataset_version": result.dataset_version, "image": result.image, "result_uri": uri}
    status = status.model_copy(update=update)
    if model_version:
        status.outputs = Outputs(dataset_version=result.dataset_version, model_version=model_version)
    return outcome.trained(view, now, result, status)


def _digest(run: TrainingRun) -> str:
    """Returns a digest of what decides which model is trained; without defaults, so that a release may add fields."""
    spec = run.spec.model_dump(mode="json", by_alias=True, include=_DECIDES, exclude_defaults=True, exclude_none=True)
    return short_hash(canonical(spec).decode(), length=16)
