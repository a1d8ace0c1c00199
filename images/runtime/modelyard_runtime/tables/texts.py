"""Cleans the texts of a whole column, by the rule that requests are cleaned by."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from modelyard_models.meaning.texts import clean

_AT_AN_EDGE = r"^[\x09-\x0d\x1c-\x20]|[\x09-\x0d\x1c-\x20]$"
"""White space of ASCII at either end."""


def cleaned(column: pa.Array, missing: Collection[str]) -> pa.Array:
    """Returns the strings of an array as ``clean`` returns them, but null where it returns "".

    Only the different texts that are not plain ASCII, or have white space at an end, are looked at one by one.
    """
    column = column.cast(pa.string())
    odd = pc.or_(pc.invert(pc.string_is_ascii(column)), pc.match_substring_regex(column, _AT_AN_EDGE))
    if pc.any(odd).as_py():
        distinct = pc.unique(column.filter(odd)).drop_null()
        cleaned_ = pa.array([clean(text.as_py(), ()) for text in distinct], pa.string())
        new = cleaned_.take(pc.index_in(column, distinct))
        column = pc.if_else(pc.fill_null(odd, False), new, column)
    return pc.if_else(pc.is_in(column, pa.array(sorted({"", *missing}))), pa.scalar(None, pa.string()), column)
