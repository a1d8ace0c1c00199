"""Tables of Delta Lake and Iceberg at a version: their log says which files are theirs, and only those are fetched.

The kept readers, ``deltalake`` and ``pyiceberg``, read local copies: so each byte comes through the same checks and
with the same keys as any file, and no table's metadata leads them elsewhere.
"""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from modelyard_api.fields.sources import Source
from modelyard_runtime.pod.errors import Retriable, UserError
from modelyard_runtime.tables.sources.fetch import Budget, fetch
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.place import Place
from modelyard_runtime.tables.sources.spool import Spool

FIELD, VERSION = "spec.source.uri", "spec.source.version"
FORMATS = ("Delta", "Iceberg")
LISTED = 20
"""Most versions that a message names."""
_METADATA = re.compile(r"(?:v?(\d+)(?:-[0-9a-f-]+)?)(?:\.gz)?\.metadata\.json")
At = Callable[[str], Place]
"""Returns the place of a path below the table's folder; a path that ends with "/" is a folder."""


class Log(NamedTuple):
    """The folder of a table's log, and its files: a change of the table is a change of their list."""

    place: Place
    files: list[File]


def log_of(source: Source, at: At) -> Log:
    """Raises UserError and Retriable."""
    folder = "_delta_log/" if source.format == "Delta" else "metadata/"
    place = at(folder)
    try:
        return Log(place, place.files())
    except UserError as error:
        if error.reason != "SourceNotFound":
            raise
        message = (
            f"{source.uri} has no {folder}, so it is no table of {source.format}; correct the address or the format"
        )
        raise UserError("SourceNotFound", message, FIELD) from error


def spooled(source: Source, log: Log, at: At, budget: Budget) -> Path:
    """Returns a Parquet file with the table's rows at the wanted version. Raises UserError and Retriable."""
    folder = Path(tempfile.mkdtemp(prefix="table-"))
    root, out = folder / "table", folder / "out"
    for path in (root, out):
        path.mkdir()
    spool = Spool(out, budget, FIELD)
    read = _delta if source.format == "Delta" else _iceberg
    try:
        for batch in read(source, log, at, root, budget):
            spool.begin(batch.schema.names)
            spool.add(batch)
    except (UserError, Retriable, MemoryError):
        raise
    except Exception as error:  # both readers have errors of their own for whatever a table's files may hold
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _unreadable(source, error) from error
    return spool.close()


def _delta(source: Source, log: Log, at: At, root: Path, budget: Budget) -> Iterator[pa.RecordBatch]:
    import deltalake

    (root / "_delta_log").mkdir()
    fetch(log.place, log.files, root / "_delta_log", budget)
    there = sorted({int(file.name[:20]) for file in log.files if re.match(r"\d{20}\.(json|checkpoint)", file.name)})
    if source.version is not None and source.version not in there:
        raise _no_version(source, [str(number) for number in there])
    table = deltalake.DeltaTable(str(root), version=source.version)
    _bring([name.removeprefix(f"{root}/") for name in table.file_uris()], at, root, budget)
    rows = table.to_pyarrow_dataset()
    yield pa.RecordBatch.from_pylist([], schema=rows.schema)  # a table without rows has columns all the same
    yield from rows.to_batches()


def _iceberg(source: Source, log: Log, at: At, root: Path, budget: Budget) -> Iterator[pa.RecordBatch]:
    from pyiceberg.catalog.noop import NoopCatalog
    from pyiceberg.io import InputFile
    from pyiceberg.io.pyarrow import PyArrowFileIO
    from pyiceberg.serializers import FromInputFile
    from pyiceberg.table import StaticTable

    numbered = [(int(match[1]), file) for file in log.files if (match := _METADATA.fullmatch(file.name))]
    if not numbered:
        message = f"{source.uri} has no metadata/*.metadata.json, so it is no table of Iceberg; correct the address"
        raise UserError("SourceNotFound", message, FIELD)
    (path,) = fetch(log.place, [max(numbered, key=lambda item: item[0])[1]], root, budget)
    metadata = FromInputFile.table_metadata(PyArrowFileIO().new_input(str(path)))

    class Local(PyArrowFileIO):
        """Reads what lies below the table's location, from copies."""

        def new_input(self, location: str) -> InputFile:
            name = location.removeprefix(f"{metadata.location.rstrip('/')}/")
            if name == location:
                message = f"the table names {location}, which is not below {metadata.location}; copy the table whole"
                raise UserError("SourceOutside", message, FIELD)
            if not (root / name).exists():
                _bring([name], at, root, budget)
            return super().new_input(str(root / name))

    # Its own constructor would take the reader's class from the table's properties.
    table = StaticTable(("table",), metadata, str(path), Local(), NoopCatalog("none"))
    there = [str(snapshot.snapshot_id) for snapshot in metadata.snapshots]
    if source.version is not None and str(source.version) not in there:
        raise _no_version(source, there)
    rows = table.scan(snapshot_id=source.version).to_arrow_batch_reader()
    yield pa.RecordBatch.from_pylist([], schema=rows.schema)
    yield from rows


def _bring(names: list[str], at: At, root: Path, budget: Budget) -> None:
    """Fetches files of the table to the same paths below ``root``."""
    for name in names:
        place = at(name)
        (file,) = place.files()
        to = (root / name).parent
        if not to.resolve().is_relative_to(root.resolve()):
            raise UserError(
                "SourceOutside", f"the table names {name[:80]!r}, which is not below it; copy it whole", FIELD
            )
        to.mkdir(parents=True, exist_ok=True)
        fetch(place, [file], to, budget)


def _no_version(source: Source, there: list[str]) -> UserError:
    listed = ", ".join(there[-LISTED:]) or "none"
    message = f"{source.uri} has no version {source.version}; it has {listed}; name one of them"
    return UserError("SourceNotFound", message, VERSION)


def _unreadable(source: Source, error: Any) -> UserError:
    said = " ".join(str(error).split())[:300]
    message = f"{source.uri} can't be read as a table of {source.format}: {said}; write it without that, or correct it"
    return UserError("UnreadableFile", message, FIELD)
