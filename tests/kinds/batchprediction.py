"""The sample of BatchPrediction, suspended, and the result of its Job."""

from __future__ import annotations

from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.kinds.batchprediction import BatchPrediction
from modelyard_api.wire.result import Error, Failed, PredictResult
from modelyard_api.wire.task import PredictTask
from tests.kinds.datasetversion import RESULT, VERSION
from tests.kinds.sample import STARTED, Create, Pod, Sample, Update, once_started

ENDED_AT = "2026-01-05T12:00:00Z"
"""When every played pod has ended: a played result depends on nothing but the task."""
TOO_MANY = 13
"""A run that allows so many bad rows has more."""


def predict(task: PredictTask, _: str) -> PredictResult | Failed:
    """Returns the result of a run; as in the runtime, the version depends on rows, model, what is kept and rules."""
    if task.max_bad_rows == TOO_MANY:
        message = "spec.maxBadRows: 14 of the first 40 rows can't be scored"
        return Failed(error=Error(reason="TooManyBadRows", message=message))
    rules = task.output.model_dump(mode="json", include={"target", "columns", "split", "validation", "ignore"})
    digest = sha256(canonical([task.data.digest, task.artifact_digest, task.keep]))
    version = sha256(canonical([digest, rules])).removeprefix("sha256:")
    rows = 40
    return PredictResult(
        accepted=rows >= task.output.validation.min_rows,
        version_id=version,
        uri=f"{task.base_uri}/{version}",
        digest=digest,
        rows=rows,
        test_rows=0,
        bytes=1000,
        target=task.output.target,
        columns=[{"name": name, "type": "Float"} for name in (*task.keep, "label")],  # type: ignore[list-item]
        violations=[] if rows >= task.output.validation.min_rows else [{"rule": "minRows", "found": f"{rows} rows"}],  # type: ignore[list-item]
        split=task.output.split,
        bad_rows=0,
        rows_per_second=1000,
        ended_at=ENDED_AT,
        dataset_version=task.data.name,
        model_version=task.model_version,
        image=task.image,
    )


SAMPLE = Sample(
    BatchPrediction,
    spec={
        "modelRef": {"name": "m", "alias": "champion"},
        "datasetRef": {"name": "table"},
        "output": {"datasetRef": {"name": "scored"}},
        "suspend": True,
    },
    creates=(
        Create(
            "write exactly one of alias and version",
            good={"modelRef": {"alias": None, "version": 1}},
            bad={"modelRef": {"version": 1}},
        ),
        Create("write exactly one of alias and version", bad={"modelRef": {"alias": None}}),
    ),
    updates=(
        *once_started(
            BatchPrediction,
            {"datasetRef": {"name": "other"}},
            {"modelRef": {"alias": "challenger"}},
            {"output": {"datasetRef": {"name": "other"}}},
            {"output": {"keep": ["id"]}},
            {"maxBadRows": 1},
            {"backoffLimit": 0},
            {"suspend": False, "podTemplate": {"image": "other"}},
        ),
        Update(
            "a BatchPrediction that has started is immutable",
            status=STARTED,
            good=({"podTemplate": {"resources": {"requests": {"cpu": 1}}}},),
            bad=(),
        ),
    ),
    pod=Pod(
        PredictTask,
        PredictResult,
        {
            **RESULT,
            "kind": "Predict",
            "split": {},
            "badRows": 1,
            "badExamples": [{"row": 3, "column": "x", "reason": "'a' is no number"}],
            "rowsPerSecond": 1000,
            "endedAt": ENDED_AT,
            "datasetVersion": VERSION,
            "modelVersion": "m-v1",
            "image": "runtime:1",
        },
        predict,
    ),
    story=(
        {"output": {"datasetRef": {"name": "fz-one"}}},
        {"datasetRef": {"version": VERSION}, "modelRef": {"name": "fz-one"}},
        {"modelRef": {"alias": None, "version": 1}, "maxBadRows": TOO_MANY},
    ),
)
