"""What a column can be, and its form in Arrow."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

from modelyard_api.fields.columns import ColumnType

ARROW: dict[ColumnType, pa.DataType] = {
    "Float": pa.float64(),
    "Integer": pa.int64(),
    "Boolean": pa.bool_(),
    "Category": pa.string(),
    "Timestamp": pa.timestamp("us", "UTC"),
    "Text": pa.string(),
    "Identifier": pa.string(),
}
"""Type of a column -> that of its typed batches. A missing value is null, a text is cleaned and never empty."""
TEXTS: tuple[ColumnType, ...] = ("Category", "Text", "Identifier")
"""The types that hold any text."""


class Kind(NamedTuple):
    """A type, and of a Timestamp how it is written: in ``format`` (None: ISO 8601), by the clocks of ``zone``."""

    type: ColumnType
    format: str | None = None
    zone: str | None = None

    @property
    def arrow(self) -> pa.DataType:
        return ARROW[self.type]
