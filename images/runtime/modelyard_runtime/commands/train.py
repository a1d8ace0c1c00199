"""``train``: fits, exports, proves, scores and writes one estimator."""

from __future__ import annotations

import math

from sklearn.base import BaseEstimator

from modelyard_api.fields.metrics import Task
from modelyard_api.fields.trainer import Fit
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import TrainTask
from modelyard_runtime.export.export import export
from modelyard_runtime.models import agreement, estimator, features, fitting, own_categories, package, scoring
from modelyard_runtime.models.baseline import baseline
from modelyard_runtime.models.lineage import source_digest
from modelyard_runtime.models.thresholds import round_down
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import AFTER_WORK
from modelyard_runtime.tables import frames


def train(task: TrainTask, store: ArtifactStore) -> TrainResult:
    """Trains the estimator. Raises UserError for an error that the user must fix, Unavailable if a retry may help."""
    spec = task.trainer.estimator
    if spec is None:
        raise UserError("InvalidTask", "train takes an estimator; a container is collected", "spec.trainer")
    model = estimator.make(spec, task.seed)
    kind = estimator.task_of(model, Task(task.task) if task.task else None)
    objective, names = scoring.required(task.objective, list(task.additional_metrics), kind)
    training, test = frames.load_both(store, task.data, spec.features.exclude, kind)
    scale = features.scale_of(spec.features.numeric, model)
    say(f"fitting {type(model).__name__} on {len(training.target)} rows of {task.data.name}, scale {scale}")
    own_categories.by_position(model, spec.features, training)
    pipeline = features.pipeline(model, spec.features, training, kind, task.seed)
    _check_rows(model, training)
    warnings = fitting.fit(pipeline, training)
    store.web.patience = AFTER_WORK
    round_down(model)

    say("converting to ONNX, and comparing its answers with scikit-learn's")
    stored = export(pipeline, training, test, kind, task.seed)
    agreed, signature = stored.agreed, stored.session.signature
    tied = f", {agreed.ties} of them have equal greatest probabilities" if agreed.ties else ""
    say(f"{stored.format}: {agreed.rows} rows agree{tied}; scoring {len(test.target)} held-out rows")
    answers = pipeline.predict(test.matrix())
    probabilities = pipeline.predict_proba(test.matrix()) if hasattr(pipeline, "predict_proba") else None
    classes = list(pipeline.classes_) if kind == Task.CLASSIFICATION else []
    metrics = scoring.score(names, kind, test.target, answers, probabilities, classes)

    shown = package.example(stored.session, agreement.probes(test, task.seed))
    categories = training.categories()
    uri, digest, size = package.write(
        store, task.base_uri, stored.data, kind, stored.layout, signature, shown, categories, stored.format
    )
    package.write_profile(store, uri, digest, stored.session, test.features)
    result = TrainResult(
        task=kind,
        artifact_uri=uri,
        artifact_digest=digest,
        artifact_bytes=size,
        artifact_format=stored.format,
        format_reason=stored.reason,
        signature=signature,
        objective=objective,
        metrics=metrics,
        baseline=baseline(objective, kind, training.target, test.target),
        fit=Fit(
            scale=scale if training.numeric else None,
            converged=not warnings if warnings or fitting.iterates(model) else None,
            convergence_warning=warnings[0][:1024] if warnings else None,
        ),
        source_digest=source_digest(task),
        parameters=_parameters(model),
        dataset_version=task.data.name,
        dataset_digest=task.data.digest,
        image=task.image,
    )
    say(", ".join(f"{name} {value:.4g}" for name, value in metrics.items()))
    return result


def _check_rows(model: BaseEstimator, table: frames.Table) -> None:
    """Raises UserError for more neighbours than rows: such a model fits, but fails at its first answer."""
    neighbours = getattr(model, "n_neighbors", None)
    if isinstance(neighbours, int) and neighbours > len(table.target):
        message = (
            f"{neighbours} neighbours of {len(table.target)} training rows; at most {len(table.target)} are allowed"
        )
        raise UserError("InvalidParameter", message, "spec.trainer.estimator.params.n_neighbors")


def _parameters(model: object) -> dict[str, object]:
    """Returns all parameters that the estimator used, except those that JSON can't represent."""
    params = model.get_params(deep=False)  # type: ignore[attr-defined]
    return {key: _json(value) for key, value in params.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int | None)


def _json(value: object) -> object:
    return [_json(item) for item in value] if isinstance(value, list | tuple) else value
