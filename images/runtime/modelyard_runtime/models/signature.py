"""The inputs and outputs of a fitted pipeline."""

from __future__ import annotations

import numpy as np
from sklearn.pipeline import Pipeline

from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Output, Signature
from modelyard_runtime.tables.frames import Table


def layout_of(table: Table) -> str:
    """Returns Tensor (one input) if all columns are numbers, else Columns (one input per column)."""
    return "Columns" if table.categorical else "Tensor"


def signature_of(pipeline: Pipeline, table: Table, task: Task) -> Signature:
    """Returns the inputs, outputs and classes of a fitted pipeline."""
    if task == Task.REGRESSION:
        return Signature(inputs=table.intake.inputs, outputs=[Output(name="value", datatype="FP32", shape=[-1])])
    classes = [str(item) for item in pipeline.classes_]
    integers = np.issubdtype(np.asarray(pipeline.classes_).dtype, np.integer)
    outputs = [Output(name="label", datatype="INT64" if integers else "BYTES", shape=[-1])]
    if hasattr(pipeline, "predict_proba"):
        outputs.append(Output(name="probabilities", datatype="FP32", shape=[-1, len(classes)]))
    return Signature(inputs=table.intake.inputs, outputs=outputs, classes=classes)
