"""Checks, scores and keeps an ONNX model that the user's own code has written, in a container or in a script."""

from __future__ import annotations

import json
from pathlib import Path

from modelyard_api.fields.artifact import TEST_PARQUET, TRAIN_PARQUET
from modelyard_api.fields.metrics import METRICS, Task
from modelyard_api.fields.signature import Output, Signature
from modelyard_api.wire.result import TrainResult
from modelyard_api.wire.task import TrainTask
from modelyard_runtime.models import output, package, scoring
from modelyard_runtime.models.baseline import baseline
from modelyard_runtime.models.held_out import score
from modelyard_runtime.models.lineage import source_digest
from modelyard_runtime.models.session import OnnxSession
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables import frames
from modelyard_runtime.tables.intake import Intake
from modelyard_runtime.tables.target import MOST_CLASSES

MODEL = "model.onnx"


def keep(task: TrainTask, store: ArtifactStore, folder: Path) -> TrainResult:
    """Returns the result of a run with the model in this folder. Raises UserError if it can't be served."""
    data = output.read(folder, MODEL, task.trainer.field)
    kind = task_of(task)
    layout, signature, taken = _signature(data, task, kind)
    session = OnnxSession(data, layout, signature, taken)
    objective, names = scoring.required(task.objective, list(task.additional_metrics), kind)
    metrics = score(session, store, task.data, kind, names)
    test = frames.load(store, task.data, TEST_PARQUET, taken, kind)
    shown = package.example(session, test.given)
    training = frames.load(store, task.data, TRAIN_PARQUET, taken, kind)
    uri, digest, size = package.write(store, task.base_uri, data, kind, layout, session, shown, training.categories())
    package.write_profile(store, uri, digest, session, test.features)
    return TrainResult(
        task=kind,
        artifact_uri=uri,
        artifact_digest=digest,
        artifact_bytes=size,
        signature=signature,
        objective=objective,
        metrics=metrics,
        baseline=baseline(objective, kind, training.target, test.target),
        left_out=frames.left_out(task.data),
        source_digest=source_digest(task),
        dataset_version=task.data.name,
        dataset_digest=task.data.digest,
        image=task.image,
    )


def task_of(task: TrainTask) -> Task:
    """Returns the Model's task, else the objective's, else what the target's type suggests: a regression for a Float,
    or for an Integer of more values than a classifier may know classes."""
    if task.task:
        return Task(task.task)
    if task.objective:
        return METRICS[task.objective].task
    target = next(column for column in task.data.columns if column.name == task.data.target)
    many = target.type == "Integer" and (target.distinct or 0) > MOST_CLASSES
    return Task.REGRESSION if target.type == "Float" or many else Task.CLASSIFICATION


def _signature(data: bytes, task: TrainTask, kind: Task) -> tuple[str, Signature, Intake]:
    """Returns layout, signature and intake, from the graph's inputs (a tensor ``input``, or one a column) and outputs.

    Raises UserError if they don't fit the data.
    """
    field = task.trainer.field
    bare = OnnxSession(data, "Columns", Signature(inputs=[], outputs=[]))
    names = [item.name for item in bare.session.get_inputs()]
    taken, layout = frames.plain(task.data), "Tensor"
    if names == ["input"]:
        if any(item.datatype != "FP32" for item in taken.inputs):
            raise UserError(
                "InvalidModel",
                "the model takes one tensor 'input', but the data has categories or times; give it one input a column",
            )
    else:
        layout, known = "Columns", [item.name for item in taken.columns]
        unknown = [name for name in names if name not in known]
        if unknown:
            message = f"the model's input {unknown[0]!r} is not a column; there are {', '.join(known)}, or one 'input'"
            raise UserError("InvalidModel", message, field)
        taken = taken.only(names)
    inputs = taken.inputs
    outputs = {item.name: item for item in bare.session.get_outputs()}
    needed = "value" if kind == Task.REGRESSION else "label"
    if needed not in outputs:
        message = f"a model of task {kind} must have an output {needed!r}; it has {', '.join(outputs)}"
        raise UserError("InvalidModel", message, field)
    if kind == Task.REGRESSION:
        return layout, Signature(inputs=inputs, outputs=[Output(name="value", datatype="FP32", shape=[-1])]), taken
    integers = "int64" in outputs["label"].type
    declared = [Output(name="label", datatype="INT64" if integers else "BYTES", shape=[-1])]
    classes: list[str] = []
    if "probabilities" in outputs:
        width = outputs["probabilities"].shape[-1]
        if not isinstance(width, int):
            raise UserError("InvalidModel", "the output 'probabilities' must have a fixed second dimension")
        declared.append(Output(name="probabilities", datatype="FP32", shape=[-1, width]))
        classes = _classes(data, width, field)
    return layout, Signature(inputs=inputs, outputs=declared, classes=classes), taken


def _classes(data: bytes, width: int, field: str) -> list[str]:
    """Returns the classes in the order of the probabilities: those of the metadata, else of the last classifier node.

    Raises UserError if neither names exactly ``width`` classes: a guess would serve wrong names.
    """
    import onnx

    model = onnx.load_from_string(data)
    stated = {item.key: item.value for item in model.metadata_props}.get("classes")
    if stated is not None:
        return _stated(stated, width, field)
    classes: list[str] = []
    for node in model.graph.node:
        for attribute in node.attribute:
            values = [item.decode() for item in attribute.strings] or list(map(str, attribute.ints))
            if attribute.name.startswith(("classlabels", "classes", "cats", "keys", "values")) and len(values) == width:
                classes = values
    if not classes:
        message = (
            f"nothing in the model names the classes of its {width} probabilities; add metadata_props 'classes' with "
            f"a JSON list of {width} strings or integers, in the order of the columns"
        )
        raise UserError("InvalidModel", message, field)
    return classes


def _stated(text: str, width: int, field: str) -> list[str]:
    try:
        classes = json.loads(text)
    except ValueError:
        classes = None
    plain = isinstance(classes, list) and all(type(item) in (str, int) for item in classes)
    names = [str(item) for item in classes] if plain else []
    if len(set(names)) != width or len(names) != width:
        message = f"metadata_props 'classes' is {text[:200]!r}; it must be a JSON list of {width} different classes"
        raise UserError("InvalidModel", message, field)
    return names
