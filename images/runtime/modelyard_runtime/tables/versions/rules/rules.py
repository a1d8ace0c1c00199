"""All rules that the rows of a table are held against while they are seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import VersionColumn, Violation
from modelyard_runtime.tables.versions.chunk import Chunk
from modelyard_runtime.tables.versions.rules import columns
from modelyard_runtime.tables.versions.rules.expressions import Expressions
from modelyard_runtime.tables.versions.rules.unique import Unique


class Rules:
    def __init__(self, spec: DatasetSpec, schema: pa.Schema, folder: Path) -> None:
        """Raises UserError for an expression that can't be evaluated."""
        self._spec = spec
        self._finite, self._declared = columns.finite(schema), columns.declared(spec.columns, schema)
        unique = [rule.name for rule in spec.columns if rule.unique and rule.name in schema.names]
        self._unique = [Unique(name, number, folder) for number, name in enumerate(unique)]
        written = spec.validation.expressions
        self._expressions = Expressions(written, schema) if written else None

    def update(self, chunk: Chunk) -> None:
        for rule in (*self._finite, *self._declared, *self._unique):
            rule.update(chunk)
        if self._expressions is not None:
            self._expressions.update(chunk)

    def unusable(self) -> list[Violation]:
        """Returns the violations that no setting makes a warning."""
        return [violation for rule in self._finite for violation in rule.end()]

    def end(
        self,
        described: Iterable[VersionColumn],
        rows: int,
        dropped: int,
        again: Callable[[], Iterable[pa.RecordBatch]],
    ) -> list[Violation]:
        """Returns the other violations. ``dropped`` rows of the source had no target; ``again`` yields all others."""
        return [
            *self._of_table(rows, dropped),
            *(violation for rule in self._declared for violation in rule.end()),
            *self._missing({column.name: column for column in described}, rows, dropped),
            *(violation for rule in self._unique for violation in rule.end(again())),
            *(self._expressions.end() if self._expressions is not None else ()),
        ]

    def _of_table(self, rows: int, dropped: int) -> list[Violation]:
        rules, violations, read = self._spec.validation, [], rows + dropped
        if rows < rules.min_rows:
            violations.append(Violation(rule=f"validation.minRows {rules.min_rows}", found=f"{rows} rows"))
        if rules.max_rows is not None and rows > rules.max_rows:
            violations.append(Violation(rule=f"validation.maxRows {rules.max_rows}", found=f"{rows} rows"))
        if dropped > rules.max_dropped * read:
            found = f"{dropped} of {read} rows have no value in the target and are dropped"
            rule = f"validation.maxDropped {rules.max_dropped:g}"
            violations.append(Violation(column=self._spec.target, rule=rule, found=found))
        return violations

    def _missing(self, described: dict[str, VersionColumn], rows: int, dropped: int) -> list[Violation]:
        violations = []
        for rule in self._spec.columns:
            column = described.get(rule.name)
            if rule.max_missing is None or column is None:
                continue
            is_target = rule.name == self._spec.target
            share = dropped / (rows + dropped) if is_target else column.missing / max(rows, 1)
            if share > rule.max_missing:
                found = f"{share:.4g} of the values are missing"
                violations.append(Violation(column=rule.name, rule=f"maxMissing {rule.max_missing:g}", found=found))
        return violations
