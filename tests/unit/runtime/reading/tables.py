"""Reads small files as a Dataset's source, for tests of what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from modelyard_api.fields.doubts import Doubt
from modelyard_api.fields.sources import Source
from modelyard_runtime.tables.reading.reading import Reading, open_files


class Table(NamedTuple):
    reading: Reading
    rows: list[list[Any]]
    numbers: list[int]
    """The row of each, as a spreadsheet shows it."""
    doubts: list[Doubt]

    def reasons(self) -> list[str]:
        return [doubt.reason for doubt in self.doubts]


def opened(files: list[Path], ignore: tuple[str, ...] = (), **source: Any) -> Reading:
    volume = {"claimName": "c", "path": "x"}
    return open_files(files, files[0].parent, Source.model_validate({"volume": volume, **source}), ignore)


def read(reading: Reading) -> Table:
    """Reads twice: the second time must give what the first did."""
    rows, numbers = _rows(reading)
    assert _rows(reading) == (rows, numbers)
    return Table(reading, rows, numbers, reading.doubts)


def _rows(reading: Reading) -> tuple[list[list[Any]], list[int]]:
    rows: list[list[Any]] = []
    numbers: list[int] = []
    for batch in reading.batches():
        assert batch.rows.schema.names == reading.names
        columns = [column.to_pylist() for column in batch.rows.columns]
        rows += map(list, zip(*columns, strict=True))
        numbers += range(batch.first_row, batch.first_row + len(batch.rows))
        assert 0 <= batch.done <= reading.size
    return rows, numbers


def put(folder: Path, data: str | bytes, name: str = "t.csv") -> Path:
    file = folder / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


def table(folder: Path, data: str | bytes, name: str = "t.csv", **source: Any) -> Table:
    return read(opened([put(folder, data, name)], **source))
