"""Turns rows of Python values, as database drivers give them, into Arrow: each value exactly, or its column refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

from modelyard_runtime.pod.errors import UserError

_INT64 = range(-(2**63), 2**63)


def batch_of(rows: Sequence[Sequence[Any]], names: list[str], field: str) -> pa.RecordBatch:
    """Raises UserError for a column whose values a table can't hold."""
    columns = [_column(name, [row[index] for row in rows], field) for index, name in enumerate(names)]
    return pa.RecordBatch.from_arrays(columns, names)


def _column(name: str, values: list[Any], field: str) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.nulls(len(values))
    try:
        return _typed(kinds, values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        message = f"column {name!r} can't be read: {str(error).splitlines()[0][:200]}; cast it in the query"
        raise UserError("ColumnType", message, field) from error
    except KeyError as error:
        example = next(value for value in values if type(value) is error.args[0])
        message = (
            f"column {name!r} holds {error.args[0].__name__}, such as {str(example)[:60]!r}, which is no value of a "
            "table; select its parts, or cast it"
        )
        raise UserError("ColumnType", message, field) from error


def _typed(kinds: set[type], values: list[Any]) -> pa.Array:
    if kinds <= {bool}:
        return pa.array(values, pa.bool_())
    if kinds <= {int} and all(value is None or value in _INT64 for value in values):
        return pa.array(values, pa.int64())
    if kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds <= {int, Decimal}:
        return pa.array([None if value is None else _decimal(value) for value in values])
    if kinds <= {datetime}:
        return _instants(values)
    if kinds <= {date}:
        return pa.array(values, pa.date32())
    if kinds <= {str, UUID, clock}:
        return pa.array([None if value is None else _TEXTS[type(value)](value) for value in values], pa.string())
    unknown = kinds - {bool, int, float, Decimal, datetime, date, *_TEXTS}
    if unknown:
        raise KeyError(unknown.pop())
    raise TypeError(f"it has values of {' and '.join(sorted(kind.__name__ for kind in kinds))}")


_TEXTS: dict[type, Callable[[Any], str]] = {str: str, UUID: str, clock: clock.isoformat}


def _decimal(value: int | Decimal) -> Decimal | None:
    number = Decimal(value)
    return None if number.is_nan() else number


def _instants(values: list[datetime | None]) -> pa.Array:
    if any(value is not None and value.tzinfo is not None for value in values):
        moved = [None if value is None else value.astimezone(UTC) if value.tzinfo else value for value in values]
        return pa.array(moved, pa.timestamp("us", "UTC"))
    return pa.array(values, pa.timestamp("us"))
