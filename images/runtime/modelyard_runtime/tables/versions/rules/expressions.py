"""Rules over several columns: expressions of DuckDB's SQL, evaluated on a batch of rows at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from modelyard_api.fields.validation import Expression
from modelyard_api.kinds.datasetversion import Violation
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.versions.chunk import Chunk
from modelyard_runtime.tables.versions.rules.broken import RowRule

SECONDS = 60.0
"""Longest time that the expressions may take for one batch of rows."""
_OPERATORS = {"+", "-", "*", "/", "//", "%", "**", "^", "||", "~~", "!~~", "~~*", "!~~*"}
NAMED = (
    *("abs", "ceil", "exp", "floor", "greatest", "isfinite", "isnan", "least", "ln", "log10", "mod", "pow", "round"),
    *("sign", "sqrt", "trunc", "contains", "ends_with", "left", "length", "lower", "regexp_full_match"),
    *("regexp_matches", "right", "starts_with", "strpos", "substring", "trim", "upper"),
    *("date_diff", "date_part", "date_trunc", "day", "hour", "isodow", "minute", "month", "year"),
)
"""Functions whose value depends on their arguments alone, and is not much larger than they are: neither a limit of
memory nor an interrupt stops one call that makes a text of gigabytes."""
FUNCTIONS = _OPERATORS | set(NAMED)
_LOCKED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "128MB",
    "threads": "1",
}
_CLASSES = {"COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "FUNCTION", "CASE", "CAST", "BETWEEN"}
_CLASSES |= {"TYPE"}


class Expressions:
    """A row breaks an expression that is false for it; one that is null, since a value is missing, is not broken, as in
    a CHECK constraint. Names of columns that are no plain words stand in double quotes."""

    def __init__(self, expressions: list[Expression], schema: pa.Schema) -> None:
        """Raises UserError for what is no expression over the columns that is true or false."""
        import duckdb  # the image that ingests has it; others see no expressions

        self._errors = duckdb.Error
        self._connection = duckdb.connect(":memory:", config=_LOCKED)
        self._rules = []
        for item in expressions:
            columns = self._checked(item, schema)
            text = f"{item.name}: {item.message or item.expr}"
            self._rules.append(RowRule(text, self._result(len(self._rules)), columns[:4]))
        self._query = "select " + ", ".join(f"not ({item.expr}\n)" for item in expressions) + " from rows"
        self._connection.execute("set lock_configuration = true")
        self._masks: list[pa.Array] = []
        self._evaluate(pa.Table.from_batches([], schema))

    def update(self, chunk: Chunk) -> None:
        """Raises UserError for rows for which an expression has no value, such as a text that is cast to a number."""
        table = self._evaluate(pa.Table.from_batches([chunk.rows]))
        self._masks = [column.combine_chunks() for column in table.columns]
        for rule in self._rules:
            rule.update(chunk)

    def end(self) -> list[Violation]:
        return [violation for rule in self._rules for violation in rule.end()]

    def _result(self, index: int) -> Any:
        return lambda chunk: self._masks[index]

    def _evaluate(self, rows: pa.Table) -> pa.Table:
        timer = threading.Timer(SECONDS, self._connection.interrupt)
        timer.start()
        try:
            self._connection.register("rows", rows)
            table = self._connection.sql(self._query).to_arrow_table()
        except self._errors as error:
            raise _refused("spec.validation.expressions", str(error).splitlines()[0][:300]) from error
        finally:
            timer.cancel()
        if table.num_rows != rows.num_rows:
            raise _refused("spec.validation.expressions", "it has not one value for each row")
        return table

    def _checked(self, item: Expression, schema: pa.Schema) -> list[str]:
        """Returns the columns that an expression reads. Raises UserError."""
        field = f"spec.validation.expressions[{item.name}].expr"
        query = f"select ({item.expr}\n)"
        ((text,),) = self._connection.execute("select json_serialize_sql(?)", [query]).fetchall()
        tree = json.loads(text)
        if tree.get("error"):
            raise _refused(field, str(tree.get("error_message"))[:300])
        nodes = [statement["node"] for statement in tree["statements"]]
        if not (len(nodes) == 1 and nodes[0]["type"] == "SELECT_NODE" and len(nodes[0]["select_list"]) == 1):
            raise _refused(field, "write one expression")
        columns = []
        for node in _nodes(nodes[0]):
            columns += self._checked_node(node, field, schema)
        try:
            empty = pa.Table.from_batches([], schema)
            self._connection.register("rows", empty)
            kind = self._connection.sql(f"{query} from rows").to_arrow_table().schema.types[0]
        except self._errors as error:
            raise _refused(field, str(error).splitlines()[0][:300]) from error
        if not pa.types.is_boolean(kind):
            raise _refused(field, f"it is a {kind}; compare it with something, so that it is true or false")
        return list(dict.fromkeys(columns))

    def _checked_node(self, node: dict[str, Any], field: str, schema: pa.Schema) -> list[str]:
        if node["class"] not in _CLASSES:
            raise _refused(field, f"{node['class'].lower()} is not allowed; write an expression over one row")
        if node["class"] == "COLUMN_REF":
            names = {name.lower(): name for name in schema.names}
            name = str(node["column_names"][-1]).lower()
            if len(node["column_names"]) != 1 or name not in names:
                raise _refused(field, f"there is no column {'.'.join(node['column_names'])!r}")
            return [names[name]]
        if node["class"] == "FUNCTION" and str(node["function_name"]).lower() not in FUNCTIONS:
            raise _refused(field, f"function {node['function_name']!r} is not allowed; use {', '.join(NAMED)}")
        return []


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yields all expressions of a query's syntax tree."""
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for child in tree.values():
            yield from _nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


def _refused(field: str, why: str) -> UserError:
    return UserError("InvalidExpression", f"{why}; correct the expression", field)
