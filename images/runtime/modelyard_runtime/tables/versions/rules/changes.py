"""Compares the columns of a table with those of the version before it."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard_api.kinds.dataset import DatasetSpec
from modelyard_api.kinds.datasetversion import Change, VersionColumn, Violation


def changes(now: Iterable[VersionColumn], before: Iterable[VersionColumn]) -> list[Change]:
    """Returns the columns that came, went or have another type; their order doesn't count. One that had no value before
    has had no type."""
    before = list(before)
    types, were = ({column.name: column.type for column in columns} for columns in (now, before))
    empty = {column.name for column in before if column.distinct == 0}
    came = [Change(column=name, change="Added", is_=type_) for name, type_ in types.items() if name not in were]
    went = [Change(column=name, change="Removed", was=type_) for name, type_ in were.items() if name not in types]
    others = [
        Change(column=name, change="TypeChanged", was=were[name], is_=type_)
        for name, type_ in types.items()
        if were.get(name, type_) != type_ and name not in empty
    ]
    return [*came, *went, *others]


def unexpected(found: Iterable[Change], spec: DatasetSpec) -> list[Violation]:
    """Returns a violation for each change that the Dataset says nothing of: a column that it declares may come, one
    that it ignores may go, and a type that it declares may differ from before."""
    if spec.validation.column_changes == "Allow":
        return []
    declared, ignored = {rule.name for rule in spec.columns}, set(spec.ignore)
    violations = []
    for change in found:
        if change.column in declared or (change.change == "Removed" and change.column in ignored):
            continue
        how = {
            "Added": f"the column is new, a {change.is_}: declare it in spec.columns",
            "Removed": "the column is there no more: name it in spec.ignore",
            "TypeChanged": f"it was {change.was}, it is {change.is_}: declare it in spec.columns",
        }[change.change]
        text = f"{how}, or write validation.columnChanges: Allow"
        violations.append(Violation(column=change.column, rule="columnChanges Reject", found=text))
    return violations
