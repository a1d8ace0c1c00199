"""``evaluate``: an artifact is verified, asked its own example again, and scored on held-out rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modelyard_api.fields.artifact import TEST_PARQUET, ModelManifest
from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Input
from modelyard_api.wire.result import EvaluateResult
from modelyard_api.wire.task import Data, EvaluateTask
from modelyard_runtime.models import agreement, package, scoring
from modelyard_runtime.models.session import Asked
from modelyard_runtime.pod.errors import UserError, one_of
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import Store
from modelyard_runtime.tables import frames


def evaluate(task: EvaluateTask, store: Store) -> EvaluateResult:
    """Raises UserError where the artifact is not what it says, or does not fit the data."""
    manifest, session, size = package.read(store, task.artifact_uri, task.artifact_digest)
    say(f"{manifest.file}: digests hold, {size} bytes")
    check_example(manifest, session)
    kind = Task(task.task)
    if Task(manifest.task) != kind:
        raise UserError("TaskMismatch", f"the artifact is for {manifest.task}, the Model is of task {kind}")
    metrics = score(session, store, task.data, kind)
    return EvaluateResult(
        artifact_digest=task.artifact_digest,
        artifact_bytes=size,
        artifact_format=manifest.format,
        signature=manifest.signature,
        metrics=metrics,
    )


def score(session: Asked, store: Store, data: Data, kind: Task, needed: list[str] | None = None) -> dict[str, float]:
    """Every metric that can be computed of the model's own answers on the held-out rows; ``needed`` ones must be."""
    fitting_inputs(session.signature.inputs, data)
    test = frames.load(store, data, TEST_PARQUET, session.signature.inputs, kind)
    answers = session.ask(test.features)
    label = answers["value" if kind == Task.REGRESSION else "label"]
    if label.dtype.kind == "f" and not np.isfinite(label).all():
        raise UserError("InvalidModel", "the model answers with what is no finite number on held-out rows")
    integers = label.dtype.kind in "iu"
    classes = [int(item) if integers else item for item in session.signature.classes]
    probabilities = answers.get("probabilities") if classes else None
    return scoring.score(needed or [], kind, test.target, label, probabilities, classes)


def fitting_inputs(inputs: list[Input], data: Data) -> None:
    names = [column.name for column in data.columns if column.name != data.target]
    for item in inputs:
        if item.name not in names:
            message = f"the model's input {one_of(item.name, names)} in dataset version {data.name}"
            raise UserError("SignatureMismatch", message)


def check_example(manifest: ModelManifest, session: Asked) -> None:
    """The stored answers must come again."""
    kinds = {item.name: item.datatype for item in manifest.signature.inputs}
    rows = pd.DataFrame(
        {
            name: pd.Series(values, dtype=object if kinds.get(name) == "BYTES" else np.float32)
            for name, values in manifest.example.inputs.items()
        }
    )
    for name, answer in session.ask(rows).items():
        stored = manifest.example.outputs.get(name, [])
        if answer.dtype.kind == "f":
            wanted = np.array(stored, dtype=np.float64).reshape(answer.shape)
            atol = agreement.floor(wanted)
            same = np.allclose(answer, wanted, rtol=agreement.RELATIVE, atol=atol, equal_nan=True)
        else:
            same = answer.tolist() == stored
        if not same:
            raise UserError("ExampleDisagrees", f"the model's answers {name!r} to its own example are not those stored")
