"""``train``: fits, exports, proves, scores and writes one estimator."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from modelyard_api.fields.metrics import Task
from modelyard_api.fields.trainer import Fit
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import TrainTask
from modelyard_runtime.export.prove import Fitted, prove
from modelyard_runtime.models import estimator, features, fitting, own_categories, scoring
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
    fit = Fit(
        scale=scale if training.numeric else None,
        converged=not warnings if warnings or fitting.iterates(model) else None,
        convergence_warning=warnings[0][:1024] if warnings else None,
    )
    parameters = model.get_params(deep=False)
    return prove(task, store, Fitted(pipeline, kind, objective, names, training, test, fit, parameters))


def _check_rows(model: BaseEstimator, table: frames.Table) -> None:
    """Raises UserError for more neighbours than rows: such a model fits, but fails at its first answer."""
    neighbours = getattr(model, "n_neighbors", None)
    if isinstance(neighbours, int) and neighbours > len(table.target):
        message = (
            f"{neighbours} neighbours of {len(table.target)} training rows; at most {len(table.target)} are allowed"
        )
        raise UserError("InvalidParameter", message, "spec.trainer.estimator.params.n_neighbors")
