"""Opens a Dataset's source: what a look at it finds, and the table that is to be read if there is anything new."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from modelyard_api.fields.listing import Listing
from modelyard_api.fields.sources import Source
from modelyard_api.wire.result import LookResult
from modelyard_api.wire.task import IngestTask
from modelyard_runtime.pod.errors import UserError
from modelyard_runtime.pod.say import say
from modelyard_runtime.pod.store import ArtifactStore
from modelyard_runtime.tables.reading.locate import is_table
from modelyard_runtime.tables.reading.reading import Reading, open_files
from modelyard_runtime.tables.sources import fetch, listing, settle
from modelyard_runtime.tables.sources.folder import Folder
from modelyard_runtime.tables.sources.keys import Keys
from modelyard_runtime.tables.sources.listing import File
from modelyard_runtime.tables.sources.place import Place
from modelyard_runtime.tables.sources.seconds import seconds_of


class Opened(NamedTuple):
    reading: Reading
    listing: list[File] | None
    """The files that the table is made of, if a later look can see by their list whether they have changed."""

    def kept(self, store: ArtifactStore, base_uri: str) -> Listing | None:
        """Keeps the listing in the store, and returns what status says of it. Raises Unavailable."""
        if self.listing is None:
            return None
        listing.keep(store, base_uri, self.listing)
        return listing.told(self.listing)


def open_source(task: IngestTask, store: ArtifactStore, root: Path, keys: Keys) -> Opened | LookResult:
    """Returns the source's table, or that there is nothing to read. Raises UserError and Retriable."""
    source = task.spec.source
    if source.sql or source.query:
        return Opened(_asked(task, store, keys), None)
    if source.config_map:
        place: Place = Folder(root, task.source, source.format)
        return Opened(open_files([root / file.name for file in place.files()], root, source, task.spec.ignore), None)
    place = _remote(source, keys) if source.uri else Folder(root, task.source, source.format)
    seen = place.files() if task.seen else []
    if task.seen and listing.is_telling(seen) and listing.digest(seen) == task.seen:
        say(f"{len(seen)} files are as they were when they were read")
        return LookResult(reason="Unchanged", message="the source's files are as they were when they were read")
    files, moving = _settled(place, source)
    if moving:
        return LookResult(
            reason="NotSettled",
            message=f"spec.source: {moving[0].name!r} has changed within the last {_seconds(source, place):.0f} s, so "
            "it may still be written; it is taken once it has not changed for so long (settle)",
        )
    if isinstance(place, Folder):
        paths, base = [root / file.name for file in files], root
    else:
        base = Path(tempfile.mkdtemp(prefix="source-"))
        paths = fetch.fetch(place, files, base, fetch.Budget(task.most_bytes))
    return Opened(open_files(paths, base, source, task.spec.ignore), files if listing.is_telling(files) else None)


def _asked(task: IngestTask, store: ArtifactStore, keys: Keys) -> Reading:
    """Returns the rows of the source's query."""
    source, budget = task.spec.source, fetch.Budget(task.most_bytes)
    if source.sql:
        from modelyard_runtime.tables.sources import database

        path = database.spooled(source.sql, keys, budget)
    else:
        from modelyard_runtime.tables.sources import query

        assert source.query is not None
        path = query.spooled(source.query, task.inputs, store, budget)
    return open_files([path], path.parent, source)


def _remote(source: Source, keys: Keys) -> Place:
    address = str(source.uri)
    scheme = address.partition("://")[0]

    def wanted(name: str) -> bool:
        return is_table(name, source.format)

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
