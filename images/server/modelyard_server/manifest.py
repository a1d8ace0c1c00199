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

from modelyard_models.texts import clean, words

MODEL_JSON = "model.json"
"""``modelyard_api.fields.artifact.MODEL_JSON``, whose module imports pydantic."""
NUMBER, DOUBLE, TEXT = "FP32", "FP64", "BYTES"
TIMESTAMP, BOOLEAN = "Timestamp", "Boolean"
PLATFORMS = {"ONNX": "onnxruntime_onnx", "Skops": "sklearn_skops"}
"""Format of a model -> the protocol's name of the platform that serves it."""


class ModelError(Exception):
    """The model can't be served; the message tells a person why."""


@dataclass(frozen=True)
class Column:
    """An input of the model. ``datatype`` is FP32 or BYTES; ``type`` is that of the column in training, if known.

    A Timestamp has the ``format`` of strptime that its texts had, None for ISO 8601, and the ``time_zone`` of those
    that name none, None for UTC.
    """

    name: str
    datatype: str
    type: str | None = None
    format: str | None = None
    time_zone: str | None = None

    @property
    def kind(self) -> str:
        """How its values are read: as Boolean, as Timestamp, or else by its datatype."""
        return self.type if self.type in (BOOLEAN, TIMESTAMP) else self.datatype


@dataclass(frozen=True)
class Feature:
    """What the model's file takes of one input: see ``modelyard_api.fields.artifact.Feature``."""

    name: str
    column: str
    part: str | None
    offset: float


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
    missing: frozenset[str] = frozenset({""})
    """``missing`` are the texts that count as missing, cleaned, "" among them."""
    features: tuple[Feature, ...] = ()
    """``features`` are what the file takes, in its order, if that is not the inputs as they are."""

    @cached_property
    def numeric(self) -> bool:
        """Whether every input is a number, so that one tensor can hold them."""
        return all(column.datatype == NUMBER for column in self.inputs)

    @cached_property
    def asked(self) -> tuple[tuple[str, str, Column], ...]:
        """The name, the kind and the rest of each input."""
        return tuple((column.name, column.kind, column) for column in self.inputs)

    @cached_property
    def file_names(self) -> tuple[str, ...]:
        """What the model's file takes, in its order."""
        return tuple(item.name for item in self.features or self.inputs)

    @cached_property
    def takes_texts(self) -> bool:
        """Whether the model's file takes texts, so that one tensor can't hold what it takes."""
        if not self.features:
            return not self.numeric
        return any(item.part is None and item.column in self.text_names for item in self.features)

    def datatype(self, column: Column) -> str:
        """Returns the datatype that a client is told to send."""
        return DOUBLE if column.name in self.wide else column.datatype

    @cached_property
    def number_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.inputs if column.datatype == NUMBER)

    @cached_property
    def text_names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.inputs if item.datatype != NUMBER and item.type != TIMESTAMP)

    @cached_property
    def instants(self) -> tuple[Column, ...]:
        return tuple(item for item in self.inputs if item.type == TIMESTAMP)

    @cached_property
    def is_typed(self) -> bool:
        """Whether the columns of a matrix are more than numbers of single precision."""
        return bool(self.features) or any(item.kind == BOOLEAN for item in self.inputs)

    @cached_property
    def wide(self) -> frozenset[str]:
        """The numbers that are needed in double precision."""
        return frozenset(item.column for item in self.features if item.offset and item.part is None)

    @cached_property
    def plain(self) -> dict[str, frozenset[str]]:
        """Input of texts -> texts that need no cleaning: the known categories, and "" for a missing one."""
        known = {name: ("", *self.categories.get(name, ())) for name in self.text_names}
        return {name: frozenset(item for item in of if clean(item, self.missing) == item) for name, of in known.items()}


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
            inputs=tuple(map(_column, signature["inputs"])),
            outputs=tuple(
                Output(item["name"], item["datatype"], tuple(item["shape"])) for item in signature["outputs"]
            ),
            classes=tuple(signature.get("classes", ())),
            example_inputs=example["inputs"],
            example_outputs=example["outputs"],
            categories=document.get("categories", {}),
            missing=words(["", *document.get("missing", ())]),
            features=tuple(map(_feature, document.get("features", ()))),
        )
    except KeyError as error:
        raise ModelError(f"{MODEL_JSON}: {error.args[0]} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{MODEL_JSON}: not a model's manifest: {error}") from error


def _column(item: dict[str, Any]) -> Column:
    return Column(item["name"], item["datatype"], item.get("type"), item.get("format"), item.get("timeZone"))


def _feature(item: dict[str, Any]) -> Feature:
    return Feature(item["name"], item["column"], item.get("part"), item.get("offset", 0.0))


def read(folder: Path) -> Manifest:
    """Reads ``folder``/model.json. Raises ModelError."""
    try:
        return parse((folder / MODEL_JSON).read_bytes())
    except OSError as error:
        raise ModelError(f"cannot read {folder / MODEL_JSON}: {error.strerror}") from error
