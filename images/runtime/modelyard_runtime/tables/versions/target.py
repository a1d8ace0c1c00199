"""Checks that there is something to learn in the target."""

from __future__ import annotations

from modelyard_runtime.pod.errors import UserError

MOST_CLASSES = 1000


def check(target: str, type_: str, rows: int, distinct: int, example: object) -> None:
    """Raises UserError if nothing could be learnt. ``distinct`` counts the target's values, ``example`` is one."""
    if not rows:
        message = f"no row has a value in the target column {target!r}; bring rows that do, or name another column"
        raise UserError("EmptyTable", message, "spec.target")
    if distinct < 2:
        message = f"the target has one value alone, {example!r}; a model needs at least two"
        raise UserError("SingleClass", message, "spec.target")
    if type_ == "Category" and distinct > MOST_CLASSES:
        message = f"the target has {distinct} classes; at most {MOST_CLASSES} are allowed. Is it an identifier?"
        raise UserError("TooManyClasses", message, "spec.target")
