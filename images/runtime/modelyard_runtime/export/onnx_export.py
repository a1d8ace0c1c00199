"""A fitted pipeline as ONNX, with the outputs' names of the Open Inference Protocol signature."""

from __future__ import annotations

import onnx
from sklearn.pipeline import Pipeline

from modelyard_api.fields.metrics import Task
from modelyard_api.fields.signature import Signature
from modelyard_runtime.export.onnx_names import rename_ends
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.frames import Table

OPSET = {"": 18, "ai.onnx.ml": 3}


class NotAsOnnx(Exception):
    """ONNX can't hold this model; the message says why."""


def to_onnx(pipeline: Pipeline, table: Table, task: Task, signature: Signature) -> bytes:
    """The model's bytes. Raises NotAsOnnx where a step does not convert, UserError for a column's name."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    final = pipeline.steps[-1][1]
    names = [item.name for item in signature.outputs]
    if table.categorical:
        # Neutral names: the converter changes those that are not identifiers. They get their own ones afterwards.
        kinds = {"FP32": FloatTensorType, "BYTES": StringTensorType}
        initial = [(f"c{index}", kinds[item.datatype]([None, 1])) for index, item in enumerate(table.inputs)]
        inputs = [item.name for item in table.inputs]
        _refuse_reserved(inputs, names)
    else:
        initial, inputs = [("input", FloatTensorType([None, len(table.inputs)]))], ["input"]
    _refuse_own_categories(final)
    options = {}
    if task == Task.CLASSIFICATION:
        options = {id(final): {"zipmap": False} if "probabilities" in names else {"raw_scores": True}}
    try:
        # A name of its own, or the graph gets a random one and the same model other bytes.
        model = convert_sklearn(pipeline, "modelyard", initial, options=options, target_opset=OPSET)
    except Exception as error:  # The converters raise whatever they meet, of a dozen types.
        lines = str(error).splitlines() or [type(error).__name__]
        raise NotAsOnnx(f"{type(final).__name__} does not convert to ONNX: {lines[0][:300]}") from error
    rename_ends(model, inputs, names)
    # They come in the order of a set, which differs from process to process.
    opsets = sorted((item.domain, item.version) for item in model.opset_import)
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in opsets)
    return model.SerializeToString(deterministic=True)


def _refuse_reserved(columns: list[str], outputs: list[str]) -> None:
    for name in columns:
        if name in outputs:
            message = (
                f"the column {name!r} has the name of the model's output; rename it in the source, or name it in the "
                "Dataset's spec.ignore or here"
            )
            raise UserError("ReservedColumnName", message, "spec.trainer.estimator.features.exclude")


def _refuse_own_categories(final: object) -> None:
    """They convert without a word, and to other answers: no proof on some rows would be enough."""
    if getattr(final, "is_categorical_", None) is not None:
        raise NotAsOnnx(f"the converter of {type(final).__name__} does not know its categorical_features")
