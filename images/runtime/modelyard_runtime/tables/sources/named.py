"""Doubts about files, which name the first of them."""

from __future__ import annotations

from modelyard_api.fields.doubts import Doubt

LISTED = 5
"""Most files that a message names."""


def doubts(reason: str, names: list[str], what: str) -> list[Doubt]:
    """Returns the doubt about these files, each of which ``what`` is said of; none if there are no files."""
    if not names:
        return []
    listed = ", ".join(repr(name[:60]) for name in names[:LISTED])
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return [Doubt(reason=reason, message=f"{listed}{more}: each {what}", count=len(names), file=names[0])]
