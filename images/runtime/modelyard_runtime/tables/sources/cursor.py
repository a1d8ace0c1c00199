"""``sql.cursor``: a column whose greatest value says how far a query was read, so that a look asks for what is new."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from modelyard_api.fields.artifact import sha256
from modelyard_api.fields.cursor import MAX_CURSOR, Cursor, CursorKind
from modelyard_api.fields.doubts import Doubt
from modelyard_api.fields.sources import SQLSource
from modelyard_api.wire.task import Previous
from modelyard_runtime.pod.errors import UserError

FIELD = "spec.source.sql.cursor"


def start(source: SQLSource, previous: Previous | None) -> Cursor | None:
    """Returns above what the query is asked for rows; None if all are to be read: there is no version, or its rows come
    from another query."""
    cursor = previous.cursor if previous is not None else None
    is_same = cursor is not None and (cursor.column, cursor.query) == (source.cursor, _digest(source))
    return cursor if is_same else None


def above(query: str, cursor: Cursor | None, column: str) -> str:
    """Returns the query of the rows above the cursor, and of those without a value, which are told of. ``column`` is
    the column's name as the database quotes it.

    Without a cursor it is as deep, so that a query that can't be a part of another one is refused by the first look.
    """
    rows = f"SELECT * FROM (\n{query.strip().rstrip(';')}\n) AS modelyard_rows"
    return rows if cursor is None else f"{rows} WHERE {column} > {_literal(cursor)} OR {column} IS NULL"


class Watch:
    """Follows the cursor's column through the rows of one answer."""

    def __init__(self, source: SQLSource, names: list[str], since: Cursor | None) -> None:
        """Raises UserError if the query doesn't give the column."""
        self._column, self._query, self._since = str(source.cursor), _digest(source), since
        if self._column not in names:
            there = ", ".join(name[:64] for name in names[:20])
            message = f"the query gives no column {self._column!r}; it gives {there}; name one of them"
            raise UserError("CursorMissing", message, FIELD)
        self._index = names.index(self._column)
        self._kind: CursorKind | None = since and since.kind
        self._greatest: Any = since and _value(since)
        self.rows = self.left_out = 0

    def take(self, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """Returns the rows that have a value. Raises UserError for one that is not above the cursor."""
        kept = [row for row in rows if row[self._index] is not None]
        self.left_out += len(rows) - len(kept)
        self.rows += len(kept)
        if kept:
            values = [self._checked(row[self._index]) for row in kept]
            if self._since is not None and min(values) <= (known := _value(self._since)):
                message = (
                    f"the database takes {min(values)} of column {self._column!r} for greater than {known}; correct it "
                    "by a cast in the query to a type of no more than microseconds"
                )
                raise UserError("CursorUnordered", message, FIELD)
            self._greatest = max(values) if self._greatest is None else max(self._greatest, *values)
        return kept

    def end(self) -> Cursor | None:
        """Returns the cursor of the version with these rows; None if there are none. Raises UserError if they have no
        value."""
        if self._kind is None and self.left_out:
            message = f"no row has a value in {self._column!r}; fill it in, or write another cursor"
            raise UserError("CursorMissing", message, FIELD)
        if self._kind is None:
            return None
        value = _text(self._greatest)
        if len(value) > MAX_CURSOR:
            message = (
                f"column {self._column!r} has {value[:32]!r}..., more than {MAX_CURSOR} digits; correct it by a cast "
                "in the query"
            )
            raise UserError("CursorUnordered", message, FIELD)
        return Cursor(column=self._column, kind=self._kind, value=value, query=self._query)

    def doubts(self) -> list[Doubt]:
        """Returns the doubt about rows without a value."""
        if not self.left_out:
            return []
        message = (
            f"{self.left_out} rows have no value in {self._column!r}, the cursor, and are left out until they have "
            "one: fill it in"
        )
        return [Doubt(reason="RowsLeftOut", column=self._column, message=message, count=self.left_out)]

    def _checked(self, value: Any) -> Any:
        kind = _kind_of(value)
        if kind is None or (self._kind not in (None, kind)):
            was = f", after values that are each a {self._kind}" if kind is not None else ""
            message = (
                f"column {self._column!r} holds {type(value).__name__}, such as {str(value)[:60]!r}{was}; a cursor is "
                "of finite numbers, of dates, or of times, all with a zone or all without; correct it by a cast in the "
                "query"
            )
            raise UserError("CursorUnordered", message, FIELD)
        self._kind = kind
        return value


def _digest(source: SQLSource) -> str:
    return sha256(source.query.encode())


def _kind_of(value: Any) -> CursorKind | None:
    match value:
        case bool():
            return None
        case int():
            return "Number"
        case float():
            return "Number" if math.isfinite(value) else None
        case Decimal():
            return "Number" if value.is_finite() else None
        case datetime():
            return "Timestamp" if value.tzinfo is None else "Instant"
        case date():
            return "Date"
    return None


def _text(value: Any) -> str:
    match value:
        case datetime():
            return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat(" ")
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
    return repr(value)


def _value(cursor: Cursor) -> Any:
    match cursor.kind:
        case "Number":
            return Decimal(cursor.value)
        case "Date":
            return date.fromisoformat(cursor.value)
    return datetime.fromisoformat(cursor.value)


def _literal(cursor: Cursor) -> str:
    """Returns the value in SQL, made of what it was read as: the text itself came from a database, by an object."""
    value = _text(_value(cursor))
    match cursor.kind:
        case "Number":
            return value
        case "Date":
            return f"DATE '{value}'"
        case "Timestamp":
            return f"TIMESTAMP '{value}'"
    return f"CAST('{value}' AS TIMESTAMP WITH TIME ZONE)"
