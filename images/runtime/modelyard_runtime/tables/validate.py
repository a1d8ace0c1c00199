"""Checks a table against the rules of its Dataset."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.columns import ColumnRule
from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import Violation

GREATEST = float(np.finfo(np.float32).max)


def not_finite(table: pa.Table) -> list[Violation]:
    """Returns violations for numbers that a model can't take, since it computes in single precision.

    This rule always holds, whatever is declared, and is never just a warning. ``table`` must be typed: Float columns
    have 64 bits, and a missing value is null.
    """
    violations = []
    for name in table.column_names:
        if pa.types.is_floating(table[name].type):
            beyond = pc.greater(pc.abs(table[name]), GREATEST)
            violations += _broken(table[name], beyond, name, f"finite, at most {GREATEST:.8g} in size")
    return violations


def validate(table: pa.Table, spec: DatasetSpec, lost: float) -> list[Violation]:
    """Returns every broken rule, each with up to five values that break it.

    ``lost`` is the share of the source's rows that ``table`` leaves out because they have no target.
    """
    violations = []
    if len(table) < spec.validation.min_rows:
        violations.append(Violation(rule=f"validation.minRows {spec.validation.min_rows}", found=f"{len(table)} rows"))
    for rule in spec.columns:
        if rule.name in table.column_names:
            violations += _column(table[rule.name], rule, lost if rule.name == spec.target else None)
    return violations


def _column(column: pa.ChunkedArray, rule: ColumnRule, missing: float | None) -> list[Violation]:
    violations = []
    if rule.min is not None:
        violations += _broken(column, pc.less(column, rule.min), rule.name, f"min {rule.min:g}")
    if rule.max is not None:
        violations += _broken(column, pc.greater(column, rule.max), rule.name, f"max {rule.max:g}")
    if rule.values is not None:
        outside = pc.and_(pc.is_valid(column), pc.invert(pc.is_in(column, pa.array(rule.values, pa.string()))))
        violations += _broken(column, outside, rule.name, f"values {', '.join(rule.values)}"[:256])
    share = column.null_count / len(column) if missing is None else missing
    if rule.max_missing is not None and share > rule.max_missing:
        rule_text = f"maxMissing {rule.max_missing:g}"
        violations.append(Violation(column=rule.name, rule=rule_text, found=f"{share:.4g} of the values are missing"))
    return violations


def _broken(column: pa.ChunkedArray, mask: pa.ChunkedArray, name: str, text: str) -> list[Violation]:
    bad = column.filter(pc.fill_null(mask, False))
    if not len(bad):
        return []
    examples = [str(value)[:64] for value in pc.unique(bad).to_pylist()[:5]]
    return [Violation(column=name, rule=text, found=f"{len(bad)} values break it", examples=examples)]
