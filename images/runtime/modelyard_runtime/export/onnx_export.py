"""Exports a fitted pipeline to ONNX, with the names of its Open Inference Protocol signature."""

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
    """ONNX can't represent this model; the message says why."""


def to_onnx(pipeline: Pipeline, table: Table, task: Task, signature: Signature) -> bytes:
    """Returns the model's bytes. Raises NotAsOnnx if a step does not convert, UserError for a reserved column name."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    final = pipeline.steps[-1][1]
    names = [item.name for item in signature.outputs]
    if table.categorical:
        # Convert with neutral names and rename afterwards: the converter changes names that are not identifiers.
        kinds = {"FP32": FloatTensorType, "BYTES": StringTensorType}
        initial = [(f"c{index}", kinds[item.datatype]([None, 1])) for index, item in enumerate(table.intake.columns)]
        inputs = [item.name for item in table.intake.columns]
        _refuse_reserved(inputs, names)
    else:
        initial, inputs = [("input", FloatTensorType([None, len(table.intake.columns)]))], ["input"]
    _refuse_own_categories(final)
    options = {}
    if task == Task.CLASSIFICATION:
        options = {id(final): {"zipmap": False} if "probabilities" in names else {"raw_scores": True}}
    try:
        # A fixed graph name: with the default, a random name, the same model would give other bytes.
        model = convert_sklearn(pipeline, "modelyard", initial, options=options, target_opset=OPSET)
    except Exception as error:  # the converters raise exceptions of a dozen types
        lines = str(error).splitlines() or [type(error).__name__]
        raise NotAsOnnx(f"{type(final).__name__} does not convert to ONNX: {lines[0][:300]}") from error
    rename_ends(model, inputs, names)
    # Sort the opsets: the converter lists them in the order of a set, which differs from process to process.
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
    """Raises NotAsOnnx for an estimator with its own categories: it converts silently but gives other answers, and a
    comparison on some rows might miss that."""
    if getattr(final, "is_categorical_", None) is not None:
        raise NotAsOnnx(f"the converter of {type(final).__name__} does not know its categorical_features")
