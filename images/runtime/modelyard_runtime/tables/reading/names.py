"""Checks the names of columns."""

from __future__ import annotations

import re
import unicodedata

from modelyard_runtime.pod.errors import UserError

LONGEST_NAME = 128
MOST_COLUMNS = 10_000
"""Most columns that are read; a Dataset takes fewer, after those that it ignores."""
_FORMULA = re.compile(r"=|[+\-@].*[(!|]")
_PATH = re.compile(r"(?:[A-Za-z]:)?[\\/]{1,2}[^\\/]*[\\/]|(?:.*[\\/])?\.\.(?:[\\/]|$)|file:|~/")
_HIDDEN = "\u200b\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that can't be seen, or that turn the direction of text."""


def tidied(name: str) -> str:
    """Returns the name with each run of white space as one space, in Unicode's composed form."""
    return unicodedata.normalize("NFC", " ".join(name.split()))


def checked(names: list[str], file: str) -> list[str]:
    """Returns the names, tidied.

    Raises UserError for a name that is doubled, empty, too long, or no name: a formula, a path, control characters."""
    if len(names) > MOST_COLUMNS:
        message = f"{file!r} has {len(names)} columns; at most {MOST_COLUMNS} can be read"
        raise UserError("TooManyColumns", message, "spec.source")
    names = [tidied(name) for name in names]
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            message = f"{file!r} has the column {name!r} more than once; rename one of them"
            raise UserError("DuplicateColumn", message, "spec.source")
        seen.add(name)
        if problem := _problem(name):
            message = f"{file!r} has {problem} as the name of column {index + 1} of {len(names)}; rename it"
            raise UserError("ColumnName", message, "spec.source")
        if not name:
            message = f"{file!r} has no name for column {index + 1} of {len(names)}; name it"
            raise UserError("UnnamedColumn", message, "spec.source")
        if len(name) > LONGEST_NAME:
            message = (
                f"{file!r} has a column whose name is {len(name)} characters long, {name[:40]!r}...; "
                f"at most {LONGEST_NAME} are allowed"
            )
            raise UserError("ColumnNameTooLong", message, "spec.source")
    return names


def _problem(name: str) -> str | None:
    if any(unicodedata.category(char) in ("Cc", "Cs") or char in _HIDDEN for char in name):
        return f"text with hidden characters, {name[:60]!a},"
    if _FORMULA.match(name):
        return f"a formula, {name[:60]!r},"
    if _PATH.match(name):
        return f"a path, {name[:60]!r},"
    return None
