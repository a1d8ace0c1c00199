"""Checks that the columns of a source are those that a Dataset speaks of."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_runtime.pod.errors import UserError, one_of

MOST_COLUMNS = 1000


def check_columns(names: Sequence[str], spec: DatasetSpec) -> None:
    """Raises UserError unless the columns are there that the spec names, and there is one to learn from."""
    named = {
        "spec.target": [spec.target] if spec.target is not None else [],
        "spec.ignore": spec.ignore,
        "spec.key": spec.key,
        "spec.timestamp": [spec.timestamp] if spec.timestamp is not None else [],
        "spec.split.column": [spec.split.column] if spec.split.column is not None else [],
    }
    for field, wanted in named.items():
        if unknown := [name for name in wanted if name not in names]:
            reason = "TargetNotFound" if field == "spec.target" else "ColumnNotFound"
            raise UserError(reason, one_of(unknown[0], names), field)
    kept = [name for name in names if name not in spec.ignore]
    if not [name for name in kept if name != spec.target]:
        other = "" if spec.target is None else " but the target"
        raise UserError("NoFeatures", f"there is no column{other}; bring columns to learn from", "spec.ignore")
    if len(kept) > MOST_COLUMNS:
        message = f"there are {len(kept)} columns; at most {MOST_COLUMNS} are allowed. Name those to drop here"
        raise UserError("TooManyColumns", message, "spec.ignore")


def check_rows(rows: int, spec: DatasetSpec) -> None:
    """Raises UserError if there are none."""
    if not rows:
        least = "one is needed" if spec.target is None else "two with different targets are needed"
        raise UserError("EmptyTable", f"the table has no rows; at least {least}", "spec.source")
