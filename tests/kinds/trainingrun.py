"""The sample of TrainingRun, suspended, with an estimator, and the result of its Job."""

from __future__ import annotations

import re
from typing import Any

from modelyard_api.fields.artifact import canonical, sha256
from modelyard_api.fields.signature import Input, Output, Signature
from modelyard_api.kinds.trainingrun import TrainingRun
from modelyard_api.wire.result import Error, Failed, TrainResult
from modelyard_api.wire.task import TrainTask
from tests.kinds.datasetversion import VERSION
from tests.kinds.sample import BASE, METRICS, SHA, SIGNATURE, STARTED, Create, Pod, Sample, Update, once_started

BAD_SEED = 13
"""A run with this seed fails by its user's error."""
_HASH = re.compile(r"-[0-9a-f]{8}(?=-|$)")
"""A hash of an uid in the name of a run that another object has made, which may have been made itself."""
WEAK_SEED = 5
"""A run with this seed trains a model that passes no gate."""


def train(task: TrainTask, _: str) -> TrainResult | Failed:
    if task.seed == BAD_SEED:
        return Failed(error=Error(reason="BadParameter", message="params.n_estimators: -1 is no number of trees"))
    inputs = [column.name for column in task.data.columns if column.name != task.data.target]
    return TrainResult(
        task=task.task or "Classification",  # type: ignore[arg-type]
        artifact_uri=f"{task.base_uri}/model",
        artifact_digest=sha256(canonical([task.data.digest, _HASH.sub("", task.subject.name), task.seed])),
        artifact_bytes=1000,
        signature=signature(inputs),
        objective="balanced_accuracy",
        metrics={"balanced_accuracy": 0.5 if task.seed == WEAK_SEED else 0.93, "log_loss": 0.3},
        source_digest=sha256(b"trainer"),
        parameters={"n_estimators": 100},
        dataset_version=task.data.name,
        dataset_digest=task.data.digest,
        image=task.image,
    )


def signature(inputs: list[str]) -> Signature:
    return Signature(
        inputs=[Input(name=name, datatype="FP32") for name in inputs],
        outputs=[Output(name="label", datatype="BYTES", shape=[-1])],
        classes=["no", "yes"],
    )


ONE_TRAINER = "write exactly one of estimator, script and container"
CODE = {"configMap": {"name": "code", "key": "train.py"}, "parameters": {"depth": 3}}
BUNDLE = {"bundle": {"image": f"registry.example.com/churn@{SHA}"}, "entry": "acme.churn:train"}


def _code(script: dict[str, Any]) -> dict[str, Any]:
    return {"trainer": {"estimator": None, "script": script}}


_IMMUTABLE = "a TrainingRun that has started is immutable"

SAMPLE = Sample(
    TrainingRun,
    spec={
        "datasetRef": {"name": "table"},
        "trainer": {"estimator": {"algorithm": "RandomForestClassifier", "params": {"n_estimators": 10}}},
        "suspend": True,
    },
    creates=(
        Create(
            ONE_TRAINER,
            good={"trainer": {"estimator": None, "container": {"image": "a"}}},
            bad={"trainer": {"container": {"image": "a"}}},
        ),
        Create(ONE_TRAINER, good={"trainer": {"estimator": None, "script": CODE}}, bad={"trainer": {"script": CODE}}),
        Create(ONE_TRAINER, bad={"trainer": {"estimator": None}}),
        Create("write exactly one of configMap and bundle", good=_code(CODE), bad=_code(CODE | BUNDLE)),
        Create("entry is a function", good=_code(BUNDLE), bad=_code(BUNDLE | {"entry": "train"})),
        Create("entry is a function", bad=_code(CODE | {"entry": "acme.churn:train"})),
        Create(
            "the image of a container is spec.trainer.container.image; leave podTemplate.image out",
            good={"podTemplate": {"image": "a"}},
            bad={"trainer": {"estimator": None, "container": {"image": "a"}}, "podTemplate": {"image": "a"}},
        ),
    ),
    updates=(
        *once_started(
            TrainingRun,
            {"datasetRef": {"name": "other"}},
            {"datasetRef": {"version": "table-1"}},
            {"modelRef": {"name": "m"}},
            {"trainer": {"estimator": {"params": {"n_estimators": 11}}}},
            {"trainer": {"estimator": {"params": {"n_estimators": None, "max_depth": 10}}}},
            {"trainer": {"estimator": None, "container": {"image": "a"}}},
            {"trainer": {"estimator": None, "script": CODE}},
            {"objective": "accuracy"},
            {"additionalMetrics": ["accuracy"]},
            {"seed": 1},
            {"backoffLimit": 0},
            {"suspend": False, "podTemplate": {"image": "other"}},
        ),
        Update(
            _IMMUTABLE,
            status=STARTED,
            good=({"podTemplate": {"resources": {"requests": {"cpu": 1}}}},),
            bad=(),
        ),
        Update(_IMMUTABLE, good=({"podTemplate": {"image": "a"}},), bad=()),
        Update(
            _IMMUTABLE,
            old={"suspend": False, "modelRef": {"name": "m"}, "objective": "accuracy"},
            status=STARTED,
            good=({"suspend": True},),
            bad=(
                {"podTemplate": {"image": "other"}},
                {"suspend": True, "podTemplate": {"image": "other"}},
                {"modelRef": None},
                {"modelRef": {"name": "other"}},
                {"objective": None},
                {"objective": "log_loss"},
            ),
        ),
    ),
    pod=Pod(
        TrainTask,
        TrainResult,
        {
            "kind": "Train",
            "task": "Classification",
            "artifactURI": f"{BASE}/model",
            "artifactDigest": SHA,
            "artifactBytes": 1000,
            "signature": SIGNATURE,
            "objective": "balanced_accuracy",
            "metrics": METRICS,
            "sourceDigest": SHA,
            "parameters": {"depth": 3},
            "datasetVersion": VERSION,
            "datasetDigest": SHA,
            "image": "trainer:1",
            "trackingRunId": "r",
            "trackingExperimentId": "1",
        },
        train,
    ),
    story=(
        {"modelRef": {"name": "m"}},
        {"datasetRef": {"version": VERSION}, "modelRef": {"name": "fz-one"}},
        {"trainer": {"estimator": None, "container": {"image": "localhost/trainer:1"}}},
        {"trainer": {"estimator": None, "script": CODE}},
    ),
    referred=("fz-one", "fz-two"),
)
