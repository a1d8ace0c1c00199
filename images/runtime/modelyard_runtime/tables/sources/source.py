"""Opens a Dataset's source: what a look at it finds, and the table that is to be read if there is anything new."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelyard_api.fields.cursor import Cursor
from modelyard_api.fields.sources import QuerySource, Source, SQLSource
from modelyard_api.kinds.datasetversion import VersionInput
from modelyard_api.wire.result import LookResult
from modelyard_api.wire.task import IngestTask, Previous
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.reading.locate import is_table
from modelyard_runtime.tables.reading.reading import Reading, open_files
from modelyard_runtime.tables.sources import append, cursor, fetch, listing, named, settle
from modelyard_runtime.tables.sources.folder import Folder
from modelyard_runtime.tables.sources.keys import Keys
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.place import Place, Wanted
from modelyard_runtime.tables.sources.seconds import seconds_of

LEFT_OUT = (
    "is in the folder but no part of the table, which is of the files of one format beside each other; write "
    "spec.source.format, a glob in spec.source.uri, or move it"
)


@dataclass
class Opened:
    reading: Reading
    listing: list[File] | None = None
    """What the source lists, if a later look can see by it that nothing has changed."""
    made_of: list[File] | None = None
    """The files that the version's rows come from, the parent's among them."""
    parent: Previous | None = None
    """The version whose rows come first."""
    cursor: Cursor | None = None
    """How far the query was read."""

    def before(self, store: ArtifactStore, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yields the rows that come before those that are read, as typed. Raises UserError and Unavailable."""
        return append.rows(store, self.parent, schema) if self.parent else iter(())

    def kept(self, store: ArtifactStore, task: IngestTask) -> dict[str, Any]:
        """Keeps in the store what a later look compares with; returns the fields of the result. Raises Unavailable."""
        if self.made_of is not None:
            listing.keep(store, task.base_uri, self.made_of)
        return {
            "listing": None if self.listing is None else listing.told(self.listing),
            "made_of": None if self.made_of is None else listing.told(self.made_of),
            "cursor": self.cursor,
            "inputs": [VersionInput.model_validate(given.model_dump()) for given in task.inputs],
        }


def open_source(task: IngestTask, store: ArtifactStore, root: Path, keys: Keys) -> Opened | LookResult:
    """Returns the source's table, or that there is nothing to read. Raises UserError and Retriable."""
    source = task.spec.source
    if source.sql:
        return _selected(task, source.sql, store, keys)
    if source.query:
        return Opened(_queried(task, source.query, store))
    if source.config_map:
        place: Place = Folder(root, task.source, source.format)
        return Opened(open_files([root / file.name for file in place.files()], root, source, task.spec.ignore))
    if source.format in ("Delta", "Iceberg"):
        return _lakehouse(task, keys)
    place = _remote(source, keys) if source.uri else Folder(root, task.source, source.format)
    seen = place.files() if task.seen else []
    if task.seen and listing.is_telling(seen) and listing.digest(seen) == task.seen:
        say(f"{len(seen)} files are as they were when they were read")
        return LookResult(reason="Unchanged", message="the source's files are as they were when they were read")
    files, moving = _settled(place, source)
    taken = _taken(task, store) if source.arrival == "Append" else None
    if taken is not None:
        return _appended(task, store, place, files, moving, taken)
    if moving:
        return _not_settled(moving[0], source, place)
    return Opened(_opened(task, place, files), _telling(files), files)


def _lakehouse(task: IngestTask, keys: Keys) -> Opened | LookResult:
    """Opens a table of Delta Lake or Iceberg, unless its log lists what it listed before."""
    from modelyard_runtime.tables.sources import lakehouse

    source, base = task.spec.source, str(task.spec.source.uri).rstrip("/")

    def at(path: str) -> Place:
        return _at(f"{base}/{path}", keys, lambda name: not name.rpartition("/")[2].startswith("."))

    log = lakehouse.log_of(source, at)
    if task.seen and listing.digest(log.files) == task.seen:
        return LookResult(reason="Unchanged", message="the table's log is as it was when it was read")
    path = lakehouse.spooled(source, log, at, fetch.Budget(task.most_bytes))
    return Opened(open_files([path], path.parent, Source(format="Parquet"), task.spec.ignore), _telling(log.files))


def _appended(
    task: IngestTask, store: ArtifactStore, place: Place, files: list[File], moving: list[File], taken: list[File]
) -> Opened | LookResult:
    """Opens the files that are new, whose rows come after those of the latest accepted version."""
    found = append.arrived(files, taken, moving)
    waits = [file for file in moving if file.name not in {known.name for known in taken}]
    # A file that is left for later must not be part of what the next look takes for known.
    seen = None if waits else _telling(files)
    if found.new:
        opened = Opened(_opened(task, place, found.new), seen, found.made_of, task.previous)
        opened.reading.told.extend(found.doubts)
        return opened
    if task.remake and task.previous is not None:
        return Opened(_remade(task.previous, store), seen, taken)
    if waits:
        return _not_settled(waits[0], task.spec.source, place)
    told = listing.told(seen) if seen is not None else None
    if found.doubts:
        message = "spec.source: " + "; ".join(doubt.message for doubt in found.doubts)
        return LookResult(reason="FilesChanged", message=message[:2000], listing=told)
    return LookResult(reason="Unchanged", message="the source has no new files", listing=told)


def _taken(task: IngestTask, store: ArtifactStore) -> list[File] | None:
    """Returns the files that the latest version is made of; None if there is none, or if that is not known: then all
    files are read, since those that were read once must not come twice."""
    previous = task.previous
    return listing.recall(store, task.base_uri, previous.made_of) if previous and previous.made_of else None


def _opened(task: IngestTask, place: Place, files: list[File]) -> Reading:
    """Returns the table of these files, with what was left out of their folder."""
    reading = _opened_alone(task, place, files)
    reading.told.extend(named.doubts("FilesLeftOut", place.left_out, LEFT_OUT))
    return reading


def _opened_alone(task: IngestTask, place: Place, files: list[File]) -> Reading:
    if isinstance(place, Folder):
        return open_files([place.root / file.name for file in files], place.root, task.spec.source, task.spec.ignore)
    base = Path(tempfile.mkdtemp(prefix="source-"))
    paths = fetch.fetch(place, files, base, fetch.Budget(task.most_bytes))
    return open_files(paths, base, task.spec.source, task.spec.ignore)


def _telling(files: list[File]) -> list[File] | None:
    return files if listing.is_telling(files) else None


def _not_settled(file: File, source: Source, place: Place) -> LookResult:
    return LookResult(
        reason="NotSettled",
        message=f"spec.source: {file.name!r} has changed within the last {_seconds(source, place):.0f} s, so it may "
        "still be written; it is taken once it has not changed for so long (settle)",
    )


def _remade(parent: Previous, store: ArtifactStore) -> Reading:
    """Returns the rows of the version before, of which another spec makes another version."""
    base = Path(tempfile.mkdtemp(prefix="parent-"))
    return open_files(append.fetched(store, parent, base), base, Source(format="Parquet"))


def _selected(task: IngestTask, source: SQLSource, store: ArtifactStore, keys: Keys) -> Opened | LookResult:
    """Opens the rows of a query in a database: with a cursor, those that are new."""
    from modelyard_runtime.tables.sources import database

    since = cursor.start(source, task.previous) if source.cursor else None
    path, watch = database.spooled(source, keys, fetch.Budget(task.most_bytes), since)
    reading = open_files([path], path.parent, task.spec.source)
    if watch is None:
        return Opened(reading)
    doubts = watch.doubts()
    if watch.rows or since is None or task.previous is None:
        reading.told.extend(doubts)
        return Opened(reading, parent=task.previous if since is not None else None, cursor=watch.end())
    if task.remake:
        return Opened(_remade(task.previous, store), cursor=since)
    if doubts:
        return LookResult(reason="RowsLeftOut", message=f"{cursor.FIELD}: {doubts[0].message}")
    return LookResult(reason="Unchanged", message=f"no row is above {since.value} in {since.column!r}")


def _queried(task: IngestTask, source: QuerySource, store: ArtifactStore) -> Reading:
    """Returns the rows of a query over versions of other Datasets."""
    from modelyard_runtime.tables.sources import query

    path = query.spooled(source, task.inputs, store, fetch.Budget(task.most_bytes))
    return open_files([path], path.parent, task.spec.source)


def _remote(source: Source, keys: Keys) -> Place:
    return _at(str(source.uri), keys, lambda name: is_table(name, source.format))


def _at(address: str, keys: Keys, wanted: Wanted) -> Place:
    scheme = address.partition("://")[0]
    if scheme in ("http", "https"):
        from modelyard_runtime.tables.sources.web import Web

        return Web(address, keys, wanted)
    from modelyard_runtime.tables.sources.buckets import OPENERS

    if scheme not in OPENERS:
        message = f"nothing reads {scheme}://; write https, s3, gs or abfs"
        raise UserError("SourceNotFound", message, "spec.source.uri")
    return OPENERS[scheme](address, keys, wanted)


def _settled(place: Place, source: Source) -> tuple[list[File], list[File]]:
    """Object stores and web servers show a file once it is whole; so one file of them need not settle unless asked."""
    seconds = _seconds(source, place)
    return settle.settled(place, seconds) if seconds else (place.files(), [])


def _seconds(source: Source, place: Place) -> float:
    return seconds_of(source.settle, settle.DEFAULT if isinstance(place, Folder) else 0.0)
