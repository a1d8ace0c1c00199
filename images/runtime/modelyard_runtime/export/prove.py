"""Exports a fitted pipeline, proves and scores it, and writes it to the store."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sklearn.pipeline import Pipeline

from modelyard_api.fields.metrics import Task
from modelyard_api.fields.trainer import Fit
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import TrainTask
from modelyard_runtime.export.export import export
from modelyard_runtime.models import agreement, package, scoring
from modelyard_runtime.models.baseline import baseline
from modelyard_runtime.models.lineage import source_digest
from modelyard_runtime.models.thresholds import round_down
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.frames import Table, left_out


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline, and the rows that it was fitted and is scored on.

    ``objective`` and ``names`` are the metrics that must be scored. ``parameters`` tell how it came about.
    """

    pipeline: Pipeline
    kind: Task
    objective: str
    names: list[str]
    training: Table
    test: Table
    fit: Fit | None = None
    parameters: dict[str, object] = field(default_factory=dict)


def prove(task: TrainTask, store: ArtifactStore, fitted: Fitted) -> TrainResult:
    """Returns the result of a run with this model. Raises UserError if it can't be served."""
    pipeline, kind, training, test = fitted.pipeline, fitted.kind, fitted.training, fitted.test
    round_down(pipeline.steps[-1][1])
    say("converting to ONNX, and comparing its answers with scikit-learn's")
    stored = export(pipeline, training, test, kind, task.seed)
    agreed, signature = stored.agreed, stored.session.signature
    tied = f", {agreed.ties} of them have equal greatest probabilities" if agreed.ties else ""
    say(f"{stored.format}: {agreed.rows} rows agree{tied}; scoring {len(test.target)} held-out rows")
    rows = agreement.matrix(pipeline, test.features)
    answers = pipeline.predict(rows)
    probabilities = pipeline.predict_proba(rows) if hasattr(pipeline, "predict_proba") else None
    classes = list(pipeline.classes_) if kind == Task.CLASSIFICATION else []
    metrics = scoring.score(fitted.names, kind, test.target, answers, probabilities, classes)

    shown = package.example(stored.session, agreement.probes(test, task.seed))
    categories = training.categories()
    uri, digest, size = package.write(
        store, task.base_uri, stored.data, kind, stored.layout, stored.session, shown, categories, stored.format
    )
    package.write_profile(store, uri, digest, stored.session, test.features)
    say(", ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
    return TrainResult(
        task=kind,
        artifact_uri=uri,
        artifact_digest=digest,
        artifact_bytes=size,
        artifact_format=stored.format,
        format_reason=stored.reason,
        signature=signature,
        objective=fitted.objective,
        metrics=metrics,
        baseline=baseline(fitted.objective, kind, training.target, test.target),
        fit=fitted.fit,
        left_out=left_out(task.data),
        source_digest=source_digest(task),
        parameters={key: _json(value) for key, value in fitted.parameters.items() if _is_plain(value)},
        dataset_version=task.data.name,
        dataset_digest=task.data.digest,
        image=task.image,
    )


def _is_plain(value: object) -> bool:
    """Returns whether JSON can represent the value."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int | None)


def _json(value: object) -> object:
    return [_json(item) for item in value] if isinstance(value, list | tuple) else value
