"""When a table is accepted, how its rows are held out, and which versions are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.base import ColumnName, Model, rule, rules

LIST_MAP = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}


class Expression(Model):
    """A rule over the columns of one row."""

    name: Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z][-A-Za-z0-9]*$")] = Field(
        description="A word by which a violation names it."
    )
    expr: str = Field(
        min_length=1,
        max_length=1024,
        description="An expression of DuckDB's SQL over columns that must not be false, such as `least <= greatest`. A "
        "missing value makes it neither true nor false, which is allowed.",
    )
    message: str | None = Field(None, max_length=200, description="What it means, for people.")


class MaxShift(Model):
    """How far a column may move from the version before."""

    value: float = Field(
        ge=0,
        lt=1,
        description="The greatest distance allowed, from 0 to 1: the greatest difference of the shares that both "
        "versions give to a set of values. Only one that is proven to be greater breaks the rule.",
    )


class Validation(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.maxRows) || self.minRows <= self.maxRows",
                "minRows must not be greater than maxRows",
                ".maxRows",
            )
        )
    )

    on_failure: Literal["Reject", "Warn"] = Field(
        "Reject", description="Reject: the version is kept as evidence and never used. Warn: it is used all the same."
    )
    min_rows: int = Field(1, ge=1, description="The fewest rows allowed.")
    max_rows: int | None = Field(None, ge=1, description="The most rows allowed.")
    max_dropped: float = Field(
        0.5, ge=0, le=1, description="The share of rows that may be dropped since they have no target."
    )
    column_changes: Literal["Reject", "Allow"] = Field(
        "Reject",
        description="Whether a column may come, go or change its type against the version before, though `columns` and "
        "`ignore` say nothing of it. Reject: that breaks a rule.",
    )
    max_shift: MaxShift | None = Field(
        None, description="How far columns may move from the latest accepted version [any distance]."
    )
    expressions: Annotated[list[Expression], Field(max_length=20, json_schema_extra=LIST_MAP)] = Field(
        default_factory=list, description="Rules over several columns of a row."
    )


class Split(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "(has(self.strategy) && self.strategy == 'Group') == has(self.column)",
                "column belongs to the strategy Group, which needs it",
                ".column",
            )
        )
    )

    test: float = Field(0.2, gt=0, lt=1, description="The share of rows held out for the final score.")
    strategy: Literal["Stratified", "Random", "Time", "Group"] = Field(
        "Random",
        description="Random: by the content of each row, or of its `key`. Stratified: the same, and the shares of the "
        "target's classes are kept. Time: the latest rows by `timestamp`. Group: rows of one group stay together.",
    )
    column: ColumnName | None = Field(None, description="The column that names a row's group.")
    seed: int = Field(0, ge=0, le=4294967295, description="The seed of the split.")


class Retention(Model):
    """Which versions are kept."""

    keep: int = Field(
        ge=1,
        le=1000,
        description="How many of the newest accepted versions, and of the newest rejected ones. One that is used is "
        "kept beside them.",
    )
