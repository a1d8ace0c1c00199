"""How a BatchPrediction ends: its table was scored, and the Dataset of the answers has registered or refused it."""

from __future__ import annotations

from datetime import datetime

from modelyard.engine import conditions as kstatus
from modelyard.engine.conditions import Condition, timestamp
from modelyard.kinds.batchprediction.observe import View
from modelyard.kinds.batchprediction.start import of_result
from modelyard.workload.conclude import Step, Trouble
from modelyard.workload.pushes import ACCEPTED, PREDICTED
from modelyard.workload.run.ending import fail
from modelyard_api.fields.status import Outputs, Phase
from modelyard_api.kinds.batchprediction import BatchPredictionStatus
from modelyard_api.kinds.dataset import Dataset, Push
from modelyard_api.wire.result import PredictResult


def predicted(view: View, now: datetime, result: PredictResult, status: BatchPredictionStatus) -> Step:
    """Records the result; the run is complete once the Dataset has registered the table."""
    update = {
        "inputs": status.inputs or of_result(result),
        "rows": result.rows,
        "bad_rows": result.bad_rows,
        "bad_examples": result.bad_examples,
        "rows_per_second": result.rows_per_second,
        "attempts": max(status.attempts, 1),
        "completion_time": status.completion_time or timestamp(now),
    }
    return registered(view, now, status.model_copy(update=update))


def registered(view: View, now: datetime, status: BatchPredictionStatus) -> Step:
    """Ends a run whose table is scored, once the Dataset says what came of it."""
    push = _push(view)
    if push is None:
        running = status.model_copy(update={"phase": Phase.RUNNING})
        return Step(running, (*_registering(view), _predicted(status)))
    status = status.model_copy(update={"outputs": Outputs(dataset_version=push.version)})
    if push.reason != ACCEPTED:
        step = fail(status, now, Trouble(push.reason, push.message))
        return Step(step.status, (*step.conditions, _predicted(status)))
    done = status.model_copy(update={"phase": Phase.SUCCEEDED})
    message = f"registered {push.version}: {_summary(status)}"
    return Step(done, (*kstatus.complete("Registered", message), _predicted(status)))


def _push(view: View) -> Push | None:
    """Returns what the Dataset says of this run's table, or None if it has not come to it yet."""
    push = Dataset.model_validate(view.output).status.pushed if view.output else None
    return push if push and push.uid == view.run.uid else None


def _registering(view: View) -> tuple[Condition, ...]:
    name = view.run.spec.output.dataset_ref.name
    message, warning = f"waiting for Dataset {name!r} to register the table", False
    if view.output is None:
        message, warning = f"there is no Dataset {name!r} any more; apply it, and the table is registered", True
    elif "pushed" not in view.output["spec"]["source"]:
        message, warning = f"{message}, whose spec.source is pushed no more; write {{pushed: {{}}}} there", True
    elif view.output["spec"].get("suspend"):
        message, warning = f"{message}, which is suspended; set its spec.suspend to false", True
    elif obstacle := kstatus.find(view.output, "Reconciling"):
        message = f"{message}: {obstacle['reason']}: {obstacle['message']}"
    return kstatus.reconciling("Registering", message, warning)


def _predicted(status: BatchPredictionStatus) -> Condition:
    if not status.bad_rows:
        return Condition(PREDICTED, True, "Predicted", _summary(status))
    examples = "; ".join(
        f"row {bad.row}: {f'column {bad.column!r}: ' if bad.column else ''}{bad.reason}" for bad in status.bad_examples
    )
    return Condition(PREDICTED, True, "BadRows", f"{_summary(status)}: {examples}", warning=True)


def _summary(status: BatchPredictionStatus) -> str:
    inputs = status.inputs
    what = f"{inputs.dataset_version} by {inputs.model_version}" if inputs else "the table"
    bad = f", {status.bad_rows} more can't be scored and were left out" if status.bad_rows else ""
    return f"{status.rows} rows of {what}, {status.rows_per_second} a second{bad}"
