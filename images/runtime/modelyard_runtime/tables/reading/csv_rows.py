"""Parses blocks of CSV records into texts, and knows the row of each in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from modelyard_runtime.tables.reading.blocks import plain_quotes
from modelyard_runtime.tables.reading.records import lines_of

MOST_ROWS = 1 << 16
"""Most rows of a batch."""
_MOST_GAPS = 256
_NOTHING = " \t\r\n\v\f\x1a\xa0"
"""What a line may hold that is blank; MS-DOS ends files with 0x1a."""
_NONE = np.array([], np.int64)


class Ragged(Exception):
    """A row with another number of values than there are columns. ``row`` counts from 0 at the block's first one."""

    def __init__(self, row: int, width: int, text: str) -> None:
        super().__init__(row)
        self.row, self.width, self.text = row, width, text


class Parsed(NamedTuple):
    rows: pa.RecordBatch
    places: np.ndarray | None
    """For each row how many rows, blank ones among them, stand before it in the block; None: no row is blank."""
    count: int
    """How many rows the block has, with blank ones."""
    blanks: int = 0
    """How many blank ones were left out between or before rows, whether they are counted or not."""
    last: int = 0
    """How many blank ones stand after the last row."""
    comments: np.ndarray = _NONE
    """The places of lines that begin with "#" and have not as many values as a row."""


class Parser:
    """Parses blocks of records with ``width`` values each into columns named "0", "1" and so on."""

    def __init__(self, width: int, delimiter: str, quote: str) -> None:
        self._width, self._delimiter, self._quote = width, delimiter, quote
        self._names = [str(index) for index in range(width)]
        self._convert = pa.csv.ConvertOptions(column_types=dict.fromkeys(self._names, pa.string()))
        self._convert.strings_can_be_null = False

    def parse(self, block: bytes) -> Parsed:
        """Returns the rows of a block. In a table of one column a blank line is a missing value, in others it is left
        out. Raises Ragged, and pa.ArrowInvalid for what isn't UTF-8."""
        bad: list[pa.csv.InvalidRow] = []
        spaces: list[int] = []
        comments: list[int] = []

        def invalid(row: pa.csv.InvalidRow) -> str:
            text = row.text.strip(_NOTHING)
            if text and (text[0] != "#" or "\n" in text):
                bad.append(row)
                return "error"
            (comments if text else spaces).append(row.number - 1)
            return "skip"

        parse = pa.csv.ParseOptions(
            delimiter=self._delimiter,
            quote_char=self._quote or False,
            newlines_in_values=True,
            ignore_empty_lines=self._width > 1,
            invalid_row_handler=invalid,
        )
        read = pa.csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=self._names)
        given = self._given(block)
        if given is not None and not len(given.places):
            return _numbered(self._empty(), given.places, given.count)
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(block), read_options=read, parse_options=parse, convert_options=self._convert
            )
        except pa.ArrowInvalid:
            if not bad:
                raise
            row = bad[0].number - 1
            raise Ragged(row if given is None else int(given.places[row]), bad[0].actual_columns, bad[0].text) from None
        batches = table.combine_chunks().to_batches()
        rows = batches[0] if batches else self._empty()
        if given is None and not spaces and not comments:
            return Parsed(rows, None, len(rows))
        places = np.arange(len(rows) + len(spaces) + len(comments)) if given is None else given.places
        count = len(places) if given is None else given.count
        return _numbered(rows, np.delete(places, spaces + comments), count, places[comments])

    def _empty(self) -> pa.RecordBatch:
        schema = pa.schema([(name, pa.string()) for name in self._names])
        return pa.RecordBatch.from_pylist([], schema)

    def _given(self, block: bytes) -> _Given | None:
        """Returns where the rows stand among blank lines; None if there are none."""
        if self._width == 1 or not (block.startswith((b"\n", b"\r")) or _has_blank(block)):
            return None
        quote = self._quote.encode()
        if not quote or quote not in block:
            quotes: np.ndarray | None = np.array([], np.int64)
        else:
            quotes = plain_quotes(block, self._delimiter.encode(), quote)
        if quotes is None:
            reader = csv.reader(
                iter(lines_of(block.decode("latin-1"))), delimiter=self._delimiter, quotechar=self._quote
            )
            full = np.array([bool(cells) for cells in reader], bool)
        else:
            full = _full_lines(block, quotes)
        return None if full.all() else _Given(np.flatnonzero(full), len(full))


def _numbered(rows: pa.RecordBatch, places: np.ndarray, count: int, comments: np.ndarray = _NONE) -> Parsed:
    """Returns the rows of a block with blank lines. Where there are blank lines everywhere they are not counted: each
    gap makes a batch of its own."""
    end = int(places[-1]) + 1 if len(places) else 0
    last = count - end - int((comments >= end).sum())
    blanks = count - len(rows) - len(comments) - last
    if int(np.count_nonzero(np.diff(places) > 1)) > _MOST_GAPS:
        return Parsed(rows, None, len(rows), blanks, last, comments)
    return Parsed(rows, places, count, blanks, last, comments)


class _Given(NamedTuple):
    places: np.ndarray
    count: int


def _has_blank(block: bytes) -> bool:
    """Returns whether a line end follows another one anywhere, within quotes or not."""
    codes = np.frombuffer(block, np.uint8)
    newline = codes == 10
    if (newline[1:] & newline[:-1]).any():
        return True
    if b"\r" not in block:
        return False
    back = codes == 13
    return bool((back[1:] & (back[:-1] | newline[:-1])).any())


def _full_lines(block: bytes, quotes: np.ndarray) -> np.ndarray:
    """Returns for each record whether it has any character; line ends between an odd and an even quote end none."""
    codes = np.frombuffer(block, np.uint8)
    is_newline, is_return = codes == 10, codes == 13
    is_return[:-1] &= ~is_newline[1:]
    ends = np.flatnonzero(is_newline | is_return)
    ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    starts = np.concatenate([[0], ends + 1])
    ends = np.concatenate([ends, [len(codes)]])
    if starts[-1] == len(codes):
        starts, ends = starts[:-1], ends[:-1]
    lengths = ends - starts
    # "\\r\\n" alone is a blank line, too.
    return (lengths > 1) | ((lengths == 1) & (codes[starts] != 13))


def pieces(rows: pa.RecordBatch, places: np.ndarray | None, first: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yields the rows in slices that stand together, each with the row of its first one."""
    if not len(rows):
        return
    starts = np.array([0])
    if places is not None:
        starts = np.concatenate([starts, np.flatnonzero(np.diff(places) > 1) + 1])
    ends = [*starts[1:].tolist(), len(rows)]
    for start, end in zip(starts.tolist(), ends, strict=True):
        for index in range(start, end, MOST_ROWS):
            place = index if places is None else int(places[index])
            yield rows.slice(index, min(MOST_ROWS, end - index)), first + place
