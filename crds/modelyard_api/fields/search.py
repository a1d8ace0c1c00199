"""A search space: candidates with their parameters, and how features are selected."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from modelyard_api.fields.algorithms import PATHS
from modelyard_api.fields.base import Model, rule, rules

Method = Literal["None", "MutualInformation", "FTest"]
Algorithm = StrEnum("Algorithm", {name: name for name in PATHS})  # type: ignore[misc]


class ParameterSpace(Model):
    """What one parameter may be: a range, or one of some values."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.low) == has(self.high)",
                "write low and high (with log: true for orders of magnitude), or values",
            ),
            rule("!self.log || has(self.low)", "log is for a range; write low and high, or leave log out"),
            rule("!has(self.low) || !has(self.high) || self.low < self.high", "write a low that is less than high"),
            rule("!self.log || !has(self.low) || self.low > 0.0", "log needs a low above 0"),
        )
    )

    low: float | None = Field(None, description="The least value.")
    high: float | None = Field(None, description="The greatest value.")
    log: bool = Field(False, description="True: each order of magnitude is as likely as any other.")
    values: Annotated[list[Any], Field(min_length=1, max_length=32)] | None = Field(
        None, description="The values to choose from; null where it is scikit-learn's default."
    )


class Candidate(Model):
    algorithm: Algorithm = Field(description="An algorithm of the catalogue, by its class name in scikit-learn.")
    params: dict[str, ParameterSpace] = Field(
        default_factory=dict,
        json_schema_extra={"maxProperties": 32},
        description="What its parameters may be, by scikit-learn's names; the others keep scikit-learn's defaults.",
    )


class Keep(Model):
    model_config = ConfigDict(json_schema_extra=rules(rule("self.low <= self.high", "write a low of at most high")))

    low: int = Field(ge=1, le=10000, description="The fewest encoded columns that are kept.")
    high: int = Field(ge=1, le=10000, description="The most encoded columns that are kept.")


def _all_features() -> list[Method]:
    return ["None"]


class FeatureSearch(Model):
    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.select) || self.select.all(method, method == 'None') || has(self.keep)",
                "methods that select need keep: {low, high}, the number of encoded columns",
            )
        )
    )

    select: Annotated[
        list[Method],
        Field(min_length=1, max_length=3, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(
        default_factory=_all_features,
        description="How columns may be selected, after encoding and inside each fold; None keeps all.",
    )
    keep: Keep | None = Field(None, description="How many encoded columns a method may keep.")


class Search(Model):
    candidates: list[Candidate] = Field(min_length=1, max_length=16, description="The algorithms to choose from.")
    features: FeatureSearch = Field(default_factory=FeatureSearch, description="How features may be selected.")
