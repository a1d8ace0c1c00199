"""Holds a table against the rules of its Dataset."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.dataset import ColumnRule, DatasetSpec
from modelyard_api.datasetversion import Violation


def validate(table: pa.Table, spec: DatasetSpec) -> list[Violation]:
    """Every rule that is broken, with up to five values that break it."""
    found = []
    if len(table) < spec.validation.min_rows:
        found.append(Violation(rule=f"validation.minRows {spec.validation.min_rows}", found=f"{len(table)} rows"))
    for rule in spec.columns:
        if rule.name in table.column_names:
            found += _column(table[rule.name], rule)
    return found


def _column(column: pa.ChunkedArray, rule: ColumnRule) -> list[Violation]:
    found = []
    if rule.min is not None:
        found += _broken(column, pc.less(column, rule.min), rule, f"min {rule.min:g}")
    if rule.max is not None:
        found += _broken(column, pc.greater(column, rule.max), rule, f"max {rule.max:g}")
    if rule.values is not None:
        outside = pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, pa.array(rule.values, pa.string()))))
        found += _broken(column, outside, rule, f"values {', '.join(rule.values)}"[:256])
    share = column.null_count / len(column) if len(column) else 0.0
    if rule.max_missing is not None and share > rule.max_missing:
        rule_text = f"maxMissing {rule.max_missing:g}"
        found.append(Violation(column=rule.name, rule=rule_text, found=f"{share:.4g} of the values are missing"))
    return found


def _broken(column: pa.ChunkedArray, mask: pa.ChunkedArray, rule: ColumnRule, text: str) -> list[Violation]:
    bad = column.filter(pc.fill_null(mask, False))
    if not len(bad):
        return []
    examples = [str(value)[:64] for value in pc.unique(bad).to_pylist()[:5]]
    return [Violation(column=rule.name, rule=text, found=f"{len(bad)} values break it", examples=examples)]
