"""The inputs and outputs of a model, in the words of the Open Inference Protocol."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelyard_api.fields.base import ColumnName, Model


class Input(Model):
    """One column."""

    name: ColumnName = Field(description="The column.")
    datatype: Literal["FP32", "BYTES"] = Field(description="FP32 for numbers, BYTES for categories.")


class Output(Model):
    name: ColumnName = Field(description="label, probabilities or value.")
    datatype: Literal["FP32", "INT64", "BYTES"] = Field(description="Its type.")
    shape: list[Annotated[int, Field(ge=-1, le=2**53 - 1)]] = Field(
        max_length=2, description="Its shape; -1 is the number of rows."
    )


class Signature(Model):
    inputs: list[Input] = Field(max_length=1000, description="The columns, in the model's order.")
    outputs: list[Output] = Field(max_length=4, description="What it answers.")
    classes: list[Annotated[str, Field(max_length=256)]] = Field(
        default_factory=list, max_length=1000, description="The classes, in the order of the probabilities."
    )
