"""What is sent, and the labels in what comes back: V2 in JSON, V2 with binary tensors, MLflow's own."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

from tests.harness.bench.serving.models import Made

Rows = list[list[Any]]


@dataclass(frozen=True)
class Body:
    data: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def v2(made: Made, rows: Rows) -> Body:
    """One tensor where all are numbers, else an input a column. The peers need ``content_type`` to see a table."""
    if made.numeric:
        return _json({"inputs": [_tensor(made, rows) | {"data": [value for row in rows for value in row]}]})
    inputs = []
    for index, (name, datatype) in enumerate(made.columns):
        data = [row[index] for row in rows]
        one: dict[str, Any] = {"name": name, "shape": [len(rows), 1], "datatype": datatype, "data": data}
        if datatype == "BYTES":
            one["parameters"] = {"content_type": "str"}
        inputs.append(one)
    return _json({"parameters": {"content_type": "pd"}, "inputs": inputs})


def v2_binary(made: Made, rows: Rows) -> Body:
    """The binary tensor data extension, in both directions."""
    tensor = struct.pack(f"<{len(rows) * len(made.columns)}f", *(value for row in rows for value in row))
    parameters = {"parameters": {"binary_data_size": len(tensor)}}
    head = {"inputs": [_tensor(made, rows) | parameters], "parameters": {"binary_data_output": True}}
    json_part = json.dumps(head, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(json_part))}
    return Body(json_part + tensor, headers)


def invocations(made: Made, rows: Rows) -> Body:
    """MLflow's protocol."""
    if made.numeric:
        return _json({"inputs": rows})
    return _json({"dataframe_split": {"columns": [name for name, _ in made.columns], "data": rows}})


def labels(answer: bytes, headers: dict[str, str]) -> list[int]:
    """The classes in an answer of any of the protocols."""
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


def _tensor(made: Made, rows: Rows) -> dict[str, Any]:
    return {"name": "input", "shape": [len(rows), len(made.columns)], "datatype": "FP32"}


def _json(document: dict[str, Any]) -> Body:
    return Body(json.dumps(document, separators=(",", ":")).encode())
