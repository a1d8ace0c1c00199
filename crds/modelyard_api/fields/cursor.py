"""How far a query was read that is asked for new rows alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modelyard_api.fields.base import ColumnName, Digest, Model

CursorKind = Literal["Number", "Date", "Timestamp", "Instant"]
MAX_CURSOR = 64
"""Longest text of a value, in characters."""


class Cursor(Model):
    """The greatest value that a column of a query has had."""

    column: ColumnName = Field(description="The column.")
    kind: CursorKind = Field(description="What its values are; an Instant is a time with a zone.")
    value: str = Field(
        max_length=MAX_CURSOR, description="The greatest one: digits, or ISO 8601, in UTC where there is a zone."
    )
    query: Digest = Field(description="Digest of the query: another one is read from its beginning.")
