"""A fitted pipeline as ONNX, with the outputs' names of the Open Inference Protocol signature."""

from __future__ import annotations

import numpy as np
import onnx
from sklearn.pipeline import Pipeline

from modelyard_api.metrics import Task
from modelyard_api.signature import Output, Signature
from modelyard_runtime.errors import UserError
from modelyard_runtime.frames import Table

OPSET = {"": 18, "ai.onnx.ml": 3}


def to_onnx(pipeline: Pipeline, table: Table, task: Task) -> tuple[bytes, Signature]:
    """The model's bytes and its signature. Raises UserError where a step does not convert."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    if table.categorical:
        kinds = {"FP32": FloatTensorType, "BYTES": StringTensorType}
        initial = [(item.name, kinds[item.datatype]([None, 1])) for item in table.inputs]
    else:
        initial = [("input", FloatTensorType([None, len(table.inputs)]))]
    final = pipeline.steps[-1][1]
    has_probabilities = task == Task.CLASSIFICATION and hasattr(pipeline, "predict_proba")
    options = {}
    if task == Task.CLASSIFICATION:
        options = {id(final): {"zipmap": False} if has_probabilities else {"raw_scores": True}}
    try:
        # A name of its own, or the graph gets a random one and the same model other bytes.
        model = convert_sklearn(pipeline, "modelyard", initial, options=options, target_opset=OPSET)
    except Exception as error:  # The converters raise whatever they meet, of a dozen types.
        message = f"{type(final).__name__} does not convert to ONNX: {str(error).splitlines()[0][:300]}; choose another"
        raise UserError("ConversionFailed", message, "spec.trainer.estimator.algorithm") from error
    classified = ["label", "probabilities"] if has_probabilities else ["label"]
    names = ["value"] if task == Task.REGRESSION else classified
    _name_outputs(model, names)
    # They come in the order of a set, which differs from process to process.
    opsets = sorted((item.domain, item.version) for item in model.opset_import)
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in opsets)
    return model.SerializeToString(deterministic=True), _signature(pipeline, table, names)


def _name_outputs(model: onnx.ModelProto, names: list[str]) -> None:
    """Renames the graph's first outputs, and drops the others."""
    graph = model.graph
    renamed = {old.name: new for old, new in zip(graph.output, names, strict=False)}
    taken = {name for node in graph.node for name in (*node.input, *node.output)} | {item.name for item in graph.input}
    for old, new in renamed.items():
        if new != old and new in taken:  # an inner tensor or a column of that very name
            _rename(graph, new, new + "_inner")
    for old, new in renamed.items():
        _rename(graph, old, new)
    del graph.output[len(names) :]
    for output, name in zip(graph.output, names, strict=True):
        output.name = name


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def _signature(pipeline: Pipeline, table: Table, names: list[str]) -> Signature:
    if names == ["value"]:
        return Signature(inputs=table.inputs, outputs=[Output(name="value", datatype="FP32", shape=[-1])])
    classes = [str(item) for item in pipeline.classes_]
    integers = np.issubdtype(np.asarray(pipeline.classes_).dtype, np.integer)
    outputs = [Output(name="label", datatype="INT64" if integers else "BYTES", shape=[-1])]
    if "probabilities" in names:
        outputs.append(Output(name="probabilities", datatype="FP32", shape=[-1, len(classes)]))
    return Signature(inputs=table.inputs, outputs=outputs, classes=classes)
