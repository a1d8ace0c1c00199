"""Writes request bodies and reads the labels in answers: V2 in JSON, V2 with binary tensors, MLflow's protocol."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from tests.harness.bench.serving.models import BenchModel

Rows = list[list[Any]]


@dataclass(frozen=True)
class Body:
    data: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def v2(model: BenchModel, rows: Rows) -> Body:
    """Returns one tensor if all columns are numbers, else one input per column.

    The peers need ``content_type`` to read the inputs as a table.
    """
    if model.numeric:
        return _json({"inputs": [_tensor(model, rows) | {"data": [value for row in rows for value in row]}]})
    inputs = []
    for index, (name, datatype) in enumerate(model.columns):
        data = [row[index] for row in rows]
        tensor: dict[str, Any] = {"name": name, "shape": [len(rows), 1], "datatype": datatype, "data": data}
        if datatype == "BYTES":
            tensor["parameters"] = {"content_type": "str"}
        inputs.append(tensor)
    return _json({"parameters": {"content_type": "pd"}, "inputs": inputs})


def v2_binary(model: BenchModel, rows: Rows) -> Body:
    """Returns a body of V2's binary tensor data extension, which asks for a binary answer too."""
    tensor = struct.pack(f"<{len(rows) * len(model.columns)}f", *(value for row in rows for value in row))
    parameters = {"parameters": {"binary_data_size": len(tensor)}}
    head = {"inputs": [_tensor(model, rows) | parameters], "parameters": {"binary_data_output": True}}
    json_part = json.dumps(head, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(json_part))}
    return Body(json_part + tensor, headers)


def invocations(model: BenchModel, rows: Rows) -> Body:
    """Returns a body of MLflow's protocol."""
    if model.numeric:
        return _json({"inputs": rows})
    return _json({"dataframe_split": {"columns": [name for name, _ in model.columns], "data": rows}})


def labels(answer: bytes, headers: dict[str, str]) -> list[int]:
    """Returns the predicted classes in an answer of any of the protocols."""
    json_bytes = headers.get("inference-header-content-length")
    document = json.loads(answer[: int(json_bytes)] if json_bytes else answer)
    if "predictions" in document:
        return [int(label) for label in document["predictions"]]
    at = int(json_bytes or 0)
    for output in document["outputs"]:
        size = (output.get("parameters") or {}).get("binary_data_size")
        if output["name"] in ("label", "predict", "output-0"):
            if size is None:
                return [int(label) for label in output["data"]]
            return list(struct.unpack(f"<{size // 8}q", answer[at : at + size]))
        at += size or 0
    raise ValueError(f"no labels in {answer[:200]!r}")


def _tensor(model: BenchModel, rows: Rows) -> dict[str, Any]:
    return {"name": "input", "shape": [len(rows), len(model.columns)], "datatype": "FP32"}


def _json(document: dict[str, Any]) -> Body:
    return Body(json.dumps(document, separators=(",", ":")).encode())
