"""Lines that begin with "#" above a table: comments, of which the last one may be its header."""

from __future__ import annotations

import re

from modelyard_runtime.tables.reading.header import is_header, is_like_data
from modelyard_runtime.tables.reading.records import Record, split

_COMMENTS = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*")


def length(text: str) -> int:
    """Returns how much of ``text`` is comments and blank lines before anything else; 0 if there is nothing else."""
    match = _COMMENTS.match(text)
    above = match[0] if match else ""
    return len(above) if "#" in above and text[len(above) :].strip() else 0


def header_in(last: str, rows: list[Record], delimiter: str, quote: str) -> list[str] | None:
    """Returns the names in the ``last`` comment, as ``#id,size`` or ``# id,size``. It is no header unless it is as
    wide as the ``rows`` below it, and these do not begin with a header of their own."""
    cells = split(last, delimiter, quote, whole=True)[0].cells if last.strip() else []
    if len(cells) < 2 or not rows or len(rows[0].cells) != len(cells) or is_header(rows[0].cells, _below(rows)):
        return None
    if not any(map(is_like_data, rows[0].cells)) and cells[0].startswith("# "):
        return None  # all is text, and the comment begins as a sentence does
    return [re.sub(r"^# +", "", cells[0]), *cells[1:]]


def _below(rows: list[Record]) -> list[list[str]]:
    return [row.cells for row in rows[1:]]
