"""What a Dataset declares of its columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import ColumnName, Model, rule, rules

ColumnType = Literal["Float", "Integer", "Boolean", "Category"]


class ColumnRule(Model):
    """The declaration of one column; columns without one are inferred."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.values) || self.type == 'Category'",
                "values belongs to a column of type Category",
                ".values",
            ),
            rule(
                "!(has(self.min) || has(self.max)) || self.type in ['Float', 'Integer']",
                "min and max belong to a column of type Float or Integer",
            ),
            rule("!(has(self.min) && has(self.max)) || self.min <= self.max", "min must not be greater than max"),
        )
    )

    name: ColumnName = Field(description="The column.")
    type: ColumnType = Field(description="Float, Integer, Boolean or Category.")
    min: float | None = Field(None, description="The smallest value allowed.")
    max: float | None = Field(None, description="The greatest value allowed.")
    max_missing: float | None = Field(None, ge=0, le=1, description="The share of missing values allowed [1].")
    unique: bool = Field(False, description="True: no value may come twice.")
    values: list[Annotated[str, Field(max_length=256)]] | None = Field(
        None, min_length=1, max_length=1000, description="The categories allowed."
    )
