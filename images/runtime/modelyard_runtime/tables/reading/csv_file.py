"""Reads one CSV file: batches of texts as they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelyard_api.fields.csv import CSV
from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading.blocks import Cutter, Misquoted, TooLong
from modelyard_runtime.tables.reading.csv_layout import look
from modelyard_runtime.tables.reading.csv_rows import Parsed, Parser, Ragged, pieces
from modelyard_runtime.tables.reading.csv_trouble import (
    guessed_text,
    misquoted,
    no_index,
    not_text,
    ragged,
    too_long,
    unnamed,
)
from modelyard_runtime.tables.reading.encoding import GUESS, BadBytes, first_bad, guessed
from modelyard_runtime.tables.reading.left_out import Counting, empty, repeated
from modelyard_runtime.tables.reading.names import checked
from modelyard_runtime.tables.reading.unchanged import mark, unchanged
from modelyard_runtime.tables.reading.unpack import Unpacked


class CSVFile:
    """A CSV file whose header and dialect are known. Raises UserError if they can't be found out."""

    def __init__(self, file: Path, name: str, csv: CSV, missing: tuple[str, ...]) -> None:
        self.file, self.name, self.csv = file, name, csv
        self.mark = mark(file)
        with unchanged(file, name, self.mark):
            self.layout = look(file, name, csv, missing)
        own = [self.layout.header[index] for index in self.layout.kept]
        self.names = checked(own, name)
        self.schema: pa.Schema | None = None
        self.late: dict[str, Doubt] = {}
        """What is told once the rows have been read."""

    @property
    def doubts(self) -> list[Doubt]:
        return [*self.layout.doubts, *self.late.values()]

    def rows(self) -> Iterator[tuple[pa.RecordBatch, int, int]]:
        """Yields batches with the row of their first one and the bytes that were read. Raises UserError."""
        with unchanged(self.file, self.name, self.mark), Unpacked(self.file, self.name) as raw:
            yield from _Pass(self, raw).rows()


class _Pass:
    """One time through the rows of a file."""

    def __init__(self, file: CSVFile, raw: Unpacked) -> None:
        self._file, self._layout, self._raw = file, file.layout, raw
        self._scene = self._layout.scene(file.name)
        self._guess = self._layout.is_guess
        self._is_ascii = self._layout.is_ascii
        self._counting = {index: Counting() for index in self._layout.indexes}
        self._row = self._layout.first_row
        self._trailing = 0
        self._tally: dict[str, tuple[int, int]] = {}

    def rows(self) -> Iterator[tuple[pa.RecordBatch, int, int]]:
        layout = self._layout
        parser = Parser(len(layout.header), layout.delimiter, layout.quote)
        is_first = True
        for block in self._blocks():
            parsed = self._parsed(parser, block)
            rows, places = parsed.rows, parsed.places
            first = self._row
            self._row += parsed.count
            if is_first and layout.units and len(rows):
                rows, places = _without(rows, places, np.arange(len(rows)) == 0)
            is_first = is_first and not parsed.count
            for reason, find in (("HeaderRepeated", self._repeated), ("EmptyRows", empty)):
                mask = find(rows)
                if mask is not None:
                    at = int(np.argmax(mask))
                    self._count(reason, int(mask.sum()), first + _place(places, at))
                    rows, places = _without(rows, places, mask)
            self._count_blanks(parsed, first)
            self._check_left_out(rows, places, first)
            kept = rows.select(layout.kept).rename_columns(self._file.names)
            for piece, row in pieces(kept, places, first):
                yield piece, row, self._raw.done

    def _repeated(self, rows: pa.RecordBatch) -> np.ndarray | None:
        return repeated(rows, self._layout.header)

    def _blocks(self) -> Iterator[bytes]:
        """Yields blocks of whole records after the header. Raises UserError."""
        layout = self._layout
        read = _after(layout.stream(self._raw), layout.body)
        held = b""
        try:
            for block in Cutter(layout.delimiter, layout.quote).blocks(read):
                if len(layout.header) == 1:
                    # Blank lines at the end are none of the rows, which can't be told before the end.
                    block = held + block
                    text = block.rstrip(b"\r\n")
                    held = block[len(text) :]
                    ends = 2 if held.startswith(b"\r\n") else 1
                    block, held = text + held[:ends], held[ends:]
                    if not text:
                        held = block + held
                        continue
                yield block
        except BadBytes as error:
            raise not_text(
                self._scene, error.byte, error.encoding, error.before, len(error.before), self._row
            ) from None
        except TooLong:
            raise too_long(self._scene, self._row) from None
        except Misquoted as error:
            raise misquoted(self._scene, error, self._row) from None

    def _parsed(self, parser: Parser, block: bytes) -> Parsed:
        """Returns the rows of a block, whose text is taken as GUESS from the first byte on that is no UTF-8."""
        name = self._file.name
        if (zero := block.find(b"\0")) >= 0:
            raise not_text(self._scene, None, "utf-8", block, zero, self._row)
        if self._guess:
            block = self._decoded(block)
        try:
            parsed = parser.parse(block)
        except Ragged as error:
            raise ragged(self._scene, error, self._row) from None
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            bad = first_bad(block, True)
            if bad is None:
                message = f"{name!r} can't be read after row {self._row}: {error}"
                raise UserError("UnreadableFile", message, "spec.source") from error
            if not self._may_guess(block[:bad], block):
                raise not_text(self._scene, block[bad], "utf-8", block, bad, self._row) from None
            self._guess = True
            self._file.late["EncodingGuessed"] = guessed_text(self._scene, block, bad, self._row)
            return self._parsed(parser, block)
        self._is_ascii = self._is_ascii and block.isascii()
        return parsed

    def _decoded(self, block: bytes) -> bytes:
        try:
            return block.decode(GUESS).encode()
        except UnicodeDecodeError as error:
            raise not_text(self._scene, block[error.start], GUESS, block, error.start, self._row) from None

    def _may_guess(self, before: bytes, block: bytes) -> bool:
        is_given = self._file.csv.encoding is not None or self._layout.start > 0
        return not is_given and self._is_ascii and before.isascii() and guessed(block) is not None

    def _check_left_out(self, rows: pa.RecordBatch, places: np.ndarray | None, first: int) -> None:
        """Raises UserError if the column that counts rows does not, or one without a name has a value."""
        layout, name = self._layout, self._file.name
        for index in layout.indexes:
            if (at := self._counting[index].first_other(rows.column(index))) is not None:
                value = rows.column(index)[at].as_py()
                raise no_index(name, layout.header[index].strip(), value, first + _place(places, at))
        for index in layout.empty:
            values = rows.column(index)
            is_given = pc.not_equal(pc.utf8_trim_whitespace(values), "")
            if pc.any(is_given).as_py():
                at = int(np.argmax(is_given.to_numpy(zero_copy_only=False)))
                raise unnamed(name, index, len(layout.header), values[at].as_py(), first + _place(places, at))

    def _count_blanks(self, parsed: Parsed, first: int) -> None:
        """Counts comments, and blank lines between two rows: those at the end of the file are nobody's concern."""
        if len(parsed.comments):
            self._count("CommentLines", len(parsed.comments), first + int(parsed.comments[0]))
        between = 0
        if len(parsed.rows):
            between, self._trailing = parsed.blanks + self._trailing, parsed.last
        else:
            self._trailing += parsed.last
        if between:
            gap = 0 if parsed.places is None else int(np.argmax(np.diff(np.r_[-1, parsed.places]) > 1))
            self._count("BlankLines", between, first + (_place(parsed.places, gap - 1) + 1 if gap else 0))

    def _count(self, reason: str, count: int, row: int) -> None:
        before, first = self._tally.get(reason, (0, row))
        self._tally[reason] = (before + count, first)
        texts = {
            "HeaderRepeated": "rows repeat the header and are left out; delete them",
            "EmptyRows": "rows have no value at all and are left out; delete them",
            "CommentLines": "lines that begin with '#' are left out; delete them",
            "BlankLines": "blank lines between rows are left out, and not counted where there are many; delete them",
        }
        self._file.late[reason] = Doubt(
            reason=reason, message=texts[reason], count=before + count, row=first, file=self._file.name
        )


def _place(places: np.ndarray | None, index: int) -> int:
    return index if places is None else int(places[index])


def _without(rows: pa.RecordBatch, places: np.ndarray | None, mask: np.ndarray) -> tuple[pa.RecordBatch, np.ndarray]:
    places = np.arange(len(rows)) if places is None else places
    return rows.filter(pa.array(~mask)), places[~mask]


def _after(read: Callable[[int], bytes], skip: int) -> Callable[[int], bytes]:
    """Returns ``read`` from ``skip`` bytes on."""
    left = skip

    def rest(size: int) -> bytes:
        nonlocal left
        while left:
            data = read(min(left, size))
            if not data:
                return b""
            left -= len(data)
        return read(size)

    return rest
