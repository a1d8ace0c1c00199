"""Decides what becomes of columns of a CSV file that have no name: an index, or nothing at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.csv_trouble import no_index, unnamed
from modelyard_runtime.tables.reading.left_out import counts
from modelyard_runtime.tables.reading.records import Record

_MADE_UP = re.compile(r"Unnamed: 0(?:\.\d+)*|\.\.\.1")
"""How pandas and readr name a first column that has no name."""
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]*)?")


class Columns(NamedTuple):
    names: list[str]
    """One for each value of a row, "" for those without."""
    indexes: list[int]
    """Those that count rows, which are left out."""
    empty: list[int]
    """Those without a name or any value, which are left out."""
    doubts: list[Doubt]


def decided(names: list[str], width: int, below: list[Record], file: str) -> Columns:
    """Returns what becomes of the columns of rows with ``width`` values, of which ``below`` are the first.

    A first column of texts without a name is named by its position. Raises UserError for another one without a name,
    whose values don't count rows."""
    if width == len(names) + 1:
        # Lines end in a delimiter, or the first value is the name of the row, as R writes it.
        at_end = all(not row.cells[-1].strip() for row in below)
        names = [*names, ""] if at_end else ["", *names]
    bare = [index for index, name in enumerate(names) if not name.strip()]
    filled = {index for row in below for index, cell in enumerate(row.cells) if cell.strip()}
    made_up = [index for index, name in enumerate(names) if _MADE_UP.fullmatch(name.strip())]
    indexes = [at for at in ([0] if 0 in bare else made_up) if counts([row.cells[at] for row in below])]
    doubts = [_index_doubt(names[indexes[0]], file)] if indexes else []
    if 0 in bare and _names_rows(row.cells[0] for row in below):
        names, bare = [_free(names), *names[1:]], bare[1:]
        doubts.append(_named_doubt(names[0], file))
    for at in bare:
        if at not in filled or at in indexes:
            continue
        value, row = next((row.cells[at], row.row) for row in below if row.cells[at].strip())
        raise no_index(file, "", value, row) if at == 0 else unnamed(file, at, len(names), value, row)
    empty = [at for at in bare if at not in indexes]
    if len(empty) + len(indexes) == len(names):
        raise UserError("NoHeader", f"{file!r} has no names of columns; write a header", "spec.source")
    # One delimiter too many at the end of every line is no column of anybody's.
    if empty and empty != [len(names) - 1]:
        doubts.append(_empty_doubt(empty, file))
    return Columns(names, indexes, empty, doubts)


def _names_rows(cells: Iterable[str]) -> bool:
    """Returns whether a first column without a name has the rows' names, as R writes them. Numbers are none: those of a
    shuffled index tell where a row once was, and may so tell the target."""
    texts = [cell.strip() for cell in cells if cell.strip()]
    return bool(texts) and not any(_NUMBER.fullmatch(text) for text in texts)


def _free(names: list[str]) -> str:
    """Returns a name for the first column that no other has."""
    name = "column_1"
    while name in names:
        name += "_"
    return name


def _named_doubt(name: str, file: str) -> Doubt:
    message = f"the first column has no name and holds texts: it is called {name!r}; name it, or list it in spec.ignore"
    return Doubt(reason="ColumnNamed", column=name, message=message, file=file)


def _index_doubt(name: str, file: str) -> Doubt:
    which = f"the column {name.strip()!r} has no name of its own" if name.strip() else "the first column has no name"
    message = (
        f"{which} and counts rows: it is left out; write the file without it (pandas: index=False, "
        "R: row.names=FALSE), or name it"
    )
    return Doubt(reason="IndexLeftOut", message=message, file=file)


def _empty_doubt(empty: list[int], file: str) -> Doubt:
    numbers = ", ".join(str(index + 1) for index in empty[:5])
    message = f"columns without a name or any value are left out (of their numbers: {numbers}); delete them"
    return Doubt(reason="EmptyColumns", message=message, count=len(empty), file=file)
