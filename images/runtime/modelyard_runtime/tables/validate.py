"""Holds a table against the rules of its Dataset."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.kinds.dataset import ColumnRule, DatasetSpec
from modelyard_api.kinds.datasetversion import Violation

GREATEST = float(np.finfo(np.float32).max)


def not_finite(table: pa.Table) -> list[Violation]:
    """Numbers that a model can't take: it computes in single precision. Held whatever is declared, and never a warning.

    ``table`` as it is typed: Float columns are of 64 bits, and a missing value is null.
    """
    found = []
    for name in table.column_names:
        if pa.types.is_floating(table[name].type):
            beyond = pc.greater(pc.abs(table[name]), GREATEST)
            found += _broken(table[name], beyond, name, f"finite, at most {GREATEST:.8g} in size")
    return found


def validate(table: pa.Table, spec: DatasetSpec, lost: float) -> list[Violation]:
    """Every declared rule that is broken, with up to five values that break it.

    ``lost``: the share of the source's rows that ``table`` is without, since they have no target.
    """
    found = []
    if len(table) < spec.validation.min_rows:
        found.append(Violation(rule=f"validation.minRows {spec.validation.min_rows}", found=f"{len(table)} rows"))
    for rule in spec.columns:
        if rule.name in table.column_names:
            found += _column(table[rule.name], rule, lost if rule.name == spec.target else None)
    return found


def _column(column: pa.ChunkedArray, rule: ColumnRule, missing: float | None) -> list[Violation]:
    found = []
    if rule.min is not None:
        found += _broken(column, pc.less(column, rule.min), rule.name, f"min {rule.min:g}")
    if rule.max is not None:
        found += _broken(column, pc.greater(column, rule.max), rule.name, f"max {rule.max:g}")
    if rule.values is not None:
        outside = pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, pa.array(rule.values, pa.string()))))
        found += _broken(column, outside, rule.name, f"values {', '.join(rule.values)}"[:256])
    share = column.null_count / len(column) if missing is None else missing
    if rule.max_missing is not None and share > rule.max_missing:
        rule_text = f"maxMissing {rule.max_missing:g}"
        found.append(Violation(column=rule.name, rule=rule_text, found=f"{share:.4g} of the values are missing"))
    return found


def _broken(column: pa.ChunkedArray, mask: pa.ChunkedArray, name: str, text: str) -> list[Violation]:
    bad = column.filter(pc.fill_null(mask, False))
    if not len(bad):
        return []
    examples = [str(value)[:64] for value in pc.unique(bad).to_pylist()[:5]]
    return [Violation(column=name, rule=text, found=f"{len(bad)} values break it", examples=examples)]
