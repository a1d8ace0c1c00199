"""When a table is accepted, and how its rows are held out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modelyard_api.fields.base import Model


class Validation(Model):
    on_failure: Literal["Reject", "Warn"] = Field(
        "Reject", description="Reject: the version is kept as evidence and never used. Warn: it is used all the same."
    )
    min_rows: int = Field(1, ge=1, description="The fewest rows allowed.")


class Split(Model):
    test: float = Field(0.2, gt=0, lt=1, description="The share of rows held out for the final score.")
    strategy: Literal["Stratified", "Random"] = Field(
        "Random", description="Stratified keeps the classes' shares of a categorical target."
    )
    seed: int = Field(0, ge=0, le=4294967295, description="The seed of the split.")
