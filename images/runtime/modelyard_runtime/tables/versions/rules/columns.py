"""Rules of single columns: ranges, allowed values, and what a model can't take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.columns import ColumnRule
from modelyard_runtime.tables.versions.chunk import Chunk
from modelyard_runtime.tables.versions.rules.broken import RowRule, Test

GREATEST = float(np.finfo(np.float32).max)


def finite(schema: pa.Schema) -> list[RowRule]:
    """Returns the rule that numbers fit into single precision, in which a model computes. It always holds, whatever is
    declared, and is never just a warning."""
    text = f"finite, at most {GREATEST:.8g} in size"
    names = [item.name for item in schema if pa.types.is_floating(item.type)]
    return [RowRule(text, _beyond(name), [name], name) for name in names]


def declared(rules: list[ColumnRule], schema: pa.Schema) -> list[RowRule]:
    """Returns the rules of columns that each row can break by itself."""
    return [rule for item in rules if item.name in schema.names for rule in _of(item)]


def _of(rule: ColumnRule) -> Iterator[RowRule]:
    name = rule.name
    if rule.min is not None:
        yield RowRule(f"min {rule.min:g}", _below(name, rule.min), [name], name)
    if rule.max is not None:
        yield RowRule(f"max {rule.max:g}", _above(name, rule.max), [name], name)
    if rule.values is not None:
        yield RowRule(f"values {', '.join(rule.values)}", _outside(name, rule.values), [name], name)


def _beyond(name: str) -> Test:
    def test(chunk: Chunk) -> pa.Array | None:
        least, greatest = chunk.extremes(name)
        if least is None or greatest is None or (least >= -GREATEST and greatest <= GREATEST):
            return None
        return pc.greater(pc.abs(chunk.column(name)), GREATEST)

    return test


def _below(name: str, limit: float) -> Test:
    def test(chunk: Chunk) -> pa.Array | None:
        least = chunk.extremes(name)[0]
        return None if least is None or least >= limit else pc.less(chunk.column(name), limit)

    return test


def _above(name: str, limit: float) -> Test:
    def test(chunk: Chunk) -> pa.Array | None:
        greatest = chunk.extremes(name)[1]
        return None if greatest is None or greatest <= limit else pc.greater(chunk.column(name), limit)

    return test


def _outside(name: str, values: list[str]) -> Test:
    allowed: Any = pa.array(values, pa.string())

    def test(chunk: Chunk) -> pa.Array | None:
        column = chunk.encoded(name)
        unknown = pc.invert(pc.is_in(column.dictionary, allowed))
        return pc.take(unknown, column.indices) if pc.any(unknown).as_py() else None

    return test
