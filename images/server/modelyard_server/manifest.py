"""Reads model.json without pydantic, whose import would be a third of the server's start.

The file was written from ``modelyard_api.fields.artifact.ModelManifest``; ``fetch`` checked its digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

MODEL_JSON = "model.json"
"""``modelyard_api.fields.artifact.MODEL_JSON``, whose module imports pydantic."""
NUMBER, TEXT = "FP32", "BYTES"
PLATFORMS = {"ONNX": "onnxruntime_onnx", "Skops": "sklearn_skops"}
"""Format of a model -> the protocol's name of the platform that serves it."""


class ModelError(Exception):
    """The model can't be served; the message tells a person why."""


@dataclass(frozen=True)
class Column:
    """An input of the model. ``datatype`` is FP32 or BYTES."""

    name: str
    datatype: str


@dataclass(frozen=True)
class Output:
    """An output of the model. ``shape`` has -1 for the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Manifest:
    digest: str
    format: str
    task: str
    file: str
    file_digest: str
    layout: str
    inputs: tuple[Column, ...]
    outputs: tuple[Output, ...]
    classes: tuple[str, ...]
    example_inputs: dict[str, list[float | str | None]]
    example_outputs: dict[str, list[Any]]
    categories: dict[str, list[str]]

    @cached_property
    def numeric(self) -> bool:
        """Whether every input is a number, so that one tensor can hold them."""
        return not self.text_names

    @cached_property
    def number_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.inputs if column.datatype == NUMBER)

    @cached_property
    def text_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.inputs if column.datatype != NUMBER)


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def parse(data: bytes) -> Manifest:
    """Reads the bytes of model.json. Raises ModelError when they are not a manifest this server knows."""
    try:
        document = orjson.loads(data)
        # The defaults are those of ModelManifest, by which the model was verified.
        model_format = document.get("format", "ONNX")
        if model_format not in PLATFORMS:
            known = " and ".join(PLATFORMS)
            raise ModelError(f"{MODEL_JSON}: format {model_format!r}: this server serves {known}")
        if document["layout"] not in ("Tensor", "Columns"):
            raise ModelError(f"{MODEL_JSON}: layout {document['layout']!r}: only Tensor and Columns are known")
        signature, example = document["signature"], document["example"]
        return Manifest(
            digest=sha256(data),
            format=model_format,
            task=document["task"],
            file=document.get("file", "model.onnx"),
            file_digest=document["fileDigest"],
            layout=document["layout"],
            inputs=tuple(Column(item["name"], item["datatype"]) for item in signature["inputs"]),
            outputs=tuple(
                Output(item["name"], item["datatype"], tuple(item["shape"])) for item in signature["outputs"]
            ),
            classes=tuple(signature.get("classes", ())),
            example_inputs=example["inputs"],
            example_outputs=example["outputs"],
            categories=document.get("categories", {}),
        )
    except KeyError as error:
        raise ModelError(f"{MODEL_JSON}: {error.args[0]} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{MODEL_JSON}: not a model's manifest: {error}") from error


def read(folder: Path) -> Manifest:
    """Reads ``folder``/model.json. Raises ModelError."""
    try:
        return parse((folder / MODEL_JSON).read_bytes())
    except OSError as error:
        raise ModelError(f"cannot read {folder / MODEL_JSON}: {error.strerror}") from error
