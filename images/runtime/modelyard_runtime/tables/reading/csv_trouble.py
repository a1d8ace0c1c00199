"""Says what is wrong with a CSV file, or doubtful, for people: file, row, column, value, and what to do."""

from __future__ import annotations

import re
from typing import NamedTuple

from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.blocks import MOST_RECORD, Misquoted
from modelyard_runtime.tables.reading.csv_rows import Ragged
from modelyard_runtime.tables.reading.encoding import GUESS
from modelyard_runtime.tables.reading.where import column_of, place

_WORD = re.compile(r"[^\s,;|\t\"]*")


class Scene(NamedTuple):
    """What is needed to name a place in a file."""

    file: str
    header: list[str]
    delimiter: str
    quote: str

    def at(self, block: bytes, position: int, first_row: int) -> tuple[int, str]:
        """Returns the row and the name of the column of a byte in a block whose first record is ``first_row``."""
        row, index = place(block, position, self.delimiter, self.quote)
        return first_row + row, column_of(self.header, index)


def guessed_text(scene: Scene, block: bytes, position: int, first_row: int) -> Doubt:
    """Returns the doubt about text that is no UTF-8 from ``position`` on and is read as GUESS."""
    row, column = scene.at(block, position, first_row)
    start = re.search(rb"[^\s,;|\t\"]*$", block[max(0, position - 40) : position])
    before = start[0] if start else b""
    word = _WORD.match((before + block[position : position + 40]).decode(GUESS, "replace"))
    example = word[0] if word else ""
    message = (
        f"it is no UTF-8 (byte 0x{block[position]:02x} in row {row}, {column}) and is read as {GUESS}, which gives "
        f"{example!r}; save it as UTF-8, or write spec.source.csv.encoding"
    )
    return Doubt(reason="EncodingGuessed", message=message, example=example, row=row, file=scene.file)


def not_text(scene: Scene, byte: int | None, encoding: str, block: bytes, position: int, first_row: int) -> UserError:
    """Returns the error about a byte that is no text in the encoding; None stands for NUL, which is none in any."""
    row, column = scene.at(block, position, first_row)
    if byte is None:
        message = f"{scene.file!r} has a NUL byte in row {row}, {column}; correct the file, which may be cut off"
        return UserError("NotText", message, "spec.source")
    message = (
        f"{scene.file!r} is no {encoding.upper()}: byte 0x{byte:02x} in row {row}, {column}; save it as UTF-8, or "
        "write what it is in spec.source.csv.encoding"
    )
    return UserError("NotText", message, "spec.source")


def too_long(scene: Scene, row: int) -> UserError:
    message = (
        f"row {row} of {scene.file!r}, or one soon after it, is longer than {MOST_RECORD >> 20} MiB; correct it: a "
        "quote may be open, or line ends may be missing"
    )
    return UserError("RowTooLong", message, "spec.source")


def ragged(scene: Scene, error: Ragged, first_row: int) -> UserError:
    message = (
        f"row {first_row + error.row} of {scene.file!r} has {error.width} values, the header has {len(scene.header)}: "
        f"{error.text.strip()[:200]!r}; correct the row"
    )
    return UserError("RaggedRow", message, "spec.source")


def misquoted(scene: Scene, error: Misquoted, first_row: int) -> UserError:
    row, column = scene.at(error.block, error.position, first_row)
    if error.is_open:
        message = (
            f"row {row} of {scene.file!r}, {column}, begins with a quote that is never closed; close it, or write "
            "spec.source.csv.quote"
        )
    else:
        message = (
            f"row {row} of {scene.file!r}, {column}, goes on after its closing quote; write a quote within a quoted "
            "value twice, or write spec.source.csv.quote: '' if quotes are characters as others"
        )
    return UserError("Misquoted", message, "spec.source")


def no_index(file: str, column: str, value: str, row: int) -> UserError:
    which = f"no name of its own for column {column!r}" if column else "no name for its first column"
    message = (
        f"{file!r} has {which}, which does not count rows: {value!r} in row {row}; name it, or leave it out (pandas: "
        "index=False, R: row.names=FALSE)"
    )
    return UserError("UnnamedColumn", message, "spec.source")


def unnamed(file: str, index: int, count: int, value: str, row: int) -> UserError:
    message = f"{file!r} has no name for column {index + 1} of {count}, which has {value!r} in row {row}; name it"
    return UserError("UnnamedColumn", message, "spec.source")
