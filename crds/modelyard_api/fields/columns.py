"""What a Dataset declares of its columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import ColumnName, Model, rule, rules

ColumnType = Literal["Float", "Integer", "Boolean", "Category", "Timestamp", "Text", "Identifier"]
TimeFormat = Annotated[str, Field(min_length=1, max_length=64)]
"""A format of strptime, or a word such as EpochMilliseconds."""
TimeZone = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$")]
"""A time zone by its IANA name."""


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
            rule(
                "!(has(self.format) || has(self.timeZone)) || self.type == 'Timestamp'",
                "format and timeZone belong to a column of type Timestamp",
            ),
            rule(
                "!has(self.format) || self.format.contains('%') || self.format in ['EpochSeconds', "
                "'EpochMilliseconds', 'EpochMicroseconds', 'EpochNanoseconds']",
                "format is made of strptime's codes, such as %d.%m.%Y %H:%M, or is EpochSeconds, EpochMilliseconds, "
                "EpochMicroseconds or EpochNanoseconds",
                ".format",
            ),
            rule("!(has(self.min) && has(self.max)) || self.min <= self.max", "min must not be greater than max"),
        )
    )

    name: ColumnName = Field(description="The column.")
    type: ColumnType = Field(
        description="Float, Integer and Boolean are numbers to a model; Category one of a set of texts; Timestamp an "
        "instant. Text is free text and Identifier names a row or a thing: neither is ever a feature."
    )
    format: TimeFormat | None = Field(
        None,
        description="How a Timestamp is written: strptime's codes, or EpochSeconds, EpochMilliseconds, "
        "EpochMicroseconds, EpochNanoseconds for a number since 1970 [ISO 8601].",
    )
    time_zone: TimeZone | None = Field(
        None, description="The time zone of times that are written without one, such as Europe/Berlin [UTC]."
    )
    min: float | None = Field(None, description="The smallest value allowed.")
    max: float | None = Field(None, description="The greatest value allowed.")
    max_missing: float | None = Field(None, ge=0, le=1, description="The share of missing values allowed [1].")
    unique: bool = Field(False, description="True: no value may come twice.")
    values: list[Annotated[str, Field(max_length=256)]] | None = Field(
        None, min_length=1, max_length=1000, description="The categories allowed."
    )
