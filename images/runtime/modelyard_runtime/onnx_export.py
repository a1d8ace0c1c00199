"""A fitted pipeline as ONNX, with the outputs' names of the Open Inference Protocol signature."""

from __future__ import annotations

import numpy as np
import onnx
from sklearn.pipeline import Pipeline

from modelyard_api.metrics import Task
from modelyard_api.signature import Output, Signature
from modelyard_runtime.errors import UserError
from modelyard_runtime.frames import Table
from modelyard_runtime.onnx_names import rename_ends

OPSET = {"": 18, "ai.onnx.ml": 3}


def to_onnx(pipeline: Pipeline, table: Table, task: Task) -> tuple[bytes, Signature]:
    """The model's bytes and its signature. Raises UserError where a step does not convert."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    final = pipeline.steps[-1][1]
    has_probabilities = task == Task.CLASSIFICATION and hasattr(pipeline, "predict_proba")
    classified = ["label", "probabilities"] if has_probabilities else ["label"]
    names = ["value"] if task == Task.REGRESSION else classified
    if table.categorical:
        # Neutral names: the converter changes those that are not identifiers. They get their own ones afterwards.
        kinds = {"FP32": FloatTensorType, "BYTES": StringTensorType}
        initial = [(f"c{index}", kinds[item.datatype]([None, 1])) for index, item in enumerate(table.inputs)]
        inputs = [item.name for item in table.inputs]
        _refuse_reserved(inputs, names)
    else:
        initial, inputs = [("input", FloatTensorType([None, len(table.inputs)]))], ["input"]
    options = {}
    if task == Task.CLASSIFICATION:
        options = {id(final): {"zipmap": False} if has_probabilities else {"raw_scores": True}}
    try:
        # A name of its own, or the graph gets a random one and the same model other bytes.
        model = convert_sklearn(pipeline, "modelyard", initial, options=options, target_opset=OPSET)
    except Exception as error:  # The converters raise whatever they meet, of a dozen types.
        message = f"{type(final).__name__} does not convert to ONNX: {str(error).splitlines()[0][:300]}; choose another"
        raise UserError("ConversionFailed", message, "spec.trainer.estimator.algorithm") from error
    rename_ends(model, inputs, names)
    # They come in the order of a set, which differs from process to process.
    opsets = sorted((item.domain, item.version) for item in model.opset_import)
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in opsets)
    return model.SerializeToString(deterministic=True), _signature(pipeline, table, names)


def _refuse_reserved(columns: list[str], outputs: list[str]) -> None:
    for name in columns:
        if name in outputs:
            message = (
                f"the column {name!r} has the name of the model's output; rename it in the source, or name it in the "
                "Dataset's spec.ignore or here"
            )
            raise UserError("ReservedColumnName", message, "spec.trainer.estimator.features.exclude")


def _signature(pipeline: Pipeline, table: Table, names: list[str]) -> Signature:
    if names == ["value"]:
        return Signature(inputs=table.inputs, outputs=[Output(name="value", datatype="FP32", shape=[-1])])
    classes = [str(item) for item in pipeline.classes_]
    integers = np.issubdtype(np.asarray(pipeline.classes_).dtype, np.integer)
    outputs = [Output(name="label", datatype="INT64" if integers else "BYTES", shape=[-1])]
    if "probabilities" in names:
        outputs.append(Output(name="probabilities", datatype="FP32", shape=[-1, len(classes)]))
    return Signature(inputs=table.inputs, outputs=outputs, classes=classes)
