"""What pods would leave in the artifact store: the same documents from the same data and spec, in every run."""

from __future__ import annotations

from pydantic import TypeAdapter

from modelyard_api.fields.artifact import RESULT_JSON, canonical, sha256
from modelyard_api.fields.signature import Input, Output, Signature
from modelyard_api.wire.result import Error, EvaluateResult, Failed, IngestResult, TrainResult
from modelyard_api.wire.task import EvaluateTask, IngestTask, Task, TrainTask
from tests.support.tracking import Tracking

_TASK: TypeAdapter[Task] = TypeAdapter(Task)
BAD_SEED = 13
"""A run of this seed fails by its user's error."""
WEAK_SEED = 5
"""A run of this seed makes a model that passes no gate."""


def ingest(task: IngestTask, text: str, tracking: Tracking) -> bool:
    lines = text.splitlines()
    digest = sha256(text.encode())
    rules = task.spec.model_dump(mode="json", include={"target", "columns", "split", "validation", "ignore"})
    version = sha256(canonical([digest, rules])).removeprefix("sha256:")
    names = lines[0].split(",")
    rows = len(lines) - 1
    result = IngestResult(
        accepted=rows >= task.spec.validation.min_rows,
        version_id=version,
        uri=f"{task.base_uri}/{version}",
        digest=digest,
        rows=rows,
        test_rows=rows // 4,
        bytes=len(text),
        target=task.spec.target,
        columns=[{"name": name, "type": "Category" if name == task.spec.target else "Float"} for name in names],  # type: ignore[list-item]
    )
    tracking.put(f"{result.uri}/{RESULT_JSON}", result.wire())
    tracking.put(task.result_uri, result.wire())
    return True


def train(task: TrainTask, tracking: Tracking) -> bool:
    if task.seed == BAD_SEED:
        failed = Failed(error=Error(reason="BadParameter", message="params.n_estimators: -1 is no number of trees"))
        tracking.put(task.result_uri, failed.wire())
        return False
    score = 0.5 if task.seed == WEAK_SEED else 0.93
    inputs = [column.name for column in task.data.columns if column.name != task.data.target]
    result = TrainResult(
        task=task.task or "Classification",  # type: ignore[arg-type]
        artifact_uri=f"{task.base_uri}/model",
        artifact_digest=sha256(canonical([task.data.digest, task.subject.name, task.seed])),
        artifact_bytes=1000,
        signature=_signature(inputs),
        objective="balanced_accuracy",
        metrics={"balanced_accuracy": score, "log_loss": 0.3},
        source_digest=sha256(b"trainer"),
        parameters={"n_estimators": 100},
        dataset_version=task.data.name,
        dataset_digest=task.data.digest,
        image=task.image,
    )
    tracking.put(f"{result.artifact_uri}/{RESULT_JSON}", result.wire())
    tracking.put(task.result_uri, result.wire())
    return True


def evaluate(task: EvaluateTask, tracking: Tracking) -> bool:
    result = EvaluateResult(
        artifact_digest=task.artifact_digest,
        artifact_bytes=1000,
        signature=_signature(["x", "y"]),
        metrics={"balanced_accuracy": 0.95, "log_loss": 0.2},
    )
    tracking.put(task.result_uri, result.wire())
    return True


def _signature(inputs: list[str]) -> Signature:
    return Signature(
        inputs=[Input(name=name, datatype="FP32") for name in inputs],
        outputs=[Output(name="label", datatype="BYTES", shape=[-1])],
        classes=["no", "yes"],
    )


def ended(document: str, text: str, tracking: Tracking) -> bool:
    """Leave what a pod with this task would; says whether it ends well. ``text`` is the source's data."""
    match _TASK.validate_json(document):
        case IngestTask() as task:
            return ingest(task, text, tracking)
        case TrainTask() as task:
            return train(task, tracking)
        case EvaluateTask() as task:
            return evaluate(task, tracking)
