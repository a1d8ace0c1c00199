"""The inputs and outputs of a model, in the words of the Open Inference Protocol."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard_api.fields.base import ColumnName, Model
from modelyard_api.fields.columns import ColumnType

InputType = Literal["Float", "Integer", "Boolean", "Category", "Timestamp"]


class Input(Model):
    """One column."""

    name: ColumnName = Field(description="The column.")
    datatype: Literal["FP32", "BYTES"] = Field(description="FP32 for numbers, BYTES for categories and times.")
    type: InputType | None = Field(None, description="The column's type in training [it is not known].")
    format: str | None = Field(
        None, max_length=64, description="What a Timestamp looks like, as strptime has it [ISO 8601]."
    )
    time_zone: str | None = Field(None, max_length=64, description="The zone of a Timestamp that names none [UTC].")


class Output(Model):
    name: ColumnName = Field(description="label, probabilities or value.")
    datatype: Literal["FP32", "INT64", "BYTES"] = Field(description="Its type.")
    shape: list[Annotated[int, Field(ge=-1, le=2**53 - 1)]] = Field(
        max_length=2, description="Its shape; -1 is the number of rows."
    )


LONGEST_COLUMN = 128
"""Longest name of a column, in characters."""


class Signature(Model):
    inputs: list[Input] = Field(max_length=1000, description="The columns, in the model's order.")
    outputs: list[Output] = Field(max_length=4, description="What it answers.")
    classes: list[Annotated[str, Field(max_length=256)]] = Field(
        default_factory=list, max_length=1000, description="The classes, in the order of the probabilities."
    )


def answer_columns(signature: Signature) -> dict[str, ColumnType]:
    """Returns the columns of a table of answers, in the order of the outputs: name -> type.

    Each class has a column of its probability, which is named by its position if its name would be too long.
    """
    columns: dict[str, ColumnType] = {}
    for output in signature.outputs:
        if len(output.shape) == 1:
            columns[output.name] = _TYPES[output.datatype]
        else:
            columns |= {_probability(*item): "Float" for item in enumerate(signature.classes)}
    return columns


_TYPES: dict[str, ColumnType] = {"FP32": "Float", "INT64": "Integer", "BYTES": "Category"}


def _probability(position: int, class_: str) -> str:
    name = f"probability_{class_}"
    return name if len(name) <= LONGEST_COLUMN else f"probability_{position}"
