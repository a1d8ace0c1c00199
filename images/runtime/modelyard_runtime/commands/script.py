"""``script``: runs a training function of the user's, and proves, scores and keeps the model that comes of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import sklearn

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.trainer import Script
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import BUNDLE_FOLDER, OUT_FOLDER, SCRIPT_FOLDER, WORK_FOLDER, TrainTask
from modelyard_runtime.export.prove import Fitted, prove
from modelyard_runtime.models import collected, estimator, returned, scoring
from modelyard_runtime.models.context import Context, rows_with_target
from modelyard_runtime.pod import code
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.live import LiveMetrics
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.sources import FIELD, from_bundle, from_config_map
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.pod.web import AFTER_WORK
from modelyard_runtime.tables import frames


def script(
    task: TrainTask,
    store: ArtifactStore,
    files: Path = Path(SCRIPT_FOLDER),
    out: Path = Path(OUT_FOLDER),
    work: Path = Path(WORK_FOLDER),
    bundle: Path = Path(BUNDLE_FOLDER),
) -> TrainResult:
    """Trains by the function. Raises UserError for an error in it, or for what it returned."""
    spec = task.trainer.script
    if spec is None:
        raise UserError("InvalidTask", "script takes a script; use images of one release", "spec.trainer")
    if spec.config_map:
        folder, function = files, from_config_map(spec.config_map, task.script_files, spec.entry, files, work)
    else:
        assert spec.bundle is not None
        folder, function = bundle / "src", from_bundle(spec.bundle, spec.entry, bundle)
    metrics = LiveMetrics(task, store.web)
    try:
        context = _context(task, store, spec, metrics, out)
    except UserError as error:
        raise error.about(FIELD) from error
    say(f"calling {spec.entry} with {len(context.train)} rows of {task.data.name}")
    store.web.patience = AFTER_WORK
    try:
        with warnings.catch_warnings(), sklearn.config_context():
            answer = code.guarded(lambda: function(context), folder, FIELD)
        metrics.flush()
        return _kept(task, store, spec, answer, out)
    except UserError as error:
        metrics.flush()
        # What is shared with estimators names their field.
        raise error.about(FIELD) from error


def _context(task: TrainTask, store: ArtifactStore, spec: Script, metrics: LiveMetrics, out: Path) -> Context:
    taken, kind = frames.plain(task.data), collected.task_of(task)
    return Context(
        train=rows_with_target(frames.load(store, task.data, TRAIN_PARQUET, taken, kind), task.data.target),
        test=frames.load(store, task.data, TEST_PARQUET, taken, kind).features,
        columns=[item.name for item in taken.columns],
        target=task.data.target,
        parameters=dict(spec.parameters),
        seed=task.seed,
        out=out,
        log=metrics.add,
    )


def _kept(task: TrainTask, store: ArtifactStore, spec: Script, answer: Any, out: Path) -> TrainResult:
    """Returns the result of a run whose function returned ``answer``. Raises UserError."""
    wrote = (out / collected.MODEL).exists()
    if answer is None and not wrote:
        raise UserError(returned.REASON, f"{spec.entry} returned None and wrote no model; {returned.ALLOWED}", FIELD)
    if answer is None:
        return collected.keep(task, store, out)
    pipeline = returned.pipeline_of(answer, spec.entry, FIELD)
    if wrote:
        message = f"{spec.entry} returned a {type(answer).__name__} and wrote {collected.MODEL} too; do one of them"
        raise UserError(returned.REASON, message, FIELD)
    model = pipeline.steps[-1][1]
    kind = estimator.task_of(model, Task(task.task) if task.task else None)
    objective, names = scoring.required(task.objective, list(task.additional_metrics), kind)
    whole = frames.plain(task.data)
    taken = whole.only(returned.columns_of(pipeline, [item.name for item in whole.columns], FIELD))
    # The function may have changed its tables, and has not seen the targets of the held-out rows.
    training = frames.load(store, task.data, TRAIN_PARQUET, taken, kind)
    test = frames.load(store, task.data, TEST_PARQUET, taken, kind)
    parameters = {"estimator": type(model).__name__, **spec.parameters}
    return prove(task, store, Fitted(pipeline, kind, objective, names, training, test, parameters=parameters))
