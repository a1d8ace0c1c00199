"""The sample of ModelVersion, imported, and the result of the Job that scores it."""

from __future__ import annotations

from modelyard_api.fields.facts import WAITING
from modelyard_api.kinds.modelversion import ModelVersion
from modelyard_api.wire.result import EvaluateResult
from modelyard_api.wire.task import EvaluateTask
from tests.kinds.datasetversion import VERSION
from tests.kinds.sample import HERE, METRICS, SHA, SIGNATURE, Create, Object, Pod, Sample, Update
from tests.kinds.trainingrun import signature

MODEL_URI = f"{HERE}/models/m"
"""The URI of the artifact of the version that exists in the fuzzer's world from the beginning."""


def evaluate(task: EvaluateTask, _: str) -> EvaluateResult:
    return EvaluateResult(
        artifact_digest=task.artifact_digest,
        artifact_bytes=1000,
        signature=signature(["x", "y"]),
        metrics={"balanced_accuracy": 0.93, "log_loss": 0.2},
        challenger_metrics={"balanced_accuracy": 0.93, "log_loss": 0.2} if task.challenger else {},
        rows=10 if task.challenger else None,
    )


def _is_over(obj: Object, job: str) -> bool:
    """Whether the status shows the end of a Job, which has scored the version itself or a champion."""
    status = obj.get("status") or {}
    compares = (status.get("comparison") or {}).get("job") == job
    type_, waiting = ("Approved", {"Comparing"}) if compares else ("Ready", {*WAITING, "Evaluating"})
    reasons = {item["reason"] for item in status.get("conditions") or () if item["type"] == type_}
    return not reasons & waiting


def _names(spec: Object) -> tuple[str, ...]:
    """Returns the only name that the kind's rule accepts for this spec."""
    model = spec.get("modelRef")
    return (f"{model.get('name') if isinstance(model, dict) else None}-v{spec.get('number')}",)


SAMPLE = Sample(
    ModelVersion,
    name="m-v3",
    spec={
        "modelRef": {"name": "m"},
        "number": 3,
        "artifact": {"uri": f"{HERE}/b/c", "digest": SHA},
        "lineage": {"datasetVersion": "table-1"},
    },
    creates=(
        Create(
            "an imported model needs lineage.datasetVersion",
            good={"lineage": {"datasetVersion": None, "trainingRun": "run"}},
            bad={"lineage": None},
        ),
        *(
            Create(
                "metadata.name must be <spec.modelRef.name>-v<spec.number>",
                good={"number": 12},
                good_name="m-v12",
                bad={"number": 12},
                bad_name=bad,
            )
            for bad in ("m-v1", "m-v012", "m-12", "other-v12", "m-v12-v12", "m", "m-v")
        ),
    ),
    updates=(
        Update(
            "a ModelVersion is immutable",
            good=({},),
            bad=(
                {"artifact": {"bytes": 1}},
                {"metrics": {"accuracy": 0.5}},
                {"lineage": {"parameters": {"n_estimators": 10}}},
            ),
        ),
    ),
    pod=Pod(
        EvaluateTask,
        EvaluateResult,
        {
            "kind": "Evaluate",
            "artifactDigest": SHA,
            "artifactBytes": 1000,
            "signature": SIGNATURE,
            "metrics": METRICS,
        },
        evaluate,
        _is_over,
    ),
    story=(
        {"lineage": {"datasetVersion": VERSION}, "number": 4},
        {"lineage": {"datasetVersion": VERSION}, "number": 5, "modelRef": {"name": "fz-one"}},
        {"artifact": {"uri": MODEL_URI}, "lineage": {"trainingRun": "fz-one"}},
    ),
    names=_names,
    numbered=lambda number: (f"m-v{number}", {"number": number}),
    history=("judgedGeneration", "comparison"),
)
