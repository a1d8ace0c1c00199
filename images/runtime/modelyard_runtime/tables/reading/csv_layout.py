"""Finds out from the beginning of a CSV file how it is written: encoding, dialect, header, numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from modelyard_api.fields.csv import CSV
from modelyard_api.fields.doubts import Doubt
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.tables.reading import comments, dialect, header, records
from modelyard_runtime.tables.reading.csv_columns import decided
from modelyard_runtime.tables.reading.csv_trouble import Scene, guessed_text, not_text
from modelyard_runtime.tables.reading.encoding import GUESS, BadBytes, ToUTF8, first_bad, guessed, marked, wide
from modelyard_runtime.tables.reading.names import tidied
from modelyard_runtime.tables.reading.numbers import Evidence
from modelyard_runtime.tables.reading.unpack import Unpacked

SAMPLE = 256 << 10
"""Bytes that are looked at."""
MOST_HEADER = 16 << 20
"""Most bytes before the end of the first line."""
_SEP = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE)

_NO_CSV = {
    **dict.fromkeys(("<!doctype", "<html", "<?xml"), "a page of HTML or XML; look what the source's server answers"),
    **dict.fromkeys(('{"', '[{"'), "JSON; write spec.source.format: JSONLines, with one object a line"),
    "version https://git-lfs": "a pointer of Git LFS; bring the file that it stands for",
}
"""How text begins that is no CSV: what it is, and what to do."""


@dataclass
class Layout:
    """How a CSV file is written."""

    encoding: str
    start: int
    """Bytes of the byte order mark, where the encoding is UTF-8."""
    is_guess: bool = False
    """Whether the beginning is no UTF-8 and is read as GUESS."""
    delimiter: str = ","
    quote: str = '"'
    header: list[str] = field(default_factory=list)
    """The names as written, with "" for columns without one; as many as rows have values."""
    body: int = 0
    """Bytes before the first row: of the text as UTF-8, or of the file itself if its encoding is a guess."""
    first_row: int = 2
    units: bool = False
    indexes: list[int] = field(default_factory=list)
    """Columns that count rows and are left out."""
    empty: list[int] = field(default_factory=list)
    """Columns without a name or any value."""
    is_ascii: bool = True
    """Whether what stands before the first row is ASCII."""
    evidence: Evidence = field(default_factory=Evidence)
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def kept(self) -> list[int]:
        return [i for i in range(len(self.header)) if i not in self.empty and i not in self.indexes]

    def scene(self, file: str) -> Scene:
        return Scene(file, self.header, self.delimiter, self.quote)

    def stream(self, raw: Unpacked) -> Callable[[int], bytes]:
        """Returns how the text is read from its beginning, without a byte order mark."""
        if self.encoding != "utf-8":
            return ToUTF8(raw.read, self.encoding).read
        raw.read(self.start)
        return raw.read


def look(file: Path, name: str, csv: CSV, missing: tuple[str, ...]) -> Layout:
    """Returns how the file is written; what ``csv`` says is taken as it is. Raises UserError."""
    with Unpacked(file, name) as raw:
        start = raw.read(SAMPLE)
    if not start:
        raise UserError("EmptyTable", f"{name!r} is empty; bring a file with a header and rows", "spec.source")
    encoding, mark = marked(start)
    encoding = encoding or wide(start) or "utf-8"
    if csv.encoding and not (mark and encoding.startswith("utf-")):
        encoding = csv.encoding
    layout = Layout(encoding, mark)
    if encoding.startswith("utf-") and encoding != "utf-8" and not mark and not csv.encoding:
        message = f"it is read as {encoding.upper()}, since every second byte is 0; write spec.source.csv.encoding"
        layout.doubts.append(Doubt(reason="EncodingGuessed", message=message, file=name))
    sample, whole = _sample(file, name, layout)
    text = sample.decode("latin-1")  # so that a character is a byte; cells are decoded one by one
    _check_kind(text, name)
    skip = 0
    delimiter = csv.delimiter
    if match := _SEP.match(text):
        skip, delimiter = match.end(), delimiter or match[1]
    if csv.skip_rows is None:
        skip += comments.length(text[skip:])
    preferred = "\t" if ".tsv" in (suffix.lower() for suffix in file.suffixes) else ""
    found = dialect.found_out(text[skip:], whole, delimiter, csv.quote, preferred)
    layout.delimiter, layout.quote = found.delimiter, found.quote
    if found.doubt:
        message = f"it is read {found.doubt}; write spec.source.csv.{found.field}"
        layout.doubts.append(Doubt(reason="DelimiterGuessed", message=message, file=name))
    above = records.lines_of(text[match.end() if match else 0 : skip])
    rows = records.split(text[skip:], found.delimiter, found.quote, whole)
    rows = [row._replace(row=row.row + len(above)) for row in rows]
    layout.header = rows[0].cells if rows else []
    _check_text(sample[skip:], whole, len(above) + 1, name, layout, csv)
    top = _header(above, rows, layout, name, csv)
    layout.body, layout.first_row = skip + top.end, top.row + 1
    layout.is_ascii = sample[skip : layout.body].isascii()
    _tell_lines(layout, top, name, csv)
    below = [row for row in rows if row.row > top.row and len(row.cells) == top.width and not row.is_blank]
    below = below[1:] if top.units else below
    below = [row._replace(cells=[_decoded(cell, layout) for cell in row.cells]) for row in below]
    layout.header = [_decoded(cell, layout) for cell in top.names]
    columns = decided(layout.header, top.width, below, name)
    layout.header, layout.indexes, layout.empty = columns.names, columns.indexes, columns.empty
    layout.doubts += columns.doubts
    for index in layout.kept:
        values = [(row.cells[index], row.row) for row in below]
        layout.evidence.look(tidied(layout.header[index]), values, missing, name)
    return layout


def _header(above: list[str], rows: list[records.Record], layout: Layout, name: str, csv: CSV) -> header.Header:
    """Returns the header of ``rows``; the last of the lines ``above`` them, which are comments, may hold it."""
    lines = [line.strip() for line in above]
    names = comments.header_in(above[-1], rows, layout.delimiter, layout.quote) if above else None
    if names is not None:
        top = header.find([records.Record(names, 0, len(lines)), *rows], name, 0)
        return top._replace(skipped=lines[:-1])
    top = header.find(rows, name, csv.skip_rows)
    return top._replace(skipped=[*lines, *top.skipped])


def _sample(file: Path, name: str, layout: Layout) -> tuple[bytes, bool]:
    """Returns the beginning of the text, of at least one line, and whether it is the whole text. Raises UserError."""
    with Unpacked(file, name) as raw:
        read = layout.stream(raw)
        sample = b""
        try:
            while len(sample) < SAMPLE or (b"\n" not in sample and b"\r" not in sample):
                data = read(SAMPLE)
                if not data:
                    return sample, True
                sample += data
                if len(sample) > MOST_HEADER:
                    message = (
                        f"row 1 of {name!r} is longer than {MOST_HEADER >> 20} MiB; correct the file, which must have "
                        "a header and one line a row"
                    )
                    raise UserError("RowTooLong", message, "spec.source")
        except BadBytes as error:
            sample += error.before
            raise not_text(layout.scene(name), error.byte, layout.encoding, sample, len(sample), 1) from None
    return sample, False


def _check_kind(text: str, name: str) -> None:
    """Raises UserError for text that is known to be no CSV."""
    start = text[:200].lstrip().lower()
    for begin, remedy in _NO_CSV.items():
        if start.startswith(begin):
            raise UserError("UnreadableFile", f"{name!r} is {remedy}", "spec.source")


def _check_text(sample: bytes, whole: bool, first_row: int, name: str, layout: Layout, csv: CSV) -> None:
    """Finds out whether text is UTF-8, or what is guessed. Raises UserError if it is nothing that is known."""
    if (zero := sample.find(b"\0")) >= 0:
        raise not_text(layout.scene(name), None, layout.encoding, sample, zero, first_row)
    bad = first_bad(sample, whole) if layout.encoding == "utf-8" else None
    if bad is None:
        return
    if csv.encoding or layout.start or not sample[:bad].isascii() or not guessed(sample):
        raise not_text(layout.scene(name), sample[bad], layout.encoding, sample, bad, first_row)
    layout.is_guess = True
    layout.header = [_decoded(cell, layout) for cell in layout.header]
    layout.doubts.append(guessed_text(layout.scene(name), sample, bad, first_row))


def _decoded(cell: str, layout: Layout) -> str:
    return cell.encode("latin-1").decode(GUESS if layout.is_guess else "utf-8", "replace")


def _tell_lines(layout: Layout, top: header.Header, name: str, csv: CSV) -> None:
    """Tells of lines before the header and of a row of units. Raises UserError if the header is a row of data."""
    skipped = [line for line in top.skipped if line]
    if skipped and csv.skip_rows is None:
        message = (
            f"row {top.row} is taken for the header; {len(skipped)} lines before it are left out; write "
            "spec.source.csv.skipRows if another row is the header"
        )
        example = _decoded(skipped[0], layout)
        layout.doubts.append(
            Doubt(reason="LinesSkipped", message=message, count=len(skipped), example=example, row=1, file=name)
        )
    if csv.skip_rows is None and not skipped and all(map(header.is_like_data, top.names)):
        if len(set(top.names)) < len(top.names):
            message = f"row {top.row} of {name!r} looks like data; write a row with the names of the columns above it"
            raise UserError("NoHeader", message, "spec.source")
        message = "the first row is taken for the header though it looks like data; write a row of names above it"
        example = ", ".join(top.names)
        layout.doubts.append(Doubt(reason="HeaderLikeData", message=message, example=example, row=top.row, file=name))
    if top.units:
        layout.units = True
        units = [_decoded(cell, layout).strip() for cell in top.units]
        message = "the row below the header holds units and is left out; delete it"
        row = top.row + 1
        layout.doubts.append(Doubt(reason="UnitsRow", message=message, example=", ".join(units), row=row, file=name))
