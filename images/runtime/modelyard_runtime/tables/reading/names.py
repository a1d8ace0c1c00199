"""Checks the names of columns."""

from __future__ import annotations

from modelyard_runtime.pod.errors import UserError

LONGEST_NAME = 128


def checked(names: list[str], file: str) -> list[str]:
    """Returns the trimmed names. Raises UserError for one that is doubled, empty or too long."""
    names = [name.strip() for name in names]
    doubled = sorted({name for name in names if names.count(name) > 1 and name})
    if doubled:
        message = f"{file!r} has the column {doubled[0]!r} more than once; rename one of them"
        raise UserError("DuplicateColumn", message, "spec.source")
    if "" in names:
        message = f"{file!r} has no name for column {names.index('') + 1} of {len(names)}; give it one"
        raise UserError("UnnamedColumn", message, "spec.source")
    long = [name for name in names if len(name) > LONGEST_NAME]
    if long:
        message = (
            f"{file!r} has a column whose name is {len(long[0])} characters long, {long[0][:40]!r}...; "
            f"at most {LONGEST_NAME} are allowed"
        )
        raise UserError("ColumnNameTooLong", message, "spec.source")
    return names
